/**
 * Text in Channel Access: NUL-terminated bytes in fields of fixed length, without a declared
 * encoding. Today's IOCs hold UTF-8, old databases Latin-1 (units such as "°C"); we read either.
 */
import { encodeUtf8 } from '../bytes';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes up to the first NUL, or everything if there is none. */
export function decodeText(bytes: Uint8Array): string {
  let end = 0;
  let isAscii = true;
  for (; end < bytes.length; end++) {
    const byte = bytes[end]!;
    if (byte === 0) break;
    if (byte >= 0x80) isAscii = false;
  }
  const used = bytes.subarray(0, end);
  if (isAscii) return latin1(used);
  try {
    return strictUtf8.decode(used);
  } catch {
    // Not UTF-8, so Latin-1, in which every byte has a meaning.
    return latin1(used);
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** Encodes as UTF-8, cut so that text and NUL fit the field; never in the middle of a character. */
export function encodeFixedText(text: string, fieldBytes: number): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length < fieldBytes) return bytes;
  let end = fieldBytes - 1;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
