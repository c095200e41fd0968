/**
 * The answers to look commands, by which something in a container (our agents, or a plain shell,
 * which can do little more than copy files to its output) shows what it sees below /proc. So all of
 * them copy, and the parsing is here.
 *
 * A question is one line, `MARKER LETTER [ARGUMENT...]`:
 *     c            the counters: sockstat, sockstat6
 *     s            the socket tables: tcp, tcp6, udp, udp6
 *     f            the descriptors of all processes: fds (as `ls -l` prints the folders
 *                  /proc/PID/fd, links with their targets), stats (every
 *                  /proc/PID/stat), looker (pid of the process that looks)
 *     p PID...     processes: stat PID, cmdline PID, environ PID, cwd PID
 *     t PID...     their states alone, by what starts no program: stat PID
 *     e PID        more of a process: stat PID, status PID, environ PID
 *     m PID        the same with its mapped files: stat PID, status PID, maps PID
 * The answer consists of sections, each a line `MARKER NAME [PID]` and the raw text up to the next
 * such line. MARKER is a word that we make up anew each time, so no file can contain it by chance.
 */
import {
  parseCommandLine,
  parseCommandName,
  parseEnvironment,
  parseParentPid,
  parseSocketCounters,
  parseSocketInodes,
  parseSocketTable,
  parseStartTicks,
} from './parseProc';
import type { BoundSocket, ProcessInfo } from '../../host/socketReport';

/** One section of an answer. */
export interface LookSection {
  readonly name: string;
  /** 0 when the section is not about one process. */
  readonly pid: number;
  readonly text: string;
}

/** Whoever collects an answer refuses a longer one, in bytes. */
export const MAX_LOOK_BYTES = 4 * 1024 * 1024;
/** Four for each of the processes that hold sockets of a container. */
const MAX_SECTIONS = 10_000;

/** Splits an answer into sections; text before the first marker (a shell's banner) is dropped. */
export function parseLookSections(answer: string, marker: string): LookSection[] {
  return `\n${answer}`
    .split(`\n${marker} `, MAX_SECTIONS)
    .slice(1)
    .map((part) => {
      const lineEnd = part.indexOf('\n');
      const heading = (lineEnd < 0 ? part : part.slice(0, lineEnd)).slice(0, 100);
      const [name = '', pid = '0'] = heading.trim().split(' ');
      return { name, pid: Number(pid), text: lineEnd < 0 ? '' : part.slice(lineEnd + 1) };
    });
}

/** The counters in an answer to `c`, as one text to compare. */
export function countersOf(sections: readonly LookSection[]): string {
  return sections.map(({ text }) => parseSocketCounters(text)).join(' ');
}

/** The bound sockets in an answer to `s`. */
export function socketsOf(sections: readonly LookSection[]): BoundSocket[] {
  return sections.flatMap(({ name, text }) => {
    if (name === 'tcp' || name === 'tcp6') return parseSocketTable(text, 'tcp');
    return name === 'udp' || name === 'udp6' ? parseSocketTable(text, 'udp') : [];
  });
}

/** Which processes hold which sockets, as far as they can be seen. */
export interface DescriptorTable {
  /** Socket inodes of each process that showed its descriptors and holds a socket. */
  readonly inodesOfPid: ReadonlyMap<number, readonly number[]>;
  /** All processes but the looker and what it has started. */
  readonly pids: readonly number[];
  /** Whether every process showed its descriptors. */
  readonly isComplete: boolean;
}

/**
 * Reads the answer to `f`. A process always has some descriptor unless it is a zombie; one without
 * has hidden them. Processes that the look itself has started (children of `lookerPid`) are left
 * out.
 */
export function descriptorsOf(sections: readonly LookSection[]): DescriptorTable {
  const textOf = (wanted: string): string =>
    sections.find(({ name }) => name === wanted)?.text ?? '';
  const inodesOfPid = new Map<number, number[]>();
  const shown = new Set<number>();
  const fds = textOf('fds');
  const headings = [...fds.matchAll(/^\/proc\/(\d{1,7})\/fd:$/gm)];
  for (const [index, heading] of headings.entries()) {
    const listing = fds.slice(heading.index, headings[index + 1]?.index ?? fds.length);
    const pid = Number(heading[1]);
    const inodes = parseSocketInodes(listing);
    if (listing.includes(' -> ')) shown.add(pid);
    if (inodes.length > 0) inodesOfPid.set(pid, inodes);
  }
  const lookerPid = Number(textOf('looker').trim() || -1);
  const alive = textOf('stats')
    .split('\n')
    .filter((stat) => parseStartTicks(stat) !== undefined);
  const theirs = alive.filter((stat) => parseParentPid(stat) !== lookerPid);
  const isComplete = alive.length > 0 && theirs.every((stat) => shown.has(Number.parseInt(stat)));
  const pids = theirs.map((stat) => Number.parseInt(stat)).filter((pid) => pid !== lookerPid);
  return { inodesOfPid, pids, isComplete };
}

/** The processes in an answer to `p`; one that has ended meanwhile is left out. */
export function processesOf(
  sections: readonly LookSection[],
  inodesOfPid: ReadonlyMap<number, readonly number[]>,
): ProcessInfo[] {
  const processes: ProcessInfo[] = [];
  const texts = new Map<string, string>();
  for (const { name, pid, text } of sections) {
    if (!texts.has(`${name} ${pid}`)) texts.set(`${name} ${pid}`, text);
  }
  for (const [pid, socketInodes] of inodesOfPid) {
    const text = (name: string): string => texts.get(`${name} ${pid}`) ?? '';
    const stat = text('stat');
    const startTicks = parseStartTicks(stat);
    if (startTicks === undefined) continue;
    const workingDirectory = text('cwd').trim();
    processes.push({
      pid,
      name: parseCommandName(stat),
      parentPid: parseParentPid(stat),
      commandLine: parseCommandLine(text('cmdline')),
      environment: parseEnvironment(text('environ')),
      ...(workingDirectory !== '' && { workingDirectory }),
      startTicks,
      socketInodes,
    });
  }
  return processes;
}
