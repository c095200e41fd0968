import { CUT, NO_MESSAGE, type FrameShape } from './frameShape';

/** Which messages are looked at, and which of those do not go on. */
export interface FilteredMessages extends FrameShape {
  /** Whether the message with the whole header at `at` is to be looked at. */
  isLookedAt(bytes: Uint8Array, at: number): boolean;
  /** Looks at one message; false takes it out. */
  passes(message: Uint8Array): boolean;
}

/** A longer message is passed on without a look. */
const MAX_LOOKED_AT_BYTES = 128 * 1024;
const SMALL_BUFFER_BYTES = 64;
const noBytes = new Uint8Array(0);

/**
 * Takes single messages out of a stream; all other bytes pass as they came, as parts of the chunks
 * that were given. Only a message that is looked at, and a header that was cut, wait for their rest.
 * From the first byte that is no message everything passes, for good.
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

  /** Whether everything passes. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Lets everything pass from the next message on. */
  open(): void {
    this.#isOpen = true;
  }

  /** What is to go on, in order; parts of the chunk, valid as long as it is. */
  filter(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let at = this.#heldBytes > 0 ? this.#continueHeld(chunk, parts) : 0;
    /** From here to `at` is to go on. */
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

  /** What waited for its rest when the stream ended. */
  end(): Uint8Array {
    this.#isOpen = true;
    return this.#takeHeld();
  }

  /**
   * Decides by what is there of the message at `at`: how many bytes are needed to go on, or 0 and
   * it is skipped over.
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

  /** Goes on with a message of an earlier chunk; returns where in this one it ends. */
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
