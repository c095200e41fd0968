import type { Slices } from '../../../base/slices';
import type { NamesLimits } from './databaseName';

/** What is counted, and the sentence when the limit is reached. */
const REASONS = {
  names: (limit: number) => `an IOC is taken for ${limit} names at most`,
  characters: (limit: number) => `its databases have more than ${limit} characters together`,
  loads: (limit: number) => `it loads more than ${limit} databases`,
  includes: (limit: number) => `its databases include more than ${limit} others`,
  reads: (limit: number) => `it needs more than ${limit} files`,
  scriptLines: (limit: number) => `its startup scripts have more than ${limit} lines`,
  macroSteps: () => 'its macros take too long to expand',
} as const;
type Counted = keyof typeof REASONS;

/** Steps of things that are not characters; reading one character costs 1. */
const STEPS: Record<Counted, number> = {
  names: 40,
  characters: 1,
  loads: 500,
  includes: 500,
  reads: 500,
  scriptLines: 20,
  macroSteps: 1,
};

/**
 * What the search for the names of one IOC may cost, whatever its files contain: one object from
 * which all of it spends. The first limit that is reached stops the search, with what was found
 * until then.
 */
export class NamesBudget {
  readonly limits: NamesLimits;
  readonly #slices: Slices;
  readonly #signal: AbortSignal;
  readonly #left: Record<Counted, number>;
  readonly #endMs: number;
  #stopReason: string | undefined;

  constructor(limits: NamesLimits, slices: Slices, signal: AbortSignal) {
    this.limits = limits;
    this.#slices = slices;
    this.#signal = signal;
    const { names, characters, loads, includes, reads, scriptLines, macroSteps } = limits;
    this.#left = { names, characters, loads, includes, reads, scriptLines, macroSteps };
    this.#endMs = slices.nowMs + limits.timeMs;
  }

  /** Why the search has stopped; undefined while it has not. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  get isStopped(): boolean {
    return this.#stopReason !== undefined;
  }

  /** Spends; false when that much is not left, which stops the search. */
  spend(what: Counted, amount = 1): boolean {
    this.#slices.take(STEPS[what] * amount);
    this.#left[what] -= amount;
    if (this.#left[what] >= 0) return true;
    this.#stopReason ??= REASONS[what](this.limits[what]);
    return false;
  }

  /** Counts work that has no limit of its own. */
  work(steps: number): void {
    this.#slices.take(steps);
  }

  /** Whether `rest` is due. */
  get isSliceOver(): boolean {
    return this.#slices.isOver;
  }

  /** Lets other work run. Rejects with CancelledError. */
  async rest(): Promise<void> {
    await this.#slices.rest(this.#signal);
    if (this.#slices.nowMs < this.#endMs) return;
    this.#stopReason ??= `reading its files took longer than ${this.limits.timeMs / 1000} s`;
  }

  async restIfOver(): Promise<void> {
    if (this.isSliceOver) await this.rest();
  }
}
