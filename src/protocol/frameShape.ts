/** Where a message of a byte stream ends, told by its header alone; payloads are not looked at. */
export interface FrameShape {
  /**
   * How long the header is that begins at `at`, as far as the bytes up to `end` tell: more than
   * there are when it is cut. NO_MESSAGE when no message of this protocol begins so.
   */
  headerBytes(bytes: Uint8Array, at: number, end: number): number;
  /** How much follows the whole header at `at`. */
  payloadBytes(bytes: Uint8Array, at: number): number;
}

export const NO_MESSAGE = -1;
/** The longest header of all protocols here (Channel Access with a large payload). */
export const MAX_HEADER_BYTES = 24;
