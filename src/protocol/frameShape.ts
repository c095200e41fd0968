/**
 * Where a message of a byte stream ends, told by its header alone; payloads are not looked at. One
 * call a message, because there may be millions a second.
 */
export interface FrameShape {
  /**
   * How long the message is that begins at `at`, header and payload; CUT when the bytes up to `end`
   * do not tell yet, NO_MESSAGE when no message of this protocol begins so.
   */
  messageBytes(bytes: Uint8Array, at: number, end: number): number;
}

export const CUT = 0;
export const NO_MESSAGE = -1;
/** The longest header of all protocols here (Channel Access with a large payload). */
export const MAX_HEADER_BYTES = 24;
