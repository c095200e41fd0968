/** A string array off the wire whose strings are made one by one, as they are taken. */
import { RemoteProtocolError } from '../../base/errors';
import { ByteReader } from '../bytes';
import { readSize, readString } from './basics';

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

  /** Moves over `count` strings and copies them. Throws RemoteProtocolError where they are cut. */
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
  // Most are short: without a DataView, for there may be a million.
  if (lengthBytes < 254) {
    reader.offset = offset + 1 + lengthBytes;
    if (reader.offset <= bytes.length) return;
    throw new RemoteProtocolError(`${reader.what}: ends in the middle of a string`);
  }
  reader.skip(Math.max(0, readSize(reader)));
}
