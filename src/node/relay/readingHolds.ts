import type { Duplex } from 'node:stream';

/** Why nothing is read from a stream for now. */
export type HoldReason =
  /** Who gets its bytes is slower. */
  | 'full'
  /** Too many of its questions are open. */
  | 'questions';

/**
 * Reads a stream only while no reason holds it. Each reason ends by itself: a stream has one pause for
 * all, and whoever resumed it would take away the others'.
 */
export class ReadingHolds {
  readonly #stream: Duplex;
  readonly #reasons = new Set<HoldReason>();

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  hold(reason: HoldReason): void {
    this.#reasons.add(reason);
    this.#stream.pause();
  }

  release(reason: HoldReason): void {
    this.#reasons.delete(reason);
    if (this.#reasons.size === 0) this.#stream.resume();
  }
}
