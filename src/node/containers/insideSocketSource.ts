import { randomBytes } from 'node:crypto';
import { LOOK_SHELL } from '../../protocol/agent/lookShell';
import { onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { CancelledError, ContainerError, TransportError, messageOf } from '../../base/errors';
import {
  countersOf,
  descriptorsOf,
  MAX_LOOK_BYTES,
  parseLookSections,
  processesOf,
  socketsOf,
  type LookSection,
} from '../../services/discovery/detect/parseLook';
import type { BoundSocket, ProcessFile, ProcessInfo } from '../../services/host/socketReport';
import type { EngineApi, ExecSession } from '../engines/engineApi';
import {
  parseIsSuspended,
  parseStartTicks,
  parseUid,
  processKey,
} from '../../services/discovery/detect/parseProc';
import { tooMuch } from './agentLink';
import {
  INSIDE_PERIOD_MS,
  INSIDE_SUSPENDED_PERIOD_MS,
  type HiddenView,
  type Owners,
  type SocketSource,
} from './polledSocketWatch';

/** Answers look commands (parseLook.ts): a shell or an agent. */
export interface Looker extends Disposable {
  look(command: string, signal: AbortSignal): Promise<string>;
}

/** Starts a Looker. Rejects when the container cannot run it. */
export type OpenLooker = (signal: AbortSignal) => Promise<Looker>;

/** Processes without sockets that are listed. */
const MAX_OTHERS = 100;
/** A look waits no longer than this for an engine that hangs or a container that is paused. */
const LOOK_TIMEOUT_MS = 15_000;

/**
 * Reads a container's sockets and processes from inside, where they cannot be seen from this
 * machine.
 */
export class InsideSocketSource implements SocketSource {
  readonly periodMs = INSIDE_PERIOD_MS;
  readonly suspendedPeriodMs = INSIDE_SUSPENDED_PERIOD_MS;
  readonly #ending = new AbortController();
  #looker: Looker | undefined;

  constructor(
    readonly lookers: readonly OpenLooker[],
    readonly isNamespaceShared: boolean,
    readonly hidden: HiddenView,
    readonly clock: Clock,
  ) {}

  async readCounters(): Promise<string> {
    return countersOf(await this.#look('c'));
  }

  async readSockets(): Promise<BoundSocket[]> {
    return socketsOf(await this.#look('s'));
  }

  async readOwners(sockets: readonly BoundSocket[]): Promise<Owners> {
    const seen = await findOwners((command) => this.#look(command), sockets);
    const hidden = withoutOwner(sockets, seen);
    if (seen.isComplete || hidden.length === 0) return seen;
    return joinOwners(seen, await this.hidden.findOwners(hidden));
  }

  async readSuspended(processes: readonly ProcessInfo[]): Promise<ReadonlySet<string>> {
    const sections = await this.#look(`t ${processes.map(({ pid }) => pid).join(' ')}`);
    const suspended = processes.filter(({ pid, startTicks }) => {
      const stat = sections.find((one) => one.name === 'stat' && one.pid === pid)?.text ?? '';
      return parseIsSuspended(stat) && parseStartTicks(stat) === startTicks;
    });
    return new Set(suspended.map(processKey));
  }

  async readOthers(): Promise<ProcessInfo[]> {
    const { inodesOfPid, pids } = descriptorsOf(await this.#look('f'));
    const others = new Map(
      pids
        .filter((pid) => !inodesOfPid.has(pid))
        .slice(0, MAX_OTHERS)
        .map((pid): [number, number[]] => [pid, []]),
    );
    if (others.size === 0) return [];
    return processesOf(await this.#look(`p ${[...others.keys()].join(' ')}`), others);
  }

  async readProcessFile(
    process: ProcessInfo,
    file: ProcessFile,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const sections = await this.#look(processCommand(process, file));
    const text = processFileOf(sections, process, file);
    return text ?? this.hidden.readProcessFile(process, file, signal);
  }

  dispose(): void {
    this.#ending.abort();
    this.#looker?.dispose();
  }

  /** A looker that has failed is not asked again; the next look starts a new one. */
  async #look(command: string): Promise<LookSection[]> {
    try {
      return await withDeadline(
        this.clock,
        LOOK_TIMEOUT_MS,
        `no answer from inside within ${LOOK_TIMEOUT_MS / 1000} s`,
        this.#ending.signal,
        async (signal) => {
          this.#looker ??= await this.#open(signal);
          return ask(this.#looker, command, signal);
        },
      );
    } catch (error) {
      this.#looker?.dispose();
      this.#looker = undefined;
      throw error;
    }
  }

  async #open(signal: AbortSignal): Promise<Looker> {
    const failures: string[] = [];
    for (const open of this.lookers) {
      try {
        const looker = await open(signal);
        if (!signal.aborted) return looker;
        looker.dispose();
        throw new CancelledError();
      } catch (error) {
        if (!(error instanceof ContainerError)) throw error;
        failures.push(messageOf(error));
      }
    }
    throw new ContainerError(
      `nothing in the container can read its socket tables: ${failures.join('; ')}`,
    );
  }
}

/**
 * Finds owners of sockets that were not seen otherwise. A process shows its descriptors only to its
 * own user (or to one that may trace it, which root in a container may not), so this looks once as
 * the container's user, then once as each user whose sockets are still without an owner. Rejects
 * with CancelledError only: owners that cannot be seen stay unknown.
 */
export async function findOwnersInside(
  api: EngineApi,
  containerId: string,
  sockets: readonly BoundSocket[],
  isNamespaceShared: boolean,
  signal: AbortSignal,
): Promise<Owners> {
  const lookAs = async (user: string | undefined, wanted: readonly BoundSocket[]) => {
    const looker = await openShellLooker(api, containerId, signal, user);
    try {
      /** Sends a look command and resolves to the answer. */
      const look = (command: string): Promise<LookSection[]> => ask(looker, command, signal);
      const owners = await findOwners(look, wanted);
      // Read inside, because a user namespace shows other numbers outside.
      return { owners, table: socketsOf(await look('s')) };
    } finally {
      looker.dispose();
    }
  };
  let found: Owners = { processes: [], isComplete: false };
  try {
    const { owners, table } = await lookAs(undefined, sockets);
    found = owners;
    const hidden = new Set(withoutOwner(sockets, found).map(({ inode }) => inode));
    // With other containers' sockets in the table, a uid says nothing about this one.
    if (found.isComplete || isNamespaceShared) return found;
    const uids = table.filter(({ inode }) => hidden.has(inode)).map(({ uid }) => String(uid));
    for (const uid of new Set(uids)) {
      const { owners: more } = await lookAs(uid, withoutOwner(sockets, found));
      found = joinOwners(found, more);
    }
  } catch (error) {
    if (error instanceof CancelledError) throw error;
  }
  return found;
}

/**
 * Reads a file of a process as the container's user and, where that shows nothing, as the process's
 * own. Undefined when neither can. Rejects with CancelledError only.
 */
export async function readProcessFileInside(
  api: EngineApi,
  containerId: string,
  process: ProcessInfo,
  file: ProcessFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const lookAs = async (user: string | undefined): Promise<LookSection[]> => {
    const looker = await openShellLooker(api, containerId, signal, user);
    try {
      return await ask(looker, processCommand(process, file), signal);
    } finally {
      looker.dispose();
    }
  };
  try {
    const sections = await lookAs(undefined);
    const text = processFileOf(sections, process, file);
    const status = sections.find(({ name }) => name === 'status')?.text ?? '';
    const uid = parseUid(status);
    if (text !== undefined || uid === undefined) return text;
    return processFileOf(await lookAs(String(uid)), process, file);
  } catch (error) {
    if (error instanceof CancelledError || signal.aborted) throw new CancelledError();
    return undefined;
  }
}

function processCommand({ pid }: ProcessInfo, file: ProcessFile): string {
  return `${file === 'environ' ? 'e' : 'm'} ${pid}`;
}

/** Undefined when the file is empty, and when the number belongs to another process by now. */
function processFileOf(
  sections: readonly LookSection[],
  { pid, startTicks }: ProcessInfo,
  file: ProcessFile,
): string | undefined {
  const textOf = (wanted: string): string =>
    sections.find((section) => section.name === wanted && section.pid === pid)?.text ?? '';
  const text = textOf(file);
  return text.trim() === '' || parseStartTicks(textOf('stat')) !== startTicks ? undefined : text;
}

/** The sockets that none of the known processes holds. */
export function withoutOwner(sockets: readonly BoundSocket[], owners: Owners): BoundSocket[] {
  const owned = new Set(owners.processes.flatMap(({ socketInodes }) => socketInodes));
  return sockets.filter(({ inode }) => !owned.has(inode));
}

/** Joins two lists of owners; the first wins for a process in both. */
export function joinOwners(first: Owners, second: Owners): Owners {
  const known = new Set(first.processes.map(({ pid }) => pid));
  const added = second.processes.filter(({ pid }) => !known.has(pid));
  return {
    processes: [...first.processes, ...added],
    isComplete: first.isComplete || second.isComplete,
  };
}

async function findOwners(
  look: (command: string) => Promise<LookSection[]>,
  sockets: readonly BoundSocket[],
): Promise<Owners> {
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const { inodesOfPid, isComplete } = descriptorsOf(await look('f'));
  const holders = new Map<number, number[]>();
  for (const [pid, inodes] of inodesOfPid) {
    const held = inodes.filter((inode) => wanted.has(inode));
    if (held.length > 0) holders.set(pid, held);
  }
  if (holders.size === 0) return { processes: [], isComplete };
  const sections = await look(`p ${[...holders.keys()].join(' ')}`);
  return { processes: processesOf(sections, holders), isComplete };
}

async function ask(looker: Looker, command: string, signal: AbortSignal): Promise<LookSection[]> {
  const marker = `@${randomBytes(12).toString('hex')}`;
  return parseLookSections(await looker.look(`${marker} ${command}`, signal), marker);
}

/**
 * A Looker that is a shell of the container. Rejects with ContainerError when the container has
 * none.
 */
export async function openShellLooker(
  api: EngineApi,
  containerId: string,
  signal: AbortSignal,
  user?: string,
): Promise<Looker> {
  const options = { signal, ...(user !== undefined && { user }) };
  const session = await api.exec(containerId, ['sh', '-c', LOOK_SHELL], options);
  const looker = new ShellLooker(session);
  try {
    // A missing shell shows only when it should have answered.
    await looker.look('@first', signal);
    return looker;
  } catch (error) {
    looker.dispose();
    if (!(error instanceof TransportError)) throw error;
    const exitCode = await session.exitCode().catch(() => undefined);
    const said = session.stderrText().trim().split('\n').at(-1) || `exit code ${exitCode}`;
    const isMissing = exitCode === 126 || exitCode === 127;
    throw new ContainerError(isMissing ? 'it has no shell' : `its shell: ${said}`);
  }
}

/** Longer than any mark of an end. */
const MAX_MARK = 100;
/** What a shell may print before it is asked, for example a banner. */
const MAX_UNASKED_BYTES = 64 * 1024;

class ShellLooker implements Looker {
  readonly #session: ExecSession;
  /** What it printed since the last answer. */
  #parts: string[] = [];
  #lengthBytes = 0;
  /** The end of that, which may contain the beginning of the mark. */
  #tail = '';
  #problem: ContainerError | undefined;
  #waiting: { endMark: string; onText: (text: string) => void; onEnd: () => void } | undefined;

  constructor(session: ExecSession) {
    this.#session = session;
    const { stdio } = session;
    const decoder = new TextDecoder();
    stdio.on('data', (bytes: Buffer) => {
      this.#lengthBytes += bytes.length;
      this.#receive(decoder.decode(bytes, { stream: true }));
    });
    stdio.on('error', () => this.#waiting?.onEnd());
    stdio.on('close', () => this.#waiting?.onEnd());
  }

  #receive(text: string): void {
    this.#parts.push(text);
    const waiting = this.#waiting;
    const { endMark = '' } = waiting ?? {};
    const recent = this.#tail + text;
    const end = waiting ? recent.indexOf(endMark) : -1;
    if (waiting && end >= 0) {
      const all = this.#parts.join('');
      const answer = all.slice(0, all.length - (recent.length - end));
      this.#forget();
      waiting.onText(answer);
      return;
    }
    this.#tail = recent.slice(-MAX_MARK);
    if (this.#lengthBytes <= (waiting ? MAX_LOOK_BYTES : MAX_UNASKED_BYTES)) return;
    this.#problem = tooMuch();
    this.#forget();
    this.#session.stdio.destroy();
  }

  #forget(): void {
    this.#parts = [];
    this.#lengthBytes = 0;
    this.#tail = '';
  }

  /** Asks one question at a time. */
  look(command: string, signal: AbortSignal): Promise<string> {
    const { stdio } = this.#session;
    return new Promise((resolve, reject) => {
      const settle = (result: string | Error): void => {
        abortion.dispose();
        this.#waiting = undefined;
        if (typeof result === 'string') resolve(result);
        else reject(result);
      };
      const ended = (): void =>
        settle(this.#problem ?? new TransportError('the shell in the container ended'));
      const abortion = onAbort(signal, () => settle(new CancelledError()));
      if (signal.aborted) return;
      if (stdio.destroyed) return ended();
      const marker = command.split(' ', 1)[0]!;
      this.#waiting = { endMark: `\n${marker} end\n`, onText: settle, onEnd: ended };
      stdio.write(`${command}\n`);
    });
  }

  dispose(): void {
    this.#session.stdio.destroy();
  }
}
