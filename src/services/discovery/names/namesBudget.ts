/**
 * What the search for names of one IOC may cost, whatever its files hold: one object that all of it
 * spends from. The first thing that is used up stops the search, with what was found until then.
 */
import type { Slices } from '../../../base/slices';
import type { NamesLimits } from './databaseName';

/** What is counted down, and the sentence when there is no more. */
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

/** Steps of what is no character: 1 is what it costs to read one. */
const STEPS: Record<Counted, number> = {
  names: 40,
  characters: 1,
  loads: 500,
  includes: 500,
  reads: 500,
  scriptLines: 20,
  macroSteps: 1,
};

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

  /** Why reading on makes no sense; undefined while it does. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  get isStopped(): boolean {
    return this.#stopReason !== undefined;
  }

  /** False when there is not so much left, which stops the search. */
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

  /** True when `rest` is due. */
  get isSliceOver(): boolean {
    return this.#slices.isOver;
  }

  /** Lets everybody else go on. Rejects with CancelledError. */
  async rest(): Promise<void> {
    await this.#slices.rest(this.#signal);
    if (this.#slices.nowMs < this.#endMs) return;
    this.#stopReason ??= `reading its files took longer than ${this.limits.timeMs / 1000} s`;
  }

  async restIfOver(): Promise<void> {
    if (this.isSliceOver) await this.rest();
  }
}
