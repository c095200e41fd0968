import { Duplex } from 'node:stream';

/** One end of an in-memory connection, with back-pressure and half-close like a socket's. */
class PairedDuplex extends Duplex {
  peer!: PairedDuplex;
  #resume: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    const resume = this.peer.#resume;
    this.peer.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    if (this.peer.destroyed || this.peer.push(chunk)) callback();
    else this.#resume = callback;
  }

  override _final(callback: () => void): void {
    this.peer.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    callback(error);
    // When one end is closed, the other one ends too, after everything that was sent has been read.
    if (!this.peer.destroyed && !this.peer.readableEnded) this.peer.push(null);
  }
}

/** Two connected streams: what is written to one is read from the other. */
export function duplexPair(): [Duplex, Duplex] {
  const one = new PairedDuplex();
  const other = new PairedDuplex();
  one.peer = other;
  other.peer = one;
  return [one, other];
}
