import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { isSameProblem, type Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { ReadingSource } from '../upstream/protocolAdapter';
import type { ValueSink } from './valueSink';

/**
 * Tells a sink when there are no values and why, each reason once. What may be over at once is told
 * after `graceMs` only, if no value has come by then; with 0, at once.
 */
export class Interruptions implements ValueSink, Disposable {
  readonly #sink: ValueSink;
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** What the sink was told last; undefined: nothing. */
  #told: 'value' | Problem | undefined;
  /** The newest that is not told yet. */
  #withheld: Problem | undefined;
  #grace: Disposable | undefined;
  #isDisposed = false;

  constructor(sink: ValueSink, clock: Clock, graceMs: number) {
    this.#sink = sink;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  value(reading: PvReading, source?: ReadingSource): void {
    if (this.#isDisposed) return;
    this.#endGrace();
    this.#told = 'value';
    this.#sink.value(reading, source);
  }

  /** There are no values, and it is not known for how long. */
  interrupted(problem: Problem): void {
    if (this.#isDisposed) return;
    this.#endGrace();
    if (typeof this.#told === 'object' && isSameProblem(problem, this.#told)) return;
    this.#told = problem;
    this.#sink.interrupted(problem);
  }

  /** A circuit is lost, and the server is still there as far as is known. */
  circuitLost(problem: Problem): void {
    if (this.#told !== 'value' || this.#graceMs === 0) {
      this.interrupted(problem);
      return;
    }
    if (this.#isDisposed) return;
    this.#withheld = problem;
    this.#grace ??= this.#clock.after(this.#graceMs, () => {
      if (this.#withheld) this.interrupted(this.#withheld);
    });
  }

  #endGrace(): void {
    this.#grace?.dispose();
    this.#grace = this.#withheld = undefined;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#endGrace();
  }
}
