import { isLongString } from '../../model/pvName';
import { decodeUtf8 } from '../../protocol/bytes';
import { decodeText } from '../../protocol/ca';

/** A longer array of bytes is data, and no text. */
const MAX_TEXT_BYTES = 65_536;

/** Bytes of pvAccess and Channel Access, signed or not, as unsigned ones; undefined: no bytes. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (!(value instanceof Uint8Array || value instanceof Int8Array)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/**
 * The value of a PV as a long string if its name asks for that: `REC.DESC$` is an array of
 * characters up to the first NUL. Other values stay as they are.
 */
export function asLongString(name: string, value: unknown): unknown {
  const bytes = isLongString(name) ? bytesOf(value) : undefined;
  return bytes ? decodeText(bytes) : value;
}

/**
 * The text in an array of characters: printable, ended by NUL, with nothing after it. Records have
 * long texts, such as file names, in those. Undefined for other values.
 */
export function charText(value: unknown): string | undefined {
  const bytes = bytesOf(value);
  if (!bytes || bytes.length < 2 || bytes.length > MAX_TEXT_BYTES) return undefined;
  const end = bytes.indexOf(0);
  if (end < 1 || bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
  const text = decodeUtf8(bytes.subarray(0, end));
  return /[\uFFFD]|(?![\t\r\n])\p{Cc}/u.test(text) ? undefined : text;
}
