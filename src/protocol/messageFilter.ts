import { CUT, NO_MESSAGE, type FrameShape } from './frameShape';

/** Decides which messages of a stream are inspected, and which of those are dropped. */
export interface FilteredMessages extends FrameShape {
  /** Whether to inspect the message whose complete header is at `at`. */
  isLookedAt(bytes: Uint8Array, at: number): boolean;
  /** Inspects one message; false drops it. */
  passes(message: Uint8Array): boolean;
}

/** Longer messages pass without inspection. */
const MAX_LOOKED_AT_BYTES = 128 * 1024;
const SMALL_BUFFER_BYTES = 64;
const noBytes = new Uint8Array(0);

/**
 * Drops single messages from a stream. All other bytes pass unchanged, as parts of the chunks that
 * came in. Only a message to be inspected, or a cut header, waits for its rest. From the first byte
 * that is no message on, everything passes.
 */
export class MessageFilter {
  readonly #messages: FilteredMessages;
  #skipBytes = 0;
  #held: Uint8Array = noBytes;
  #heldBytes = 0;
  #isOpen = false;

  constructor(messages: FilteredMessages) {
    this.#messages = messages;
  }

  /** Whether everything passes from now on. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Lets everything pass from the next message on. */
  open(): void {
    this.#isOpen = true;
  }

  /** What passes, in order: parts of the chunk, valid as long as the chunk is. */
  filter(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let at = this.#heldBytes > 0 ? this.#continueHeld(chunk, parts) : 0;
    /** The bytes from here to `at` pass. */
    let start = at;
    while (at < chunk.length && !this.#isOpen) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, chunk.length - at);
        this.#skipBytes -= skipped;
        at += skipped;
        continue;
      }
      const messageBytes = this.#lookAt(chunk, at, chunk.length);
      if (this.#isOpen) break;
      if (messageBytes > chunk.length - at) {
        add(parts, chunk, start, at);
        this.#hold(chunk.subarray(at));
        return parts;
      }
      if (messageBytes > 0) {
        if (!this.#messages.passes(chunk.subarray(at, at + messageBytes))) {
          add(parts, chunk, start, at);
          start = at + messageBytes;
        }
        at += messageBytes;
      }
    }
    add(parts, chunk, start, chunk.length);
    return parts;
  }

  /** The bytes that were still waiting for their rest when the stream ended. */
  end(): Uint8Array {
    this.#isOpen = true;
    return this.#takeHeld();
  }

  /**
   * Decides what to do with the message at `at` from the bytes that are there. Returns how many
   * bytes the decision needs, or 0 when the message passes without inspection.
   */
  #lookAt(bytes: Uint8Array, at: number, end: number): number {
    const messageBytes = this.#messages.messageBytes(bytes, at, end);
    if (messageBytes === NO_MESSAGE) {
      this.#isOpen = true;
      return 0;
    }
    if (messageBytes === CUT) return end - at + 1;
    if (messageBytes <= MAX_LOOKED_AT_BYTES && this.#messages.isLookedAt(bytes, at)) {
      return messageBytes;
    }
    this.#skipBytes = messageBytes;
    return 0;
  }

  /** Continues a message of an earlier chunk; returns the offset in this chunk where it ends. */
  #continueHeld(chunk: Uint8Array, parts: Uint8Array[]): number {
    let at = 0;
    for (;;) {
      const need = this.#lookAt(this.#held, 0, this.#heldBytes);
      if (need === 0) {
        this.#skipBytes = Math.max(0, this.#skipBytes - this.#heldBytes);
        parts.push(this.#takeHeld());
        return at;
      }
      if (need === this.#heldBytes) {
        const message = this.#takeHeld();
        if (this.#messages.passes(message)) parts.push(message);
        return at;
      }
      if (at === chunk.length) return at;
      const end = Math.min(chunk.length, at + need - this.#heldBytes);
      this.#hold(chunk.subarray(at, end));
      at = end;
    }
  }

  #hold(bytes: Uint8Array): void {
    const end = this.#heldBytes + bytes.length;
    if (end > this.#held.length) {
      const grown = new Uint8Array(Math.max(SMALL_BUFFER_BYTES, end * 2));
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = end;
  }

  #takeHeld(): Uint8Array {
    const taken = this.#held.subarray(0, this.#heldBytes);
    this.#held = noBytes;
    this.#heldBytes = 0;
    return taken;
  }
}

function add(parts: Uint8Array[], chunk: Uint8Array, start: number, end: number): void {
  if (end > start)
    parts.push(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
}
