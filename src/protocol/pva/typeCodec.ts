/**
 * Type descriptions on the wire (specification, "Introspection Data"): one type byte, followed for
 * compound types by the id and the fields; or a reference into the sender's type cache.
 */
import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import { readCount, readSize, readString, writeSize, writeString } from './basics';
import { MAX_TYPE_DEPTH } from './constants';
import {
  ANY_TYPE,
  type ArraySizing,
  arrayType,
  boundedStringType,
  compoundArrayType,
  type PvaField,
  type PvaScalarType,
  type PvaType,
  scalarType,
  structureType,
  unionType,
  whyTypeIsTooBig,
} from './types';

const NULL_TYPE = 0xff;
const ONLY_ID = 0xfe;
const FULL_WITH_ID = 0xfd;

const CODE_STRUCTURE = 0x80;
const CODE_UNION = 0x81;
const CODE_ANY = 0x82;
const CODE_BOUNDED_STRING = 0x83;

const SIZING_BITS: readonly (ArraySizing | undefined)[] = [
  undefined,
  'variable',
  'bounded',
  'fixed',
];

const SCALAR_CODES: Readonly<Record<PvaScalarType, number>> = {
  boolean: 0x00,
  byte: 0x20,
  short: 0x21,
  int: 0x22,
  long: 0x23,
  ubyte: 0x24,
  ushort: 0x25,
  uint: 0x26,
  ulong: 0x27,
  float: 0x42,
  double: 0x43,
  string: 0x60,
};

const SCALARS_BY_CODE = new Map(
  Object.entries(SCALAR_CODES).map(([name, code]) => [code, name as PvaScalarType]),
);

/**
 * Types to which the peer has assigned a 16-bit id on this connection, valid until it assigns the
 * id anew.
 */
export type TypeCache = Map<number, PvaType>;

/**
 * Reads a type; undefined for the null type (0xFF). Throws RemoteProtocolError when it is malformed
 * or too big.
 */
export function readType(reader: ByteReader, cache: TypeCache, depth = 1): PvaType | undefined {
  if (depth > MAX_TYPE_DEPTH) {
    throw new RemoteProtocolError(
      `${reader.what}: sends a type nested deeper than ${MAX_TYPE_DEPTH} levels`,
    );
  }
  const code = reader.u8();
  if (code === NULL_TYPE) return undefined;
  if (code === ONLY_ID) {
    const id = reader.u16();
    const known = cache.get(id);
    if (known === undefined) {
      throw new RemoteProtocolError(
        `${reader.what}: refers to type ${id}, which it never described`,
      );
    }
    return known;
  }
  if (code === FULL_WITH_ID) {
    const id = reader.u16();
    const type = readMemberType(reader, cache, depth + 1);
    cache.set(id, type);
    return type;
  }
  const type = readPlainType(reader, cache, depth, code);
  const complaint = whyTypeIsTooBig(type);
  if (complaint !== undefined) {
    throw new RemoteProtocolError(`${reader.what}: sends a type that ${complaint}`);
  }
  return type;
}

/**
 * Reads a type where null makes no sense. Throws RemoteProtocolError when it is null, malformed or
 * too big.
 */
export function readMemberType(reader: ByteReader, cache: TypeCache, depth = 1): PvaType {
  const type = readType(reader, cache, depth);
  if (type === undefined) {
    throw new RemoteProtocolError(`${reader.what}: sends a null type where one is needed`);
  }
  return type;
}

function readPlainType(reader: ByteReader, cache: TypeCache, depth: number, code: number): PvaType {
  const sizing = SIZING_BITS[(code >> 3) & 3];
  const base = code & ~0x18;
  const scalar = SCALARS_BY_CODE.get(base);
  if (scalar !== undefined) {
    if (sizing === undefined) return scalarType(scalar);
    return arrayType(scalar, sizing, readArraySize(reader, sizing));
  }
  if (sizing === undefined) {
    if (base === CODE_STRUCTURE || base === CODE_UNION) {
      return readCompoundType(reader, cache, depth, base);
    }
    if (base === CODE_ANY) return ANY_TYPE;
    if (base === CODE_BOUNDED_STRING) return boundedStringType(Math.max(0, readSize(reader)));
  } else if (base === CODE_STRUCTURE || base === CODE_UNION || base === CODE_ANY) {
    const size = readArraySize(reader, sizing);
    if (base === CODE_ANY) return compoundArrayType(ANY_TYPE, sizing, size);
    const element = readMemberType(reader, cache, depth + 1);
    if (element.kind === (base === CODE_UNION ? 'union' : 'structure')) {
      return compoundArrayType(element, sizing, size);
    }
  }
  throw new RemoteProtocolError(
    `${reader.what}: sends type code 0x${code.toString(16)}, which does not exist`,
  );
}

function readArraySize(reader: ByteReader, sizing: ArraySizing): number {
  return sizing === 'variable' ? 0 : Math.max(0, readSize(reader));
}

function readCompoundType(
  reader: ByteReader,
  cache: TypeCache,
  depth: number,
  base: number,
): PvaType {
  const id = readString(reader);
  // A field takes at least two bytes: an empty name and a type byte.
  const count = readCount(reader, 2);
  const fields: PvaField[] = [];
  for (let i = 0; i < count; i++) {
    const name = readString(reader);
    fields.push({ name, type: readMemberType(reader, cache, depth + 1) });
  }
  return base === CODE_STRUCTURE ? structureType(id, fields) : unionType(id, fields);
}

/**
 * Assigns ids to compound types when we send them for the first time; later only the id is sent.
 */
export class SentTypes {
  readonly #ids = new Map<PvaType, number>();

  write(writer: ByteWriter, type: PvaType): void {
    const id = this.#ids.get(type);
    if (id !== undefined) {
      writer.u8(ONLY_ID).u16(id);
      return;
    }
    // pvAccessCPP announces that it keeps 0x7fff types. Leave it room and send further types in
    // full.
    if (this.#ids.size < 0x4000) {
      writer.u8(FULL_WITH_ID).u16(this.#ids.size + 1);
      this.#ids.set(type, this.#ids.size + 1);
    }
    writeType(writer, type);
  }
}

/** Writes a type in full; null (0xFF) for undefined. */
export function writeType(writer: ByteWriter, type: PvaType | undefined): void {
  if (type === undefined) {
    writer.u8(NULL_TYPE);
    return;
  }
  switch (type.kind) {
    case 'scalar':
      writer.u8(SCALAR_CODES[type.scalar]);
      return;
    case 'scalar-array':
      writer.u8(SCALAR_CODES[type.scalar] | sizingBits(type.sizing));
      if (type.sizing !== 'variable') writeSize(writer, type.size);
      return;
    case 'bounded-string':
      writer.u8(CODE_BOUNDED_STRING);
      writeSize(writer, type.maxLengthBytes);
      return;
    case 'any':
      writer.u8(CODE_ANY);
      return;
    case 'structure':
    case 'union':
      writer.u8(type.kind === 'structure' ? CODE_STRUCTURE : CODE_UNION);
      writeString(writer, type.id);
      writeSize(writer, type.fields.length);
      for (const field of type.fields) {
        writeString(writer, field.name);
        writeType(writer, field.type);
      }
      return;
    case 'compound-array':
      writer.u8(compoundCode(type.element) | sizingBits(type.sizing));
      if (type.sizing !== 'variable') writeSize(writer, type.size);
      if (type.element.kind !== 'any') writeType(writer, type.element);
      return;
  }
}

function sizingBits(sizing: ArraySizing): number {
  return SIZING_BITS.indexOf(sizing) << 3;
}

function compoundCode(type: PvaType): number {
  if (type.kind === 'structure') return CODE_STRUCTURE;
  if (type.kind === 'union') return CODE_UNION;
  if (type.kind === 'any') return CODE_ANY;
  throw new LocalProtocolError(`an array of ${type.kind} is not a compound array`);
}
