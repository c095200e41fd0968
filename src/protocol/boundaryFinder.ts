import { CUT, MAX_HEADER_BYTES, NO_MESSAGE, type FrameShape } from './frameShape';

/**
 * Follows a stream from message to message without keeping or changing any of it, so that something
 * can be inserted between two messages. Bytes that are no message of the protocol end that for
 * good.
 */
export class BoundaryFinder {
  readonly #shape: FrameShape;
  /** Bytes of the current message that are still to come. */
  #skipBytes = 0;
  /** A header that the end of a chunk cut. */
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

  /** Whether bytes came that are no message, so that the next boundary is unknown. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Follows the next chunk. Returns the offset of the last message boundary in it, or -1 if there
   * is none.
   */
  follow(chunk: Uint8Array): number {
    if (this.#isLost) return -1;
    const end = chunk.length;
    const shape = this.#shape;
    let last = this.isBetween ? 0 : -1;
    let at = this.#headerBytes > 0 ? this.#completeHeader(chunk) : 0;
    if (this.#headerBytes > 0 || this.#isLost) return -1;
    at += this.#skipBytes;
    while (at < end) {
      last = at;
      const messageBytes = shape.messageBytes(chunk, at, end);
      if (messageBytes > 0) {
        at += messageBytes;
        continue;
      }
      this.#skipBytes = 0;
      if (messageBytes === CUT) {
        this.#header.set(chunk.subarray(at));
        this.#headerBytes = end - at;
        return last;
      }
      this.#isLost = true;
      return -1;
    }
    this.#skipBytes = at - end;
    return at === end ? end : last;
  }

  /** Completes a cut header; returns the offset in the chunk where the payload begins. */
  #completeHeader(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at++] as number;
      const messageBytes = this.#shape.messageBytes(this.#header, 0, this.#headerBytes);
      if (messageBytes === CUT) continue;
      if (messageBytes === NO_MESSAGE) this.#isLost = true;
      this.#skipBytes = messageBytes - this.#headerBytes;
      this.#headerBytes = 0;
      break;
    }
    return at;
  }
}
