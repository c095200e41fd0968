import { RemoteProtocolError } from '../base/errors';

const utf8Decoder = new TextDecoder('utf-8');
const utf8Encoder = new TextEncoder();

/** Decodes UTF-8. Malformed bytes become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

/** Encodes as UTF-8. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8Encoder.encode(text);
}

/**
 * Reads numbers and bytes in order from one binary message, bounds-checked. Reading past the end
 * throws RemoteProtocolError, because the peer cut the message; `what` names the message there.
 */
export class ByteReader {
  readonly #view: DataView;
  offset = 0;

  constructor(
    readonly bytes: Uint8Array,
    public littleEndian: boolean,
    readonly what: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remainingBytes(): number {
    return this.bytes.byteLength - this.offset;
  }

  /** Moves past `lengthBytes` bytes; returns the offset where they begin. */
  #advance(lengthBytes: number): number {
    const start = this.offset;
    if (lengthBytes < 0 || lengthBytes > this.bytes.byteLength - start) {
      throw new RemoteProtocolError(
        `${this.what}: needs ${lengthBytes} more bytes at offset ${start}, but only ` +
          `${this.bytes.byteLength - start} are left`,
      );
    }
    this.offset = start + lengthBytes;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#advance(2), this.littleEndian);
  }
  i16(): number {
    return this.#view.getInt16(this.#advance(2), this.littleEndian);
  }
  u32(): number {
    return this.#view.getUint32(this.#advance(4), this.littleEndian);
  }
  i32(): number {
    return this.#view.getInt32(this.#advance(4), this.littleEndian);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), this.littleEndian);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8), this.littleEndian);
  }
  f32(): number {
    return this.#view.getFloat32(this.#advance(4), this.littleEndian);
  }
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), this.littleEndian);
  }

  /** A view (not a copy) of the next bytes, valid as long as the message's buffer. */
  view(lengthBytes: number): Uint8Array {
    const start = this.#advance(lengthBytes);
    return this.bytes.subarray(start, start + lengthBytes);
  }

  utf8(lengthBytes: number): string {
    return decodeUtf8(this.view(lengthBytes));
  }

  skip(lengthBytes: number): void {
    this.#advance(lengthBytes);
  }
}

/** Writes numbers and bytes to a buffer that grows by doubling. Calls can be chained. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #lengthBytes = 0;

  constructor(
    public littleEndian: boolean,
    initialBytes = 256,
  ) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Makes room for `extraBytes`; returns the offset where they begin. */
  #reserve(extraBytes: number): number {
    const start = this.#lengthBytes;
    const end = start + extraBytes;
    if (end > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.byteLength * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#lengthBytes = end;
    return start;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }
  i8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setInt8(at, value);
    return this;
  }
  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, this.littleEndian);
    return this;
  }
  i16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setInt16(at, value, this.littleEndian);
    return this;
  }
  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, this.littleEndian);
    return this;
  }
  i32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setInt32(at, value, this.littleEndian);
    return this;
  }
  u64(value: bigint): this {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, this.littleEndian);
    return this;
  }
  i64(value: bigint): this {
    const at = this.#reserve(8);
    this.#view.setBigInt64(at, value, this.littleEndian);
    return this;
  }
  f32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setFloat32(at, value, this.littleEndian);
    return this;
  }
  f64(value: number): this {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, this.littleEndian);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.byteLength);
    this.#bytes.set(value, at);
    return this;
  }

  utf8(text: string): this {
    return this.bytes(encodeUtf8(text));
  }

  /** Appends `lengthBytes` zero bytes. */
  zeros(lengthBytes: number): this {
    const at = this.#reserve(lengthBytes);
    this.#bytes.fill(0, at, at + lengthBytes);
    return this;
  }

  /** Overwrites a number written earlier, such as a length known only at the end. */
  patchU16(at: number, value: number): void {
    this.#view.setUint16(at, value, this.littleEndian);
  }
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, this.littleEndian);
  }

  /** Returns the bytes written so far and starts over; the array belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#lengthBytes);
    this.#bytes = new Uint8Array(256);
    this.#view = new DataView(this.#bytes.buffer);
    this.#lengthBytes = 0;
    return taken;
  }
}
