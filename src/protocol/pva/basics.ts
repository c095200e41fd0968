/** Sizes, strings and status of pvAccess (specification, "Basic Encoding" and "Status"). */
import { RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import { encodeUtf8 } from '../bytes';

/**
 * Reads a size: one byte below 254; 254 and an int32; that int32 being 2^31-1, an int64. Returns -1
 * for 255, which stands for null. Nothing may be allocated by it before a comparison with a cap.
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

export function writeSize(writer: ByteWriter, size: number): void {
  if (size < 0) writer.u8(255);
  else if (size < 254) writer.u8(size);
  else if (size < 0x7fffffff) writer.u8(254).i32(size);
  else writer.u8(254).i32(0x7fffffff).i64(BigInt(size));
}

/**
 * Reads a count of elements that take `minBytesEach` bytes at least; null (-1) counts as 0. Throws
 * when the rest of the message cannot hold so many.
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

/** Null strings read as empty, as pvxs and pvAccessCPP do. */
export function readString(reader: ByteReader): string {
  return reader.utf8(readCount(reader, 1));
}

export function writeString(writer: ByteWriter, text: string): void {
  const bytes = encodeUtf8(text);
  writeSize(writer, bytes.byteLength);
  writer.bytes(bytes);
}

export type PvaStatusType = 'ok' | 'warning' | 'error' | 'fatal';

export interface PvaStatus {
  readonly type: PvaStatusType;
  readonly message: string;
  /** A stack dump of the server, for developers. */
  readonly callTree: string;
}

const STATUS_TYPES: readonly PvaStatusType[] = ['ok', 'warning', 'error', 'fatal'];

export const STATUS_OK: PvaStatus = { type: 'ok', message: '', callTree: '' };

export function errorStatus(message: string): PvaStatus {
  return { type: 'error', message, callTree: '' };
}

/** Warnings are successes: what was asked for follows. */
export function isSuccess(status: PvaStatus): boolean {
  return status.type === 'ok' || status.type === 'warning';
}

/** 0xFF alone is OK; otherwise the type byte, the message and the call tree. */
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

export function writeStatus(writer: ByteWriter, status: PvaStatus): void {
  if (status === STATUS_OK) {
    writer.u8(0xff);
    return;
  }
  writer.u8(STATUS_TYPES.indexOf(status.type));
  writeString(writer, status.message);
  writeString(writer, status.callTree);
}
