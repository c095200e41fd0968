/** Values from the wire (specification, "Data Encoding"), in full and by BitSet. */
import { RemoteProtocolError } from '../../base/errors';
import type { ByteReader } from '../bytes';
import { readCount, readSize, readString } from './basics';
import type { BitSet } from './bitSet';
import {
  MAX_ENCODED_STRINGS,
  MAX_STRINGS_PER_MESSAGE,
  MAX_VALUE_DEPTH,
  MAX_VALUES_PER_MESSAGE,
} from './constants';
import { EncodedStrings } from './encodedStrings';
import { readType, type TypeCache } from './typeCodec';
import type {
  PvaCompoundArray,
  PvaScalarArray,
  PvaScalarType,
  PvaStructure,
  PvaType,
} from './types';
import {
  NUMBER_ARRAYS,
  type PvaAnyValue,
  type PvaStructureValue,
  type PvaUnionValue,
  type PvaValue,
  setField,
} from './values';

const isHostLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/**
 * Decodes the values of one message. Counts what it creates, because a type may multiply a few
 * bytes. Throws RemoteProtocolError on malformed values and beyond the limits.
 */
export class ValueReader {
  #valuesLeft = MAX_VALUES_PER_MESSAGE;
  #stringsLeft = MAX_STRINGS_PER_MESSAGE;
  #depth = 0;

  constructor(
    readonly reader: ByteReader,
    readonly cache: TypeCache,
    /** Whether string arrays are returned as EncodedStrings. */
    readonly keepsStringsEncoded = false,
  ) {}

  /** Reads a type and a value of it, as RPC does; undefined for the null type. */
  readTyped(): PvaAnyValue | undefined {
    const type = readType(this.reader, this.cache);
    return type === undefined ? undefined : { type, value: this.read(type) };
  }

  /** Reads a value in full. */
  read(type: PvaType): PvaValue {
    if (--this.#valuesLeft < 0) {
      this.#fail(`sends more than ${MAX_VALUES_PER_MESSAGE} values in one message`);
    }
    switch (type.kind) {
      case 'scalar':
        return this.#readScalar(type.scalar);
      case 'bounded-string': {
        const text = readString(this.reader);
        // The bound counts bytes; more characters than that are certainly more bytes.
        if (text.length > type.maxLengthBytes) this.#fail('exceeds the bound of a string');
        return text;
      }
      case 'scalar-array':
        return this.#readScalarArray(type);
      case 'structure':
        return this.#readStructure(type);
      case 'union':
        return this.#readUnion(type.fields);
      case 'any':
        return this.#nested(() => this.readTyped() ?? null);
      case 'compound-array':
        return this.#readCompoundArray(type);
    }
  }

  /**
   * Reads the fields that `changed` names and returns `base` with them. Structures along the way
   * are copied, so `base` stays unchanged. `offset` is the structure's own bit.
   */
  readChanged(
    type: PvaStructure,
    changed: BitSet,
    base: PvaStructureValue,
    offset = 0,
  ): PvaStructureValue {
    if (changed.has(offset)) return this.read(type) as PvaStructureValue;
    const value: Record<string, PvaValue> = { ...base };
    let bit = offset + 1;
    for (const { name, type: fieldType } of type.fields) {
      if (fieldType.kind === 'structure') {
        if (changed.hasAnyOf(bit, bit + fieldType.bitCount)) {
          const old = base[name] as PvaStructureValue;
          setField(value, name, this.readChanged(fieldType, changed, old, bit));
        }
      } else if (changed.has(bit)) {
        setField(value, name, this.read(fieldType));
      }
      bit += fieldType.bitCount;
    }
    return value;
  }

  #fail(how: string): never {
    throw new RemoteProtocolError(`${this.reader.what}: ${how}`);
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_VALUE_DEPTH) this.#fail('nests values too deeply');
    const value = read();
    this.#depth--;
    return value;
  }

  #readScalar(scalar: PvaScalarType): PvaValue {
    const { reader } = this;
    switch (scalar) {
      case 'boolean':
        return reader.u8() !== 0;
      case 'byte':
        return reader.i8();
      case 'short':
        return reader.i16();
      case 'int':
        return reader.i32();
      case 'long':
        return reader.i64();
      case 'ubyte':
        return reader.u8();
      case 'ushort':
        return reader.u16();
      case 'uint':
        return reader.u32();
      case 'ulong':
        return reader.u64();
      case 'float':
        return reader.f32();
      case 'double':
        return reader.f64();
      case 'string':
        return readString(reader);
    }
  }

  /** Reads the element count, which is on the wire unless the type fixes it. */
  #readArrayCount(type: PvaScalarArray | PvaCompoundArray, minBytesEach: number): number {
    if (type.sizing !== 'fixed') {
      const count = readCount(this.reader, minBytesEach);
      if (type.sizing === 'bounded' && count > type.size)
        this.#fail('exceeds the bound of an array');
      return count;
    }
    if (type.size * minBytesEach > this.reader.remainingBytes) {
      this.#fail(`is too short for a fixed array of ${type.size} elements`);
    }
    return type.size;
  }

  #readScalarArray(type: PvaScalarArray): PvaValue {
    const { reader } = this;
    const kind = NUMBER_ARRAYS[type.scalar];
    if (kind !== undefined) {
      const lengthBytes = this.#readArrayCount(type, kind.elementBytes) * kind.elementBytes;
      const copy = new Uint8Array(lengthBytes);
      copy.set(reader.view(lengthBytes));
      if (reader.littleEndian !== isHostLittleEndian) swapBytes(copy, kind.elementBytes);
      return kind.create(copy.buffer);
    }
    const count = this.#readArrayCount(type, 1);
    if (type.scalar === 'boolean') {
      return Array.from(reader.view(count), (byte) => byte !== 0);
    }
    if (this.keepsStringsEncoded) {
      if (count > MAX_ENCODED_STRINGS) {
        this.#fail(`sends ${count} strings, more than the ${MAX_ENCODED_STRINGS} that we take`);
      }
      return EncodedStrings.read(reader, count);
    }
    this.#stringsLeft -= count;
    if (this.#stringsLeft < 0) {
      this.#fail(`sends more than ${MAX_STRINGS_PER_MESSAGE} strings in one message`);
    }
    const strings: string[] = [];
    for (let i = 0; i < count; i++) strings.push(readString(reader));
    return strings;
  }

  #readStructure(type: PvaStructure): PvaStructureValue {
    const value: Record<string, PvaValue> = {};
    for (const field of type.fields) setField(value, field.name, this.read(field.type));
    return value;
  }

  #readUnion(fields: PvaStructure['fields']): PvaUnionValue | null {
    const selector = readSize(this.reader);
    if (selector < 0) return null;
    const field = fields[selector];
    if (field === undefined)
      this.#fail(`selects member ${selector} of a union of ${fields.length}`);
    return { name: field.name, value: this.read(field.type) };
  }

  #readCompoundArray(type: PvaCompoundArray): PvaValue {
    const count = this.#readArrayCount(type, 1);
    const elements: (PvaStructureValue | PvaUnionValue | PvaAnyValue | null)[] = [];
    for (let i = 0; i < count; i++) {
      const isPresent = this.reader.u8() !== 0;
      elements.push(isPresent ? (this.read(type.element) as PvaStructureValue) : null);
    }
    return elements;
  }
}

function swapBytes(bytes: Uint8Array, elementBytes: number): void {
  if (elementBytes === 1) return;
  for (let at = 0; at < bytes.length; at += elementBytes) {
    for (let low = at, high = at + elementBytes - 1; low < high; low++, high--) {
      const byte = bytes[low] as number;
      bytes[low] = bytes[high] as number;
      bytes[high] = byte;
    }
  }
}
