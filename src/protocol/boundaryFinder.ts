import { CUT, MAX_HEADER_BYTES, NO_MESSAGE, type FrameShape } from './frameShape';

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

  /** Adds to a cut header; returns where in the chunk the payload begins. */
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
