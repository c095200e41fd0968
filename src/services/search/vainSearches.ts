import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { SimilarPv } from '../../model/iocPlace';
import type { PortOwner, Problem } from '../../model/problem';
import type { SearchOrigin } from '../host/portHolder';

/** A client that waits this long for a name that nobody has searches in vain; caget waits 1 s. */
const HELD_MS = 500;
/** How long one is told after the last client has given it up. */
const TOLD_MS = 60_000;
const LOOK_MS = 5000;
/** Names that wait to be compared with those that there are. */
const MAX_WAITING = 100;
/** Names that are told; nobody reads more. */
const MAX_TOLD = 5;
const COMPARE_TIMEOUT_MS = 30_000;
/** How often they change at most, whatever clients search for, and how long each stays at least. */
const CHANGE_MS = 5000;
const MIN_TOLD_MS = 20_000;

/** What VainSearches needs. */
export interface VainSearchesInput {
  /** The PVs whose names are most like this one, best first. */
  readonly findSimilar: (name: string, signal: AbortSignal) => Promise<readonly SimilarPv[]>;
  /** Whether a server has a PV of that name by now; absent: not known. */
  readonly isServed?: (name: string) => boolean;
  /** The program that searches from there, if the system shows it; absent: nobody knows. */
  readonly findClient?: (origin: SearchOrigin) => Promise<PortOwner['process']>;
  /** `problems` changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
}

interface Sought {
  readonly isOpen: () => boolean;
  readonly origin: SearchOrigin | undefined;
}

interface Vain {
  /** Since when it is told, by the clock. */
  readonly sinceMs: number;
  readonly similar: readonly SimilarPv[];
  readonly client?: PortOwner['process'];
  /** Clients that search by UDP do not say when they give up: then, that they search again counts. */
  readonly isByUdp: boolean;
  isOpen: () => boolean;
  /** When a client was last seen to wait, by the clock. */
  lastMs: number;
}

/**
 * Names that clients search for, that no server has, and that are like one that a server has: most
 * likely they are misspelt. Others are of no interest here: they may belong to IOCs elsewhere.
 */
export class VainSearches implements Disposable {
  readonly #input: VainSearchesInput;
  readonly #abort = new AbortController();
  /** Names to compare, each with whether a client still waits. */
  readonly #waiting = new Map<string, Sought>();
  readonly #told = new Map<string, Vain>();
  #isComparing = false;
  #looking: Disposable | undefined;
  #changing: Disposable | undefined;
  #changedMs = -Infinity;

  constructor(input: VainSearchesInput) {
    this.#input = input;
  }

  /**
   * Every server was asked for this name and has it not. `isOpen`: whether a client still waits;
   * `origin`: of the first that asked.
   */
  sought(name: string, isOpen: () => boolean, origin?: SearchOrigin): void {
    const known = this.#told.get(name);
    if (known) {
      known.lastMs = this.#input.clock.nowMs();
      known.isOpen = isOpen;
    } else if (this.#waiting.has(name) || this.#waiting.size < MAX_WAITING) {
      this.#waiting.set(name, { isOpen, origin });
      this.#compareSoon();
    }
  }

  /** A server has it. */
  found(name: string): void {
    this.#waiting.delete(name);
    if (this.#told.delete(name)) this.#changeSoon();
  }

  get problems(): readonly Problem[] {
    return [...this.#told].map(([pv, { similar, client }]): Problem => ({
      code: 'searched-in-vain',
      pv,
      similar,
      ...(client && { client }),
    }));
  }

  #compareSoon(): void {
    if (this.#isComparing) return;
    this.#isComparing = true;
    this.#input.clock.after(HELD_MS, () => void this.#compareAll());
  }

  async #compareAll(): Promise<void> {
    for (const [name, sought] of this.#waiting) {
      if (this.#abort.signal.aborted) return;
      this.#waiting.delete(name);
      if (sought.isOpen()) await this.#compare(name, sought);
    }
    this.#isComparing = false;
    if (this.#waiting.size > 0) this.#compareSoon();
  }

  async #compare(name: string, { isOpen, origin }: Sought): Promise<void> {
    // Its IOC has ended, or has begun meanwhile.
    if (this.#input.isServed?.(name)) return;
    const { clock, findSimilar, findClient } = this.#input;
    const similar = await withDeadline(
      clock,
      COMPARE_TIMEOUT_MS,
      'too many names',
      this.#abort.signal,
      (signal) => findSimilar(name, signal),
    ).catch(() => []);
    // One that is the same is there by now.
    if (similar.length === 0 || similar.some((one) => one.name === name)) return;
    const nowMs = clock.nowMs();
    const [oldest] = this.#told;
    if (this.#told.size >= MAX_TOLD && oldest) {
      if (oldest[1].sinceMs + MIN_TOLD_MS > nowMs) return;
      this.#told.delete(oldest[0]);
    }
    // That walks through all processes.
    const client = origin && (await findClient?.(origin).catch(() => undefined));
    if (this.#abort.signal.aborted) return;
    this.#told.set(name, {
      ...{ similar, isOpen, sinceMs: nowMs, lastMs: nowMs },
      isByUdp: origin?.transport === 'udp',
      ...(client && { client }),
    });
    this.#changeSoon();
    this.#lookSoon();
  }

  #changeSoon(): void {
    const { clock, onChange } = this.#input;
    const delayMs = Math.max(0, this.#changedMs + CHANGE_MS - clock.nowMs());
    this.#changing ??= clock.after(delayMs, () => {
      this.#changing = undefined;
      this.#changedMs = clock.nowMs();
      onChange();
    });
  }

  #lookSoon(): void {
    this.#looking ??= this.#input.clock.after(LOOK_MS, () => {
      this.#looking = undefined;
      const nowMs = this.#input.clock.nowMs();
      let hasChanged = false;
      for (const [name, vain] of this.#told) {
        if (this.#input.isServed?.(name)) hasChanged = this.#told.delete(name);
        else if (!vain.isByUdp && vain.isOpen()) vain.lastMs = nowMs;
        else if (vain.lastMs + TOLD_MS <= nowMs) hasChanged = this.#told.delete(name);
      }
      if (hasChanged) this.#changeSoon();
      if (this.#told.size > 0) this.#lookSoon();
    });
  }

  dispose(): void {
    this.#abort.abort();
    this.#looking?.dispose();
    this.#changing?.dispose();
    this.#waiting.clear();
    this.#told.clear();
  }
}
