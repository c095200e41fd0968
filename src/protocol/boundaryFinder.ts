import { MAX_HEADER_BYTES, NO_MESSAGE, type FrameShape } from './frameShape';

/**
 * Follows a stream from message to message without keeping or changing any of it, so that something
 * may be put in between two messages. What is no message of the protocol ends that for good.
 */
export class BoundaryFinder {
  readonly #shape: FrameShape;
  /** What of the current message is still to come. */
  #skipBytes = 0;
  /** A header cut by the end of a chunk. */
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerBytes = 0;
  #isLost = false;

  constructor(shape: FrameShape) {
    this.#shape = shape;
  }

  /** Whether a message has ended and the next has not begun. */
  get isBetween(): boolean {
    return !this.#isLost && this.#skipBytes === 0 && this.#headerBytes === 0;
  }

  /** Whether something came that is no message: where the next one begins is not known any more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Follows the next chunk and returns the last place in it between two messages, or -1. */
  follow(chunk: Uint8Array): number {
    if (this.#isLost) return -1;
    let last = this.isBetween ? 0 : -1;
    let at = this.#headerBytes > 0 ? this.#completeHeader(chunk) : 0;
    while (!this.#isLost) {
      if (this.#skipBytes > chunk.length - at) {
        this.#skipBytes -= chunk.length - at;
        break;
      }
      at += this.#skipBytes;
      this.#skipBytes = 0;
      if (this.#headerBytes > 0) break;
      last = at;
      if (at === chunk.length) break;
      at = this.#beginMessage(chunk, at);
    }
    return this.#isLost ? -1 : last;
  }

  /** Takes the header at `at`, or as much of it as there is. */
  #beginMessage(chunk: Uint8Array, at: number): number {
    const headerBytes = this.#shape.headerBytes(chunk, at, chunk.length);
    if (headerBytes === NO_MESSAGE) {
      this.#isLost = true;
      return at;
    }
    if (headerBytes <= chunk.length - at) {
      this.#skipBytes = headerBytes + this.#shape.payloadBytes(chunk, at);
      return at;
    }
    this.#header.set(chunk.subarray(at));
    this.#headerBytes = chunk.length - at;
    return chunk.length;
  }

  /** Adds to a cut header; returns where in the chunk it ends. */
  #completeHeader(chunk: Uint8Array): number {
    let at = 0;
    for (;;) {
      const need = this.#shape.headerBytes(this.#header, 0, this.#headerBytes);
      if (need === NO_MESSAGE) {
        this.#isLost = true;
        return at;
      }
      if (need === this.#headerBytes) break;
      if (at === chunk.length) return at;
      this.#header[this.#headerBytes++] = chunk[at++] as number;
    }
    this.#skipBytes = this.#shape.payloadBytes(this.#header, 0);
    this.#headerBytes = 0;
    return at;
  }
}
