import { RemoteProtocolError } from '../../base/errors';
import { ByteReader } from '../bytes';
import { readSize, readString } from './basics';

/** A string array from the wire whose strings are created one by one, as they are taken. */
export class EncodedStrings implements Iterable<string> {
  readonly #bytes: Uint8Array;
  readonly #littleEndian: boolean;

  private constructor(
    readonly length: number,
    bytes: Uint8Array,
    littleEndian: boolean,
  ) {
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
  }

  /**
   * Skips over `count` strings and copies their bytes. Throws RemoteProtocolError when they are
   * cut.
   */
  static read(reader: ByteReader, count: number): EncodedStrings {
    const start = reader.offset;
    for (let i = 0; i < count; i++) skipString(reader);
    const bytes = reader.bytes.slice(start, reader.offset);
    return new EncodedStrings(count, bytes, reader.littleEndian);
  }

  *[Symbol.iterator](): Generator<string> {
    const reader = new ByteReader(this.#bytes, this.#littleEndian, 'a list of strings');
    for (let i = 0; i < this.length; i++) yield readString(reader);
  }
}

function skipString(reader: ByteReader): void {
  const { bytes, offset } = reader;
  const lengthBytes = bytes[offset] ?? 0;
  // Most are short; no DataView for them, because there may be a million.
  if (lengthBytes < 254) {
    reader.offset = offset + 1 + lengthBytes;
    if (reader.offset <= bytes.length) return;
    throw new RemoteProtocolError(`${reader.what}: ends in the middle of a string`);
  }
  reader.skip(Math.max(0, readSize(reader)));
}
