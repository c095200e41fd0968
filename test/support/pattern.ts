/**
 * A stream of bytes that tells at every place where it is in the stream, so that a byte lost,
 * doubled or swapped anywhere shows, and that costs a comparison of memory to check.
 */
const PERIOD_BYTES = 4 * 65_521; // a prime many words: no buffer size divides it

const period = Buffer.alloc(PERIOD_BYTES * 2);
for (let at = 0; at < period.length; at += 4) {
  period.writeUInt32LE(Math.imul((at % PERIOD_BYTES) + 1, 0x9e3779b1) >>> 0, at);
}

/** The bytes from `offset` on; at most 262,084 at once. */
export function patternAt(offset: number, lengthBytes: number): Buffer {
  const start = offset % PERIOD_BYTES;
  return period.subarray(start, start + lengthBytes);
}

export const MAX_PATTERN_BYTES = PERIOD_BYTES;

/** Takes a stream piece by piece and fails at the first byte that is not the pattern's. */
export class PatternCheck {
  lengthBytes = 0;

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at += PERIOD_BYTES) {
      const part = bytes.subarray(at, at + PERIOD_BYTES);
      const offset = this.lengthBytes + at;
      if (Buffer.compare(part, patternAt(offset, part.byteLength)) !== 0) {
        throw new Error(`the bytes are not the pattern's, at ${offset} or soon after`);
      }
    }
    this.lengthBytes += bytes.byteLength;
  }
}
