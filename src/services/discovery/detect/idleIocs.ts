/** IOCs that serve nothing yet, or will never: by their command lines, because nothing else shows. */
import type { ProcessInfo, SocketReport } from '../../host/socketReport';
import { isKnownServer, isOfAnother, isWordOfEpics } from './candidates';

/** A startup script of the IOC shell. */
const SCRIPT = /(^|\/)(st\.cmd[\w.-]*|[\w.-]+\.(cmd|iocsh))$/;
/** What prepares an IOC before it starts: ioc-template's start.sh, ibek. */
const GENERATOR = /(^|\/)(start\.sh|ibek)$/;
/** Programs that read scripts and do not run them. */
const READER =
  /^(vim?|nvim|nano|emacs|ed|less|more|cat|tail|head|grep|rg|watch|diff|git|make|cp|rsync|inotifywait|entr|tee|awk|sed)$/;
/** Far more than an IOC has. */
const MAX_WORDS = 50;

/**
 * The processes of a report that are IOCs by their command line and are not among `serving`: waiting
 * at the prompt after an iocInit that failed, or still preparing. Of a wrapper (gdb, a shell) and
 * what it runs, only the latter.
 */
export function findIdleIocs(
  { processes, others = [] }: SocketReport,
  serving: readonly (ProcessInfo | undefined)[],
): ProcessInfo[] {
  const servingPids = new Set(serving.flatMap((process) => process?.pid ?? []));
  const idle = [...processes, ...others].filter(
    (process) => !servingPids.has(process.pid) && isIoc(process),
  );
  const parents = new Set(
    [...idle, ...serving.flatMap((process) => process ?? [])].map(({ parentPid }) => parentPid),
  );
  return idle.filter(({ pid }) => !parents.has(pid));
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
export function isForIoc(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): boolean {
  const some = words.slice(0, MAX_WORDS);
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
  const lines = log
    .replace(COLOURS, '')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    // A prompt, and what is no word.
    .filter((line) => /\w/.test(line) && !/^[\w.:-]*>$/.test(line));
  const line = lines.filter((one) => ERROR_WORD.test(one)).at(-1) ?? lines.at(-1);
  return line === undefined || line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}...`;
}
