/**
 * Divides work on text from outside into slices, with a rest after each. No turn of the event loop
 * is long, and the work takes a bounded share of the time, whatever it is fed. Steps are counted
 * (some ten nanoseconds each); the clock is read as well, for slow or busy machines.
 */
import { delay } from './abort';
import type { Clock } from './clock';

/** Steps in one slice; a step is about one character read. */
export const STEPS_PER_SLICE = 50_000;
const SLICE_MS = 2;
const STEPS_PER_LOOK_AT_CLOCK = 4096;
/** A rest is this many times as long as the slice before it, so work takes a third of the time. */
const REST_FACTOR = 2;
const MIN_REST_MS = 1;
/** A slice may include a wait (for a file), which is no work. */
const MAX_REST_MS = 25;

/**
 * One budget of work, shared by everything that counts together, such as the IOCs of one container.
 * Call `take` after each bit of work and `restIfOver` where it can pause.
 */
export class Slices {
  readonly #clock: Clock;
  readonly #stepsPerSlice: number;
  readonly #restFactor: number;
  #stepsLeft: number;
  #stepsToLook = STEPS_PER_LOOK_AT_CLOCK;
  #startMs: number | undefined;
  #resting: Promise<void> = Promise.resolve();
  #count = 0;

  /** `restFactor` 0 only yields to other work: for work that the user asked for and waits for. */
  constructor(clock: Clock, stepsPerSlice = STEPS_PER_SLICE, restFactor = REST_FACTOR) {
    this.#restFactor = restFactor;
    this.#clock = clock;
    this.#stepsPerSlice = stepsPerSlice;
    this.#stepsLeft = stepsPerSlice;
  }

  /** How many slices have ended. */
  get count(): number {
    return this.#count;
  }

  /** Monotonic milliseconds, for deadlines of the work. */
  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Whether the slice is used up: `rest` before going on. */
  get isOver(): boolean {
    return this.#stepsLeft <= 0;
  }

  /** Counts steps of work done. */
  take(steps: number): void {
    this.#stepsLeft -= steps;
    this.#stepsToLook -= steps;
    if (this.#stepsToLook > 0) return;
    this.#stepsToLook = STEPS_PER_LOOK_AT_CLOCK;
    const nowMs = this.#clock.nowMs();
    this.#startMs ??= nowMs;
    if (nowMs - this.#startMs >= SLICE_MS) this.#stepsLeft = 0;
  }

  /**
   * Ends the slice and rests. Several callers wake one after another. Rejects with CancelledError
   * when the signal aborts.
   */
  async rest(signal: AbortSignal): Promise<void> {
    this.#count++;
    const workedMs = this.#clock.nowMs() - (this.#startMs ?? this.#clock.nowMs());
    const restMs =
      this.#restFactor === 0
        ? 0
        : Math.min(Math.max(this.#restFactor * workedMs, MIN_REST_MS), MAX_REST_MS);
    this.#begin();
    const before = this.#resting;
    const mine = before.then(() => delay(this.#clock, restMs, signal));
    this.#resting = mine.catch(() => undefined);
    await mine;
    this.#begin();
  }

  #begin(): void {
    this.#stepsLeft = this.#stepsPerSlice;
    this.#stepsToLook = STEPS_PER_LOOK_AT_CLOCK;
    this.#startMs = undefined;
  }

  /** Rests if the slice is used up. */
  async restIfOver(signal: AbortSignal): Promise<void> {
    if (this.isOver) await this.rest(signal);
  }
}
