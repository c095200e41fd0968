/**
 * Finds where a message of a byte stream ends, from its header alone. One call per message, because
 * there may be millions a second.
 */
export interface FrameShape {
  /**
   * The length in bytes (header and payload) of the message that begins at `at`; CUT when the bytes
   * up to `end` are too few to know, NO_MESSAGE when no message of this protocol begins like that.
   */
  messageBytes(bytes: Uint8Array, at: number, end: number): number;
}

/** From `messageBytes`: the header is not complete yet. */
export const CUT = 0;
/** From `messageBytes`: these bytes are not of this protocol. */
export const NO_MESSAGE = -1;
/** The longest header of our protocols (Channel Access with a large payload). */
export const MAX_HEADER_BYTES = 24;
