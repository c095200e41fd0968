/**
 * Watches the bound sockets of a container by looking: often at counters that cost nothing, at the
 * socket tables when those changed, at processes only when there is a socket nobody knows yet.
 * Where to look (this machine's /proc, a shell or our agent in the container) is the source's part.
 */
import { backoffMs } from '../../base/backoff';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { BoundSocket, ProcessInfo, SocketReport } from '../../services/host/socketReport';
import type { SocketWatch, SocketWatchEvents } from '../../services/host/engine';

export interface SocketSource extends Disposable {
  /** Time between two looks at the counters. */
  readonly periodMs: number;
  /**
   * Whether sockets of other containers are in the same network namespace: then a socket counts
   * only when a process of this container holds it.
   */
  readonly isNamespaceShared: boolean;
  /**
   * Something that changes when a socket is bound or closed. Rejects, as the others, with SourceEnded
   * when the container is gone, and with whatever else when it cannot be looked at the moment.
   */
  readCounters(): string | Promise<string>;
  readSockets(): BoundSocket[] | Promise<BoundSocket[]>;
  /** The processes of the container that hold some of these sockets. */
  readOwners(sockets: readonly BoundSocket[]): Promise<Owners>;
}

export interface Owners {
  readonly processes: readonly ProcessInfo[];
  /** Whether every process of the container showed its sockets, so that no owner means: not ours. */
  readonly isComplete: boolean;
}

/** The container has stopped: there is evidence of it, not only a look that failed. */
export class SourceEnded extends Error {}

/**
 * The counters miss a socket that took another's place between two looks, which takes a process
 * quicker than a second. Not more often: Linux walks its whole table of connections for one look at
 * /proc/net/tcp, 3.7 ms for 23 GB of memory, however few there are.
 */
const FULL_LOOK_PERIOD_MS = 60_000;
/** After a look that failed; twice as long after each further one. */
const RETRY_MAX_MS = 10_000;
/** A look may cost this part of the time at most; a slow machine is looked at less often. */
const COST_FACTOR = 20;

export class PolledSocketWatch implements SocketWatch {
  #timer: Disposable | undefined;
  #isLooking = false;
  #isAskedAgain = false;
  #isEnded = false;
  #counters = '';
  #lastFullLookMs = -Infinity;
  #failureCount = 0;
  #reported: string | undefined;
  /** Who owned which sockets at the last look at processes. */
  #owners: Owners = { processes: [], isComplete: true };
  #knownInodes: ReadonlySet<number> = new Set();

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
    else this.#schedule(0);
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
    this.#timer = this.clock.after(delayMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const startMs = this.clock.nowMs();
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
    this.#schedule(this.#isAskedAgain ? 0 : this.#pauseMs(startMs));
    this.#isAskedAgain = false;
  }

  #retry(error: Error): void {
    const pauseMs = backoffMs(this.#failureCount++, this.source.periodMs, RETRY_MAX_MS);
    // The next look looks at everything, and is told of in any case.
    this.#lastFullLookMs = -Infinity;
    this.#reported = undefined;
    this.#isAskedAgain = false;
    this.events.failed(error);
    this.#schedule(pauseMs);
  }

  /** All watches look at the same moments, so that twenty containers wake us as often as one. */
  #pauseMs(startMs: number): number {
    const nowMs = this.clock.nowMs();
    const { periodMs } = this.source;
    const pauseMs = Math.max(periodMs, COST_FACTOR * (nowMs - startMs));
    return Math.ceil((nowMs + pauseMs / 2) / periodMs) * periodMs - nowMs;
  }

  async #look(nowMs: number): Promise<void> {
    const counters = await this.source.readCounters();
    const isDue = nowMs - this.#lastFullLookMs >= FULL_LOOK_PERIOD_MS;
    if (this.#isEnded || (counters === this.#counters && !isDue)) return;
    this.#counters = counters;
    this.#lastFullLookMs = nowMs;
    const sockets = await this.source.readSockets();
    if (this.#isEnded) return;
    if (sockets.some(({ inode }) => !this.#knownInodes.has(inode))) {
      this.#owners = await this.source.readOwners(sockets);
      if (this.#isEnded) return;
    }
    this.#knownInodes = new Set(sockets.map(({ inode }) => inode));
    this.#report(sockets);
  }

  #report(all: readonly BoundSocket[]): void {
    const report = selectReport(all, this.#owners, this.source.isNamespaceShared);
    const text = JSON.stringify(report);
    if (text === this.#reported) return;
    this.#reported = text;
    this.events.report(report);
  }
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
