import { backoffMs } from '../../base/backoff';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import { processKey } from '../../services/discovery/detect/parseProc';
import type {
  BoundSocket,
  ProcessFile,
  ProcessInfo,
  SocketReport,
} from '../../services/host/socketReport';
import type { SocketWatch, SocketWatchEvents } from '../../services/host/engine';

/**
 * Where to read a container's sockets: this machine's /proc, a shell or our agent in the container.
 */
export interface SocketSource extends Disposable {
  /** Milliseconds between two reads of the counters. */
  readonly periodMs: number;
  /**
   * Whether sockets of other containers are in the same network namespace: then a socket counts
   * only when a process of this container holds it.
   */
  readonly isNamespaceShared: boolean;
  /**
   * Returns a text that changes when a socket is bound or closed. Rejects, as the other methods do,
   * with SourceEnded when the container is gone, and with another error when it cannot be read at
   * the moment.
   */
  readCounters(): string | Promise<string>;
  /**
   * Whether the counters need not be read because they would be the same, as far as that is known
   * at no cost.
   */
  isQuiet?(): boolean;
  /** All bound sockets of the network namespace. */
  readSockets(): BoundSocket[] | Promise<BoundSocket[]>;
  /** The processes of the container that hold some of these sockets. */
  readOwners(sockets: readonly BoundSocket[]): Promise<Owners>;
  readonly readProcessFile: SocketWatch['readProcessFile'];
  /** Whether a process of the last Owners has ended, as far as that is seen at once. */
  hasLostOwner?(): boolean;
  /** Milliseconds between two reads of what is suspended. */
  readonly suspendedPeriodMs: number;
  /** The keys (`processKey`) of those of the processes that are suspended. */
  readSuspended(
    processes: readonly ProcessInfo[],
  ): ReadonlySet<string> | Promise<ReadonlySet<string>>;
  /** The processes of the container that are not in the last Owners, at most some hundred. */
  readOthers(): ProcessInfo[] | Promise<ProcessInfo[]>;
}

/** Which processes hold which sockets. */
export interface Owners {
  readonly processes: readonly ProcessInfo[];
  /**
   * Whether every process of the container showed its sockets, so that a socket without an owner is
   * not ours.
   */
  readonly isComplete: boolean;
}

/** Another way to see what this machine does not show us. */
export interface HiddenView {
  findOwners(sockets: readonly BoundSocket[]): Promise<Owners>;
  readonly readProcessFile: SocketWatch['readProcessFile'];
}

/** The container has stopped. There is evidence of it, not only a read that failed. */
export class SourceEnded extends Error {}

/**
 * How often the counters are read through this machine's own /proc. Measured: they cost 8 microseconds, so
 * those of 20 containers cost 0.05 % of a core.
 */
export const HERE_PERIOD_MS = 200;
/** From inside a container: a look costs it some CPU and, over a network, takes time. */
export const INSIDE_PERIOD_MS = 500;
/** A process costs 20 microseconds here. */
export const HERE_SUSPENDED_PERIOD_MS = 2000;
/** From inside, it is a question more to a shell or agent there, perhaps over a network. */
export const INSIDE_SUSPENDED_PERIOD_MS = 5000;
/** More processes with sockets than an IOC's container has. */
const MAX_SUSPENDED = 100;
/**
 * How often everything is read. The counters miss a socket that replaced another one between two
 * reads, which takes a living process that is quicker than they are. Not more often: Linux walks its
 * whole table of connections for one read of /proc/net/tcp, 3.7 ms on a machine with 23 GB of
 * memory, however few there are; once a minute for 20 containers was half a percent of a core.
 */
const FULL_LOOK_PERIOD_MS = 5 * 60_000;
/**
 * How often processes without sockets are listed at most: an IOC that serves nothing changes no
 * counter. Again so soon after the first time, because by then an IOC that started with its
 * container has failed.
 */
const OTHERS_PERIOD_MS = 5000;
/** Without a change; it costs a walk over all processes of the machine. */
const OTHERS_OVERDUE_MS = 60_000;
/** The longest pause after reads that failed; it doubles up to this. */
const RETRY_MAX_MS = 10_000;
/** A read may take this fraction of the time (1/20) at most; a slow machine is read less often. */
const COST_FACTOR = 20;
/** The same of looks that somebody asks for. */
const ASKED_COST_FACTOR = 5;

/**
 * Watches the bound sockets of a container by polling: often the counters, which cost nothing; the
 * socket tables when the counters changed; processes only when there is a socket that is not known
 * yet.
 */
export class PolledSocketWatch implements SocketWatch {
  #timer: Disposable | undefined;
  #isLooking = false;
  #isAskedAgain = false;
  #isEnded = false;
  #counters = '';
  #lastFullLookMs = -Infinity;
  #failureCount = 0;
  #restUntilMs = -Infinity;
  #others: readonly ProcessInfo[] = [];
  /** When the others may be listed again at the soonest, and when they are in any case. */
  #othersDueMs = -Infinity;
  #othersOverdueMs = -Infinity;
  #sockets: readonly BoundSocket[] = [];
  #reported: string | undefined;
  /** Which processes held which sockets when processes were last read. */
  #owners: Owners = { processes: [], isComplete: true };
  #knownInodes: ReadonlySet<number> = new Set();
  #suspendedDueMs = -Infinity;
  #suspended: ReadonlySet<string> = new Set();

  constructor(
    readonly source: SocketSource,
    readonly clock: Clock,
    readonly events: SocketWatchEvents,
  ) {
    this.#schedule(0);
  }

  lookNow(): void {
    this.#lastFullLookMs = -Infinity;
    if (this.#isLooking) this.#isAskedAgain = true;
    else this.#schedule(this.#restMs());
  }

  async readProcessFile(
    process: ProcessInfo,
    file: ProcessFile,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (this.#isEnded) return undefined;
    return this.source.readProcessFile(process, file, signal);
  }

  dispose(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#timer?.dispose();
    this.source.dispose();
  }

  #schedule(delayMs: number): void {
    if (this.#isEnded) return;
    this.#timer?.dispose();
    this.#timer = this.clock.after(delayMs, () => this.#wake());
  }

  #wake(): void {
    const nowMs = this.clock.nowMs();
    if (this.#isQuiet(nowMs)) this.#schedule(this.#pauseMs(nowMs));
    else void this.#tick(nowMs);
  }

  async #tick(startMs: number): Promise<void> {
    this.#isLooking = true;
    try {
      await this.#look(startMs);
    } catch (error) {
      if (this.#isEnded) return;
      if (error instanceof SourceEnded) {
        this.dispose();
        this.events.ended();
      } else this.#retry(error instanceof Error ? error : new Error(messageOf(error)));
      return;
    } finally {
      this.#isLooking = false;
    }
    this.#failureCount = 0;
    const nowMs = this.clock.nowMs();
    this.#restUntilMs = nowMs + ASKED_COST_FACTOR * (nowMs - startMs);
    this.#schedule(this.#isAskedAgain ? this.#restMs() : this.#pauseMs(startMs));
    this.#isAskedAgain = false;
  }

  #retry(error: Error): void {
    const pauseMs = backoffMs(this.#failureCount++, this.source.periodMs, RETRY_MAX_MS);
    // The next look reads everything and reports in any case.
    this.#lastFullLookMs = -Infinity;
    this.#reported = undefined;
    this.#isAskedAgain = false;
    this.events.failed(error);
    this.#schedule(pauseMs);
  }

  /** Whoever asks for a look, such as a server that ends its circuits, waits a little, too. */
  #restMs(): number {
    return Math.max(0, this.#restUntilMs - this.clock.nowMs());
  }

  /** All watches look at the same moments, so that twenty containers wake us as often as one. */
  #pauseMs(startMs: number): number {
    const nowMs = this.clock.nowMs();
    const { periodMs } = this.source;
    const pauseMs = Math.max(periodMs, COST_FACTOR * (nowMs - startMs));
    return Math.ceil((nowMs + pauseMs / 2) / periodMs) * periodMs - nowMs;
  }

  /** Whether a look would find nothing to do: the usual one. */
  #isQuiet(nowMs: number): boolean {
    const dueMs = Math.min(
      this.#lastFullLookMs + FULL_LOOK_PERIOD_MS,
      this.#suspendedDueMs,
      this.#othersOverdueMs,
    );
    return nowMs < dueMs && this.source.isQuiet?.() === true;
  }

  async #look(nowMs: number): Promise<void> {
    const counters = await this.source.readCounters();
    const isDue = nowMs - this.#lastFullLookMs >= FULL_LOOK_PERIOD_MS;
    const isChanged = counters !== this.#counters;
    const areOthersDue = nowMs >= (isChanged || isDue ? this.#othersDueMs : this.#othersOverdueMs);
    const isSuspendedDue = isDue || nowMs >= this.#suspendedDueMs;
    if (this.#isEnded || !(isChanged || isSuspendedDue || areOthersDue)) return;
    if (isChanged || isDue) await this.#readSockets(counters, nowMs);
    if (this.#isEnded) return;
    const isNews = isSuspendedDue && (await this.#readSuspended(nowMs));
    if (this.#isEnded) return;
    if (areOthersDue) await this.#readOthers(nowMs);
    if (this.#isEnded || !(isChanged || isDue || isNews || areOthersDue)) return;
    this.#report(this.#sockets);
  }

  async #readOthers(nowMs: number): Promise<void> {
    const isFirst = this.#othersDueMs === -Infinity;
    this.#othersDueMs = nowMs + OTHERS_PERIOD_MS;
    this.#othersOverdueMs = nowMs + (isFirst ? OTHERS_PERIOD_MS : OTHERS_OVERDUE_MS);
    this.#others = await this.source.readOthers();
  }

  /** Returns whether other processes are suspended than before. */
  async #readSuspended(nowMs: number): Promise<boolean> {
    this.#suspendedDueMs = nowMs + this.source.suspendedPeriodMs;
    const processes = this.#owners.processes.slice(0, MAX_SUSPENDED);
    const former = this.#suspended;
    this.#suspended =
      processes.length === 0 ? new Set() : await this.source.readSuspended(processes);
    const isMore = [...this.#suspended].some((key) => !former.has(key));
    return isMore || this.#suspended.size !== former.size;
  }

  async #readSockets(counters: string, nowMs: number): Promise<void> {
    this.#counters = counters;
    this.#lastFullLookMs = nowMs;
    const sockets = await this.source.readSockets();
    if (this.#isEnded) return;
    const isNew = sockets.some(({ inode }) => !this.#knownInodes.has(inode));
    // A child may hold its sockets.
    if (isNew || (sockets.length > 0 && this.source.hasLostOwner?.() === true)) {
      this.#owners = await this.source.readOwners(sockets);
      if (this.#isEnded) return;
    }
    this.#knownInodes = new Set(sockets.map(({ inode }) => inode));
    this.#sockets = sockets;
  }

  #report(all: readonly BoundSocket[]): void {
    const { sockets, processes } = selectReport(all, this.#owners, this.source.isNamespaceShared);
    const report: SocketReport = {
      sockets,
      processes: withSuspended(processes, this.#suspended),
      others: this.#others,
    };
    const text = JSON.stringify(report);
    if (text === this.#reported) return;
    this.#reported = text;
    this.events.report(report);
  }
}

/** A process whose sockets another one that runs holds, too, such as a child, is no reason for silence. */
function withSuspended(
  processes: readonly ProcessInfo[],
  suspended: ReadonlySet<string>,
): readonly ProcessInfo[] {
  if (suspended.size === 0) return processes;
  const isSuspended = (process: ProcessInfo): boolean => suspended.has(processKey(process));
  const served = new Set(
    processes.filter((one) => !isSuspended(one)).flatMap(({ socketInodes }) => socketInodes),
  );
  return processes.map((process) =>
    isSuspended(process) && !process.socketInodes.some((inode) => served.has(inode))
      ? { ...process, isSuspended: true }
      : process,
  );
}

/** The container's own sockets among all of the namespace, in a stable order, and their owners. */
export function selectReport(
  all: readonly BoundSocket[],
  owners: Owners,
  isNamespaceShared: boolean,
): SocketReport {
  const present = new Set(all.map(({ inode }) => inode));
  const processes = owners.processes
    .map((owner) => ({
      ...owner,
      socketInodes: owner.socketInodes.filter((inode) => present.has(inode)).sort((a, b) => a - b),
    }))
    .filter((owner) => owner.socketInodes.length > 0)
    .sort((a, b) => a.pid - b.pid);
  const owned = new Set(processes.flatMap(({ socketInodes }) => socketInodes));
  const isOwnedOnly = owners.isComplete || isNamespaceShared;
  const sockets = isOwnedOnly ? all.filter(({ inode }) => owned.has(inode)) : [...all];
  return { sockets: sockets.sort((a, b) => a.inode - b.inode), processes };
}
