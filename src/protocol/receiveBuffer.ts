/**
 * Collects the chunks of a byte stream until whole frames can be cut from its front; TCP may split
 * a frame anywhere. A chunk that arrives while nothing is pending is not copied, so its owner must
 * not reuse it until `consume` has taken it.
 */
export class ReceiveBuffer {
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  /** Whether #bytes is ours to append to, rather than a chunk lent by the caller. */
  #isOwned = true;

  get lengthBytes(): number {
    return this.#end - this.#start;
  }

  /** Appends a chunk. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    if (this.lengthBytes === 0) {
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.byteLength;
      this.#isOwned = false;
      return;
    }
    const needed = this.lengthBytes + chunk.byteLength;
    if (!this.#isOwned || this.#end + chunk.byteLength > this.#bytes.byteLength) {
      const isRoomyEnough = this.#isOwned && needed * 2 <= this.#bytes.byteLength;
      const target = isRoomyEnough ? this.#bytes : new Uint8Array(needed * 2);
      target.set(this.#bytes.subarray(this.#start, this.#end), 0);
      this.#bytes = target;
      this.#end -= this.#start;
      this.#start = 0;
      this.#isOwned = true;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.byteLength;
  }

  /** All pending bytes, contiguous; valid until the next `push`. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Drops bytes from the front. An empty buffer holds no reference to a chunk. */
  consume(lengthBytes: number): void {
    this.#start += lengthBytes;
    if (this.#start >= this.#end) {
      this.#bytes = new Uint8Array(0);
      this.#start = 0;
      this.#end = 0;
      this.#isOwned = true;
    }
  }
}
