import { RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import { encodeUtf8 } from '../bytes';

/**
 * Reads a size (pvAccess specification, "Basic Encoding"): one byte below 254; 254 and an int32; if
 * that is 2^31-1, an int64. Returns -1 for 255, which stands for null. Compare it with a limit
 * before allocating anything. Throws RemoteProtocolError when it is negative or beyond 2^53.
 */
export function readSize(reader: ByteReader): number {
  const first = reader.u8();
  if (first === 255) return -1;
  if (first < 254) return first;
  const size = reader.i32();
  if (size === 0x7fffffff) {
    const long = reader.i64();
    if (long >= 0n && long <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(long);
  } else if (size >= 0) {
    return size;
  }
  throw new RemoteProtocolError(`${reader.what}: sends a size that is negative or beyond 2^53`);
}

/** Writes a size, see `readSize`; negative means null. */
export function writeSize(writer: ByteWriter, size: number): void {
  if (size < 0) writer.u8(255);
  else if (size < 254) writer.u8(size);
  else if (size < 0x7fffffff) writer.u8(254).i32(size);
  else writer.u8(254).i32(0x7fffffff).i64(BigInt(size));
}

/**
 * Reads a count of elements that take at least `minBytesEach` bytes; null (-1) counts as 0. Throws
 * RemoteProtocolError when the rest of the message cannot hold that many.
 */
export function readCount(reader: ByteReader, minBytesEach: number): number {
  const count = Math.max(0, readSize(reader));
  if (count * minBytesEach > reader.remainingBytes) {
    throw new RemoteProtocolError(
      `${reader.what}: announces ${count} elements, but only ${reader.remainingBytes} bytes are left`,
    );
  }
  return count;
}

/** Reads a string: size and UTF-8. Null reads as empty, as in pvxs and pvAccessCPP. */
export function readString(reader: ByteReader): string {
  return reader.utf8(readCount(reader, 1));
}

/** Writes a string: size and UTF-8. */
export function writeString(writer: ByteWriter, text: string): void {
  const bytes = encodeUtf8(text);
  writeSize(writer, bytes.byteLength);
  writer.bytes(bytes);
}

/** The kinds of status, in the order of their codes. */
export type PvaStatusType = 'ok' | 'warning' | 'error' | 'fatal';

/** How a request went (specification, "Status"). */
export interface PvaStatus {
  readonly type: PvaStatusType;
  readonly message: string;
  /** A stack trace of the server, for developers. */
  readonly callTree: string;
}

const STATUS_TYPES: readonly PvaStatusType[] = ['ok', 'warning', 'error', 'fatal'];

/** Success without a message; one byte on the wire. */
export const STATUS_OK: PvaStatus = { type: 'ok', message: '', callTree: '' };

/** A status that refuses a request. */
export function errorStatus(message: string): PvaStatus {
  return { type: 'error', message, callTree: '' };
}

/** Whether the result follows: warnings are successes. */
export function isSuccess(status: PvaStatus): boolean {
  return status.type === 'ok' || status.type === 'warning';
}

/** Reads a status: 0xFF alone is OK, otherwise the type byte, the message and the call tree. */
export function readStatus(reader: ByteReader): PvaStatus {
  const code = reader.u8();
  if (code === 0xff) return STATUS_OK;
  const type = STATUS_TYPES[code];
  if (type === undefined) {
    throw new RemoteProtocolError(
      `${reader.what}: sends status type ${code}, which does not exist`,
    );
  }
  const message = readString(reader);
  return { type, message, callTree: readString(reader) };
}

/** Writes a status, see `readStatus`. */
export function writeStatus(writer: ByteWriter, status: PvaStatus): void {
  if (status === STATUS_OK) {
    writer.u8(0xff);
    return;
  }
  writer.u8(STATUS_TYPES.indexOf(status.type));
  writeString(writer, status.message);
  writeString(writer, status.callTree);
}
