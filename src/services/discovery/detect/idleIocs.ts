/** IOCs that serve nothing yet, or will never: by their command lines, else by their signs. */
import { clipped } from '../../../base/clipped';
import type { ContainerStart } from '../../host/engine';
import type { ProcessInfo, SocketReport } from '../../host/socketReport';
import { isKnownServer, isOfAnother, isWordOfEpics, type Undecided } from './candidates';
import { processKey } from './parseProc';
import { type ProcessSigns, scriptPaths } from './processSigns';

/** A startup script of the IOC shell. */
const SCRIPT = /(^|\/)(st\.cmd[\w.-]*|[\w.-]+\.(cmd|iocsh))$/;
/** What prepares an IOC before it starts: ioc-template's start.sh, ibek. */
const GENERATOR = /(^|\/)(start\.sh|ibek)$/;
/** Programs that read scripts and do not run them. */
const READER =
  /^(vim?|nvim|nano|emacs|ed|less|more|cat|tail|head|grep|rg|watch|diff|git|make|cp|rsync|inotifywait|entr|tee|awk|sed)$/;
/** Far more than an IOC has. */
const MAX_WORDS = 50;

/** What the processes that serve nothing may be. */
export interface IdleProcesses {
  readonly iocs: readonly ProcessInfo[];
  /** Those whose signs would decide; at most MAX_UNDECIDED. */
  readonly undecided: readonly Undecided[];
}

/** Most programs that are given a file are no IOCs, and each costs up to seven files read. */
const MAX_UNDECIDED = 20;

/**
 * The processes of a report that are IOCs and are not among `serving`: waiting at the prompt after an
 * iocInit that failed, or still preparing. Of a wrapper (gdb, a shell) and what it runs, only the
 * latter. `signsOf` has what is known of the signs of a process, by the key of an `Undecided`.
 */
export function findIdleIocs(
  { processes, others = [] }: SocketReport,
  serving: readonly (ProcessInfo | undefined)[],
  signsOf: (key: string) => ProcessSigns | undefined = () => undefined,
): IdleProcesses {
  const servingPids = new Set(serving.flatMap((process) => process?.pid ?? []));
  const idle: ProcessInfo[] = [];
  const undecided: Undecided[] = [];
  for (const process of [...processes, ...others]) {
    if (servingPids.has(process.pid)) continue;
    if (isIoc(process)) {
      idle.push(process);
    } else if (mayBeIoc(process)) {
      const key = `${processKey(process)}/idle`;
      const signs = signsOf(key);
      if (!signs) undecided.push({ process, key });
      // Its script alone shows nothing: editors have it as well.
      else if (signs.script === 'serves' && signs.libraries !== 'none') idle.push(process);
    }
  }
  const parents = new Set(
    [...idle, ...serving.flatMap((process) => process ?? [])].map(({ parentPid }) => parentPid),
  );
  return {
    iocs: idle.filter(({ pid }) => !parents.has(pid)),
    undecided: undecided.slice(0, MAX_UNDECIDED),
  };
}

/** A program with any name that was given a file. */
function mayBeIoc(process: ProcessInfo): boolean {
  if (READER.test(process.name) || isOfAnother(process)) return false;
  return scriptPaths(process).some((path) => /[^/]\.\w|\/.+\//.test(path));
}

function isIoc(process: ProcessInfo): boolean {
  const words = process.commandLine.slice(0, MAX_WORDS);
  if (READER.test(process.name)) return false;
  if (isPreparing(words, process.environment)) return true;
  if (isOfAnother(process)) return false;
  if (isKnownServer(process)) return true;
  return words.slice(1).some((word) => SCRIPT.test(word)) && words.slice(0, 2).some(isWordOfEpics);
}

function isPreparing(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): boolean {
  const isNamed = environment['IOC_NAME'] !== undefined || environment['IOC'] !== undefined;
  return isNamed && words.slice(0, 3).some((word) => GENERATOR.test(word));
}

/**
 * Whether a container's command and environment say that it is to run an IOC. Of the environment,
 * IOC alone says nothing: all images of epics-containers have it.
 */
export function isForIoc({ command, environment }: ContainerStart): boolean {
  const some = command.slice(0, MAX_WORDS);
  if (isPreparing(some, environment)) return true;
  return some.some((word) => SCRIPT.test(word)) || some.slice(0, 3).some(isWordOfEpics);
}

/** What a line of a log says if it is about an error. */
const ERROR_WORD =
  /error|fail|cannot|can't|could not|no such|not found|undefined|unknown|invalid|refused|denied|exception|traceback|abort|fatal|segmentation/i;
/** Characters of a line. */
const MAX_LINE = 200;
/** Of terminals, as iocsh prints them. */
const COLOURS = /\u001b\[[\d;]*[A-Za-z]/g;

/** The last line of a log that is about an error, else its last line; undefined if there is none. */
export function lastErrorLine(log: string): string | undefined {
  const lines = linesOf(log)
    .map((line) => line.trim())
    // A prompt, and what is no word.
    .filter((line) => /\w/.test(line) && !/^[\w.:-]*>$/.test(line));
  const line = lines.filter((one) => ERROR_WORD.test(one)).at(-1) ?? lines.at(-1);
  return line === undefined || line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}...`;
}

/** Lines of a log that people are shown, and how long each is at most. */
const SHOWN_LINES = 20;

/** The end of a log, without colours. */
export function lastLines(log: string): readonly string[] {
  return linesOf(log)
    .filter((line) => line.trim() !== '')
    .slice(-SHOWN_LINES)
    .map((line) => clipped(line.trimEnd(), MAX_LINE));
}

function linesOf(log: string): string[] {
  return log.replace(COLOURS, '').split(/[\r\n]+/);
}

/** The variables that say on which addresses a server listens. */
const INTERFACE_LISTS = ['EPICS_CAS_INTF_ADDR_LIST', 'EPICS_PVAS_INTF_ADDR_LIST'];

/**
 * The variable that names addresses on which the IOC could not listen, as its log says: rsrv
 * ("Skipping 10.0.0.1:5064 which is not an interface address") or PVXS ("Bind to 10.0.0.1:5075 fails").
 */
export function interfacesRefused(
  log: string,
  environment: Readonly<Record<string, string>>,
): { readonly variable: string; readonly value: string } | undefined {
  const refused = Array.from(
    log.matchAll(
      /Skipping ([\d.]{7,15}):\d+ which is not an interface|Bind to ([\d.]{7,15}):\d+ fails/g,
    ),
    ([, ofRsrv, ofPvxs]) => ofRsrv ?? ofPvxs,
  );
  for (const variable of INTERFACE_LISTS) {
    const value = environment[variable] ?? '';
    const words = value.split(/[\s:]+/, MAX_WORDS);
    if (refused.some((address) => address !== undefined && words.includes(address))) {
      return { variable, value: clipped(value, MAX_LINE) };
    }
  }
  return undefined;
}
