import { readdirSync } from 'node:fs';
import {
  parseBootSeconds,
  parseCommandLine,
  parseCommandName,
  parseEnvironment,
  parseInnermostPid,
  parseIsSuspended,
  parseParentPid,
  parseSocketCounters,
  parseSocketTable,
  MAX_TABLE_TEXT,
  parseStartTicks,
  processKey,
} from '../../services/discovery/detect/parseProc';
import type { BoundSocket, ProcessFile, ProcessInfo } from '../../services/host/socketReport';
import {
  HeldProcFile,
  isAlive,
  isRunning,
  readProc,
  startTicksOf,
  readProcFile,
  readProcTable,
  readSocketInodes,
  rethrowPassing,
  tryLink,
  type HostProcess,
} from './hostProcess';
import { MachineSockets } from './machineSockets';
import { isInside, listProcessPlaces, placeOf } from './processPlaces';
import { Turns } from '../turns';
import { MAX_LOOK_BYTES } from '../../services/discovery/detect/parseLook';
import { joinOwners, withoutOwner } from './insideSocketSource';
import {
  HERE_PERIOD_MS,
  HERE_SUSPENDED_PERIOD_MS,
  SourceEnded,
  type HiddenView,
  type Owners,
  type SocketSource,
} from './polledSocketWatch';

/** More processes than an IOC's container has. */
const MAX_OTHERS = 300;
const MAX_OWNERS = 300;
/**
 * A socket that was opened in the same moment as another one was closed does not show in the number
 * of the machine's sockets, so the container's own counters are read so often in any case.
 */
const MAX_QUIET_MS = 1000;
const machineSockets = new MachineSockets();

/** Reads a container's sockets and processes from this machine's own /proc. */
export class HostSocketSource implements SocketSource {
  readonly periodMs = HERE_PERIOD_MS;
  readonly suspendedPeriodMs = HERE_SUSPENDED_PERIOD_MS;

  /** Pids on this machine of the processes that owned sockets when processes were last read. */
  #ownerPids: readonly number[] = [];
  /** Those pids, by the processes as they were reported. */
  readonly #hostPids = new Map<string, number>();
  /**
   * They keep the network namespace alive, so they are held at most as long as the container's
   * process lives.
   */
  readonly #counterFiles: readonly HeldProcFile[];
  #counterTexts: readonly string[] = [];
  #counters = '';
  /** Of the machine, just before the counters were last read, and when that was. */
  #machineCount: string | undefined;
  #readMs = -Infinity;

  constructor(
    readonly host: HostProcess,
    readonly isNamespaceShared: boolean,
    readonly hidden: HiddenView,
  ) {
    this.#counterFiles = ['sockstat', 'sockstat6'].map(
      (name) => new HeldProcFile(`/proc/${host.pid}/net/${name}`),
    );
  }

  isQuiet(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#readMs >= MAX_QUIET_MS || this.#machineCount === undefined) return false;
    return machineSockets.count(nowMs) === this.#machineCount;
  }

  readCounters(): string {
    this.#readMs = performance.now();
    this.#machineCount = machineSockets.count(this.#readMs);
    if (!isRunning(this.host.pid)) throw new SourceEnded();
    const texts = this.#counterFiles.map((file) => file.read());
    if (texts.some((text, at) => text !== this.#counterTexts[at])) {
      this.#counterTexts = texts;
      this.#counters = texts.map(parseSocketCounters).join(' ');
    }
    // A server that was restarted at once has as many sockets as before.
    const ended = this.#ownerPids.filter((pid) => pid !== this.host.pid && !isRunning(pid));
    return ended.length === 0 ? this.#counters : `${this.#counters} ${ended.join(' ')}`;
  }

  async readSockets(): Promise<BoundSocket[]> {
    // The number may belong to another process by now.
    if (!isAlive(this.host)) throw new SourceEnded();
    return [
      ...parseSocketTable(await this.#readNet('tcp'), 'tcp'),
      ...parseSocketTable(await this.#readNet('tcp6', true), 'tcp'),
      ...parseSocketTable(await this.#readNet('udp'), 'udp'),
      ...parseSocketTable(await this.#readNet('udp6', true), 'udp'),
    ];
  }

  hasLostOwner(): boolean {
    return this.#ownerPids.some((pid) => !isRunning(pid));
  }

  async readOwners(sockets: readonly BoundSocket[]): Promise<Owners> {
    const { ownerPids, ...seen } = await readHostOwners(this.host, sockets);
    this.#ownerPids = ownerPids;
    this.#hostPids.clear();
    for (const [at, process] of seen.processes.entries()) {
      this.#hostPids.set(processKey(process), ownerPids[at]!);
    }
    const hidden = withoutOwner(sockets, seen);
    if (seen.isComplete || hidden.length === 0) return seen;
    return joinOwners(seen, await this.hidden.findOwners(hidden));
  }

  readSuspended(processes: readonly ProcessInfo[]): ReadonlySet<string> {
    const keys = processes.map(processKey);
    return new Set(
      keys.filter((key, at) => {
        const stat = tryRead(`/proc/${this.#hostPids.get(key) ?? 0}/stat`);
        // The number may belong to another process by now.
        return parseIsSuspended(stat) && parseStartTicks(stat) === processes[at]?.startTicks;
      }),
    );
  }

  async readOthers(): Promise<ProcessInfo[]> {
    const owners = new Set(this.#ownerPids);
    const mountNamespace = tryLink(`/proc/${this.host.pid}/ns/mnt`);
    const others: ProcessInfo[] = [];
    const texts = new ProcessTexts();
    for (const place of await listProcessPlaces()) {
      const isWanted = !owners.has(place.pid) && others.length < MAX_OTHERS;
      if (!isWanted || !isInside(this.host, mountNamespace, place)) continue;
      const process = readProcess(place.pid, [], texts);
      if (process) others.push(process);
    }
    return others;
  }

  async readProcessFile(
    process: ProcessInfo,
    file: ProcessFile,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const pid = this.#hostPids.get(processKey(process));
    if (pid !== undefined) {
      try {
        const text = await readProcTable(`/proc/${pid}/${file}`, MAX_LOOK_BYTES);
        // The number may belong to another process by now.
        return startTicksOf(pid) === process.startTicks ? text : undefined;
      } catch (error) {
        rethrowPassing(error);
      }
    }
    return this.hidden.readProcessFile(process, file, signal);
  }

  dispose(): void {
    for (const file of this.#counterFiles) file.dispose();
  }

  /** The kernel lists listening sockets before connected ones. */
  async #readNet(name: string, isOptional = false): Promise<string> {
    try {
      return await readProcTable(`/proc/${this.host.pid}/net/${name}`, MAX_TABLE_TEXT);
    } catch (error) {
      rethrowPassing(error);
      // Without IPv6 the kernel has no tcp6 and udp6.
      if (isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw new SourceEnded();
    }
  }
}

/** The container's processes that hold some of the sockets, as far as we may see. */
async function readHostOwners(
  host: HostProcess,
  sockets: readonly BoundSocket[],
): Promise<Owners & { ownerPids: readonly number[] }> {
  const wanted = new Set(sockets.map(({ inode }) => inode));
  const mountNamespace = tryLink(`/proc/${host.pid}/ns/mnt`);
  const processes: ProcessInfo[] = [];
  const ownerPids: number[] = [];
  let isComplete = true;
  const turns = new Turns();
  const texts = new ProcessTexts();
  for (const entry of readdirSync('/proc')) {
    if (turns.isOver) await turns.next();
    const pid = Number(entry);
    const place = Number.isInteger(pid) ? placeOf(pid) : undefined;
    if (!place || !isInside(host, mountNamespace, place)) continue;
    const inodes = await readSocketInodes(pid, turns);
    if (inodes === undefined) isComplete = false;
    const held = inodes?.filter((inode) => wanted.has(inode)) ?? [];
    if (held.length > 0 && processes.length >= MAX_OWNERS) isComplete = false;
    const isRead = held.length > 0 && processes.length < MAX_OWNERS;
    const process = isRead ? readProcess(pid, held, texts) : undefined;
    if (!process) continue;
    processes.push(process);
    ownerPids.push(pid);
  }
  return { processes, isComplete, ownerPids };
}

function readProcess(
  pid: number,
  socketInodes: readonly number[],
  texts: ProcessTexts,
): ProcessInfo | undefined {
  try {
    const stat = readProc(pid, 'stat');
    const startTicks = parseStartTicks(stat);
    if (startTicks === undefined) return undefined;
    const workingDirectory = tryLink(`/proc/${pid}/cwd`);
    return {
      pid: parseInnermostPid(readProc(pid, 'status')) ?? pid,
      ...parentOf(pid, stat),
      name: parseCommandName(stat),
      commandLine: parseCommandLine(texts.take(readProc(pid, 'cmdline'))),
      environment: texts.takeFrom(parseEnvironment(tryRead(`/proc/${pid}/environ`))),
      ...(workingDirectory !== undefined && { workingDirectory }),
      startTicks,
      ...startOf(startTicks),
      socketInodes,
    };
  } catch (error) {
    rethrowPassing(error);
    return undefined;
  }
}

/** The parent in the container's numbering; 0 when it is outside, as for pid 1 and for an exec. */
function parentOf(pid: number, stat: string): { parentPid: number } {
  const parent = parseParentPid(stat);
  const isInside =
    parent > 0 && tryLink(`/proc/${parent}/ns/pid`) === tryLink(`/proc/${pid}/ns/pid`);
  const inner = isInside ? parseInnermostPid(tryRead(`/proc/${parent}/status`)) : 0;
  return { parentPid: inner ?? 0 };
}

/** USER_HZ: the unit in which Linux reports clock ticks on every machine (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;

let bootSeconds: number | undefined;

function startOf(ticks: number): { startedAt?: string } {
  bootSeconds ??= parseBootSeconds(tryRead('/proc/stat'));
  if (bootSeconds === undefined) return {};
  return { startedAt: new Date((bootSeconds + ticks / TICKS_PER_SECOND) * 1000).toISOString() };
}

function tryRead(path: string): string {
  try {
    return readProcFile(path);
  } catch (error) {
    rethrowPassing(error);
    return '';
  }
}

/** Characters of all processes of a container together; each has FEW in any case. */
const MANY = 2 * 1024 * 1024;
const FEW = 2048;

/** How much of what processes say of themselves is kept: each may say megabytes. */
class ProcessTexts {
  #left = MANY;

  take(text: string): string {
    const taken = text.slice(0, Math.max(FEW, this.#left));
    this.#left -= taken.length;
    return taken;
  }

  /** The variables that fit, in their order. */
  takeFrom(environment: Readonly<Record<string, string>>): Record<string, string> {
    let left = Math.max(FEW, this.#left);
    const taken = Object.entries(environment).filter(
      ([name, value]) => (left -= name.length + value.length) >= 0,
    );
    this.#left -= taken.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    return Object.fromEntries(taken);
  }
}
