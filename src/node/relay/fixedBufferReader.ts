import type { OnReadOpts, Socket } from 'node:net';

/** Returns what to write in place of some bytes, in order: parts of them, or others. */
export type Sift = (bytes: Uint8Array) => readonly Uint8Array[];

/**
 * Reads a socket into one buffer that is reused (Node's `onread`), which more than doubles the
 * throughput of a pipe, because nothing is allocated per read. The socket then emits no 'data'.
 * Bytes stay intact because the buffer is not read into while the sink still refers to it, that is,
 * until a write has left for the kernel completely.
 */
export class FixedBufferReader {
  readonly onread: OnReadOpts;
  readonly #buffer: Buffer;
  #source: Socket | undefined;
  #sink: Socket | undefined;
  /** Number of bytes that arrived before there was a sink. */
  #heldBytes = 0;
  #intercept: Sift | undefined;
  readonly #onWritten = (): void => {
    if (this.#sink?.writableLength === 0) this.#source?.resume();
  };

  constructor(bufferBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes);
    this.onread = { buffer: this.#buffer, callback: (lengthBytes) => this.#receive(lengthBytes) };
  }

  /**
   * From now on, everything that `source` (created with `onread`) receives is written to `sink`, or
   * what `intercept` returns for it.
   */
  attach(source: Socket, sink: Socket, intercept?: Sift): void {
    this.#source = source;
    this.#sink = sink;
    this.#intercept = intercept;
    if (this.#heldBytes === 0 || this.#forward(this.#heldBytes, sink)) source.resume();
    this.#heldBytes = 0;
  }

  /** Writes other bytes to the sink, in order with the rest. */
  write(bytes: Uint8Array): void {
    this.#sink?.write(bytes, this.#onWritten);
  }

  /** Returns whether the source may continue reading. */
  #receive(lengthBytes: number): boolean {
    if (this.#sink) return this.#forward(lengthBytes, this.#sink);
    this.#heldBytes = lengthBytes;
    return false;
  }

  #forward(lengthBytes: number, sink: Socket): boolean {
    if (sink.destroyed || sink.writableEnded) return true; // nobody wants the bytes any more
    const bytes = this.#buffer.subarray(0, lengthBytes);
    if (this.#intercept)
      for (const part of this.#intercept(bytes)) sink.write(part, this.#onWritten);
    else sink.write(bytes, this.#onWritten);
    // The kernel took all of it at once, as is usual on loopback; no need to wait for the callback.
    return sink.writableLength === 0;
  }
}
