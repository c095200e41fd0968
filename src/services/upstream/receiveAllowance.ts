import type { Clock } from '../../base/clock';
import { RemoteProtocolError } from '../../base/errors';

/** Saved up at most, so that a late flood is as short as an early one. */
const UNASKED_BYTES = 256 * 1024;
const UNASKED_BYTES_PER_SECOND = 16 * 1024;
/** An answer to a question, of many on average: an error may say much. */
const ANSWER_BYTES = 512;
/** A value that was asked for: as much as the adapters take, and what comes with it. */
const VALUE_BYTES = 65 * 1024 * 1024;

/**
 * What a server may send on a circuit on which it only answers: so much for each question, and a little
 * by itself. Who sends on and on without being asked would keep us busy with it.
 */
export class ReceiveAllowance {
  readonly #clock: Clock;
  #unasked = UNASKED_BYTES;
  #answers = 0;
  #valueCount = 0;
  #values = 0;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  /** Something was asked, so there is an answer to come. */
  asked(questions = 1): void {
    this.#answers += questions * ANSWER_BYTES;
  }

  /** All that was asked is answered. */
  allAnswered(): void {
    this.#answers = 0;
  }

  /** A value was asked for, which may be long. */
  valueAsked(): void {
    this.#valueCount++;
    this.#values += VALUE_BYTES;
  }

  /** One of those came, or the refusal of it. */
  valueAnswered(): void {
    if (--this.#valueCount === 0) this.#values = 0;
  }

  /** Counts what came. Throws RemoteProtocolError when it is more than may come. */
  received(lengthBytes: number): void {
    const nowMs = this.#clock.nowMs();
    const earned = ((nowMs - this.#sinceMs) * UNASKED_BYTES_PER_SECOND) / 1000;
    this.#unasked = Math.min(this.#unasked + earned, UNASKED_BYTES);
    this.#sinceMs = nowMs;
    const values = Math.min(this.#values, lengthBytes);
    this.#values -= values;
    const answers = Math.min(this.#answers, lengthBytes - values);
    this.#answers -= answers;
    this.#unasked -= lengthBytes - values - answers;
    if (this.#unasked >= 0) return;
    throw new RemoteProtocolError('the server sends far more than it was asked for');
  }
}
