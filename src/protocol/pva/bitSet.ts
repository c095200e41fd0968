import { RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import { MAX_TYPE_FIELDS } from './constants';
import { readSize, writeSize } from './basics';

/** A set of fields of a structure: bit 0 is the whole, then come the fields, depth first. */
export class BitSet {
  /** Eight bits a byte, least significant first. */
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.#bytes = bytes;
  }

  static of(...bits: readonly number[]): BitSet {
    const set = new BitSet();
    for (const bit of bits) set.add(bit);
    return set;
  }

  has(bit: number): boolean {
    return (((this.#bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  }

  add(bit: number): void {
    const at = bit >> 3;
    if (at >= this.#bytes.length) {
      const grown = new Uint8Array(at + 8);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[at] = (this.#bytes[at] ?? 0) | (1 << (bit & 7));
  }

  /** Adds all bits of another set. */
  addAll(other: BitSet): void {
    for (const bit of other) this.add(bit);
  }

  /** Whether any bit of `from`, `from + 1`, ... `end - 1` is set. */
  hasAnyOf(from: number, end: number): boolean {
    for (let bit = from; bit < end && bit >> 3 < this.#bytes.length; bit++) {
      if (this.has(bit)) return true;
    }
    return false;
  }

  get isEmpty(): boolean {
    return this.#bytes.every((byte) => byte === 0);
  }

  *[Symbol.iterator](): Generator<number> {
    for (let bit = 0; bit < this.#bytes.length * 8; bit++) if (this.has(bit)) yield bit;
  }

  /**
   * Reads a bit set: its size in bytes, then groups of eight as one int64 in the message's byte
   * order, then the rest byte by byte, least significant first (specification, "BitSet"; pvData
   * bitSet.cpp). Throws RemoteProtocolError when it is too long.
   */
  static read(reader: ByteReader): BitSet {
    const lengthBytes = Math.max(0, readSize(reader));
    if (lengthBytes > MAX_TYPE_FIELDS / 8) {
      throw new RemoteProtocolError(`${reader.what}: sends a bit set of ${lengthBytes} bytes`);
    }
    const bytes = new Uint8Array(lengthBytes);
    bytes.set(reader.view(lengthBytes));
    if (!reader.littleEndian) reverseWords(bytes);
    return new BitSet(bytes);
  }

  /** Writes the set, see `read`. */
  write(writer: ByteWriter): void {
    let lengthBytes = this.#bytes.length;
    while (lengthBytes > 0 && this.#bytes[lengthBytes - 1] === 0) lengthBytes--;
    const bytes = this.#bytes.slice(0, lengthBytes);
    if (!writer.littleEndian) reverseWords(bytes);
    writeSize(writer, lengthBytes);
    writer.bytes(bytes);
  }
}

function reverseWords(bytes: Uint8Array): void {
  for (let at = 0; at + 8 <= bytes.length; at += 8) bytes.subarray(at, at + 8).reverse();
}
