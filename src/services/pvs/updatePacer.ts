import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { PvUpdate } from '../../model/coreApi';
import type { Problem } from '../../model/problem';
import { previewOf } from '../../model/preview';
import type { PvReading } from '../../model/reading';

/** More than ten updates a second are just a blur. */
const UPDATE_MS = 100;

/**
 * Paces the updates of a PV: its newest value, at most ten times a second, and only as much of it
 * as is shown. For numbers that are skipped, the lowest and the highest are reported, so that a
 * plot hides no spike.
 */
export class UpdatePacer implements Disposable {
  readonly #clock: Clock;
  readonly #notify: (update: PvUpdate) => void;
  /** Running since the last update; undefined: that was long enough ago. */
  #timer: Disposable | undefined;
  #reading: PvReading | undefined;
  #range: [number, number] | undefined;
  /** Why updates were interrupted, if that came after `#reading`. */
  #problem: Problem | undefined;
  #isDisposed = false;

  constructor(clock: Clock, notify: (update: PvUpdate) => void) {
    this.#clock = clock;
    this.#notify = notify;
  }

  /** Takes a new value. */
  value(reading: PvReading): void {
    const { value } = reading;
    const isNumber = typeof value === 'number' && Number.isFinite(value);
    if (this.#reading === undefined) this.#range = isNumber ? [value, value] : undefined;
    else if (isNumber && this.#range) {
      this.#range = [Math.min(this.#range[0], value), Math.max(this.#range[1], value)];
    } else if (isNumber) this.#range = [value, value];
    this.#reading = reading;
    this.#problem = undefined;
    this.#flush();
  }

  /** Takes the reason why there are no values now. */
  interrupted(problem: Problem): void {
    this.#problem = problem;
    this.#flush();
  }

  #flush(): void {
    if (this.#timer || this.#isDisposed) return;
    const [reading, range, problem] = [this.#reading, this.#range, this.#problem];
    if (!reading && !problem) return;
    this.#reading = this.#range = this.#problem = undefined;
    this.#timer = this.#clock.after(UPDATE_MS, () => {
      this.#timer = undefined;
      this.#flush();
    });
    if (reading) {
      const isPassedOver = range && range[0] !== range[1];
      this.#notify({ kind: 'value', reading: previewOf(reading), ...(isPassedOver && { range }) });
    }
    if (problem) this.#notify({ kind: 'interrupted', problem });
  }

  /** Stops all updates. */
  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    this.#reading = undefined;
  }
}
