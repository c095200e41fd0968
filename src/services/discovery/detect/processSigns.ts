/**
 * Signs of EPICS that a process shows beyond its sockets and its command line: the libraries mapped
 * into it, and a script among its arguments.
 */
import { isErrorCode } from '../../../base/errors';
import { decodeUtf8 } from '../../../protocol/bytes';
import type { ContainerAccess, SocketWatch } from '../../host/engine';
import type { ProcessInfo } from '../../host/socketReport';
import { resolvePath } from '../names/containerFiles';
import { parseMappedFiles } from './parseProc';

/** What a process showed. */
export interface ProcessSigns {
  /**
   * 'server': libraries that only servers map (dbCore, rsrv, cas, QSRV); 'pva': libraries of
   * pvAccess, which clients map as well; 'ca': libca, Com or what pcaspy has alone.
   */
  readonly libraries: 'server' | 'pva' | 'ca' | 'none';
  /** What a script among its arguments does; a client does the same without serving. */
  readonly script: 'serves' | 'none';
  /** EPICS_* settings that the script makes. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Nothing to be seen. */
export const NO_SIGNS: ProcessSigns = { libraries: 'none', script: 'none', settings: {} };

/** Where the signs are read. */
export interface SignsSource {
  readonly files: Pick<ContainerAccess, 'readFile'>;
  readonly watch: Pick<SocketWatch, 'readProcessFile'>;
}

/** Arguments that may be scripts, of which the first that is readable counts. */
const MAX_ARGUMENTS = 6;
const MAX_SCRIPT_BYTES = 256 * 1024;

/** Mapped by IOCs and portable CA servers only; with a version, as `libdbCore.so.3.24.0`. */
const SERVER_LIBRARY =
  /^lib(dbCore|dbIoc|dbRecStd|dbStaticIoc|rsrv|rsrvIoc|cas|qsrv|pvxsIoc|pvAccessIOC|pvDatabase)\b/;
const PVA_LIBRARY = /^lib(pvAccess|pvAccessCPP|pvxs|pvAccessCA)\b|^(_p4p|pvaccess)\b.*\.so/;
/** And pcaspy's, whose name may be that of something else, too. */
const CA_LIBRARY = /^lib(ca|Com)\.(so|dylib)|^_cas\b.*\.so/;

/** Commands that startup scripts of IOCs have, and hardly anything else; of one line. */
const IOCSH_WORD =
  /^[ \t]*(?:dbLoadRecords|dbLoadTemplate|dbLoadDatabase|iocInit|\w+_registerRecordDeviceDriver|epicsEnvSet|iocshLoad|asynOctetSetInputEos)\b/;
/** Modules by which Python programs serve PVs; of one line. */
const PYTHON_SERVER =
  /^[ \t]*(?:from|import)[ \t]+(?:caproto\.server|caproto\.asyncio\.server|p4p\.server|pcaspy|softioc|pvapy|pvaccess|fastcs|tango2epics|cothread\.iocsh)\b/;
const SETTING =
  /(?:epicsEnvSet|os\.environ|setenv|putenv)[\s([]+["']?(EPICS_\w+?)["']?\]?(?:\s*[,=]\s*|\s+)["']?([^"'\s,)\]]+)/g;
const MAX_SETTINGS = 50;
/** Lines of a script, and characters of each, that are looked at: expressions see one at a time. */
const MAX_LINES = 10_000;
const MAX_LINE = 500;

/**
 * Reads the signs of a process; what cannot be read shows nothing. Rejects with CancelledError
 * only.
 */
export async function readSigns(
  process: ProcessInfo,
  { files, watch }: SignsSource,
  signal: AbortSignal,
): Promise<ProcessSigns> {
  const maps = await watch.readProcessFile(process, 'maps', signal);
  const libraries = libraryKind(parseMappedFiles(maps ?? ''));
  for (const path of scriptPaths(process)) {
    let text: string;
    try {
      text = decodeUtf8(await files.readFile(path, MAX_SCRIPT_BYTES, signal));
    } catch (error) {
      if (signal.aborted || isErrorCode(error, 'cancelled')) throw error;
      continue;
    }
    const lines = text.split('\n', MAX_LINES).map((line) => line.slice(0, MAX_LINE));
    if (!lines.some((line) => IOCSH_WORD.test(line) || PYTHON_SERVER.test(line))) continue;
    return { libraries, script: 'serves', settings: settingsOf(lines) };
  }
  return { ...NO_SIGNS, libraries };
}

function libraryKind(mapped: readonly string[]): ProcessSigns['libraries'] {
  if (mapped.some((name) => SERVER_LIBRARY.test(name))) return 'server';
  if (mapped.some((name) => PVA_LIBRARY.test(name))) return 'pva';
  return mapped.some((name) => CA_LIBRARY.test(name)) ? 'ca' : 'none';
}

/** Arguments that look like paths of files, last ones first after an interpreter or a wrapper. */
export function scriptPaths({
  commandLine,
  workingDirectory = '/',
  environment,
}: ProcessInfo): string[] {
  const folder = environment['PWD'] ?? workingDirectory;
  return commandLine
    .slice(1)
    .filter((word) => /^[^-=\s][^\s=]*$/.test(word) && word.length <= MAX_WORD)
    .slice(-MAX_ARGUMENTS)
    .map((word) => resolvePath(folder, word));
}

const MAX_WORD = 1024;

function settingsOf(lines: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {};
  let count = 0;
  for (const line of lines) {
    for (const [, name = '', value = ''] of line.matchAll(SETTING)) {
      if (++count > MAX_SETTINGS) return settings;
      settings[name] = value;
    }
  }
  return settings;
}
