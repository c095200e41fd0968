import type { Clock } from '../../base/clock';
import { RemoteProtocolError } from '../../base/errors';

/**
 * Bytes that may arrive unasked, saved up to this limit, so that a late flood is as short as an
 * early one.
 */
const UNASKED_BYTES = 256 * 1024;
const UNASKED_BYTES_PER_SECOND = 16 * 1024;
/** Bytes of an answer, on average over many: an error message may be long. */
const ANSWER_BYTES = 512;
/** Bytes of a value that was requested: the adapters' limit, and what comes with it. */
const VALUE_BYTES = 65 * 1024 * 1024;

/**
 * How many bytes a server may send on a circuit on which it only answers: some for each question,
 * and a few unasked. A server that sends on and on without being asked would keep us busy with it.
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

  /** Notes that answers are to come. */
  asked(questions = 1): void {
    this.#answers += questions * ANSWER_BYTES;
  }

  /** Every question is answered. */
  allAnswered(): void {
    this.#answers = 0;
  }

  /** A value was requested, which may be long. */
  valueAsked(): void {
    this.#valueCount++;
    this.#values += VALUE_BYTES;
  }

  /** A requested value arrived, or its refusal. */
  valueAnswered(): void {
    if (--this.#valueCount === 0) this.#values = 0;
  }

  /** Counts received bytes. Throws RemoteProtocolError if they are more than allowed. */
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
    throw new RemoteProtocolError('the server sends far more than was requested');
  }
}
