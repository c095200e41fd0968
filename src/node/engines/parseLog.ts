/** Bytes of a log that are looked at: the last ones. */
const MAX_LOG_BYTES = 64 * 1024;
const HEADER_BYTES = 8;

/**
 * The text of `GET /containers/{id}/logs`. Without a tty each piece has a header of 8 bytes: stream
 * (0, 1 or 2), three zeros, its length in bytes (big-endian); with one, the bytes are the text.
 * docker-modem makes an object of an answer that is JSON, as the log of a terminal may be.
 */
export function parseLog(answer: unknown): string {
  const bytes = answer instanceof Uint8Array ? answer : Buffer.from(JSON.stringify(answer ?? ''));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const isHeader =
      at + HEADER_BYTES <= bytes.byteLength &&
      view.getUint32(at) % 0x1000000 === 0 &&
      bytes[at]! <= 2;
    if (!isHeader) return textOf(bytes);
    const end = at + HEADER_BYTES + view.getUint32(at + 4);
    pieces.push(bytes.subarray(at + HEADER_BYTES, Math.min(end, bytes.byteLength)));
    at = end;
  }
  return textOf(Buffer.concat(pieces));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(-MAX_LOG_BYTES));
}
