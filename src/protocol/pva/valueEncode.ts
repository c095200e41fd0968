/** Values to the wire; the mirror of valueDecode. */
import { LocalProtocolError } from '../../base/errors';
import type { ByteWriter } from '../bytes';
import { writeSize, writeString } from './basics';
import type { BitSet } from './bitSet';
import { writeType } from './typeCodec';
import type {
  PvaCompoundArray,
  PvaScalarArray,
  PvaScalarType,
  PvaStructure,
  PvaType,
} from './types';
import {
  asStructure,
  defaultValue,
  NUMBER_ARRAYS,
  type PvaAnyValue,
  type PvaStructureValue,
  type PvaUnionValue,
  type PvaValue,
} from './values';

/** Writes a type and a value of it, as pvRequest and RPC need; the null type for undefined. */
export function writeTyped(writer: ByteWriter, typed: PvaAnyValue | undefined): void {
  writeType(writer, typed?.type);
  if (typed !== undefined) writeValue(writer, typed.type, typed.value);
}

/**
 * Writes a value in full; fields missing in a structure are written with their defaults. Throws
 * LocalProtocolError if value and type do not fit.
 */
export function writeValue(writer: ByteWriter, type: PvaType, value: PvaValue | undefined): void {
  if (value === undefined) {
    writeValue(writer, type, defaultValue(type));
    return;
  }
  switch (type.kind) {
    case 'scalar':
      writeScalar(writer, type.scalar, value);
      return;
    case 'bounded-string':
      writeString(writer, toText(value));
      return;
    case 'scalar-array':
      writeScalarArray(writer, type, value);
      return;
    case 'structure': {
      const structure = asStructure(value) ?? {};
      for (const { name, type: fieldType } of type.fields) {
        writeValue(writer, fieldType, Object.hasOwn(structure, name) ? structure[name] : undefined);
      }
      return;
    }
    case 'union':
      writeUnion(writer, type.fields, value as PvaUnionValue | null);
      return;
    case 'any':
      writeTyped(writer, (value as PvaAnyValue | null) ?? undefined);
      return;
    case 'compound-array':
      writeCompoundArray(writer, type, value as readonly (PvaStructureValue | null)[]);
      return;
  }
}

/** Writes the fields that `changed` names, in order. `offset` is the structure's own bit. */
export function writeChanged(
  writer: ByteWriter,
  type: PvaStructure,
  changed: BitSet,
  value: PvaStructureValue,
  offset = 0,
): void {
  if (changed.has(offset)) {
    writeValue(writer, type, value);
    return;
  }
  let bit = offset + 1;
  for (const { name, type: fieldType } of type.fields) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined;
    if (fieldType.kind === 'structure') {
      writeChanged(writer, fieldType, changed, asStructure(field) ?? {}, bit);
    } else if (changed.has(bit)) {
      writeValue(writer, fieldType, field);
    }
    bit += fieldType.bitCount;
  }
}

function writeScalar(writer: ByteWriter, scalar: PvaScalarType, value: PvaValue): void {
  switch (scalar) {
    case 'boolean':
      writer.u8(value === true ? 1 : 0);
      return;
    case 'byte':
      writer.i8(Number(value));
      return;
    case 'short':
      writer.i16(Number(value));
      return;
    case 'int':
      writer.i32(Number(value));
      return;
    case 'long':
      writer.i64(toBigInt(value));
      return;
    case 'ubyte':
      writer.u8(Number(value));
      return;
    case 'ushort':
      writer.u16(Number(value));
      return;
    case 'uint':
      writer.u32(Number(value));
      return;
    case 'ulong':
      writer.u64(toBigInt(value));
      return;
    case 'float':
      writer.f32(Number(value));
      return;
    case 'double':
      writer.f64(Number(value));
      return;
    case 'string':
      writeString(writer, toText(value));
      return;
  }
}

function toText(value: PvaValue): string {
  if (typeof value === 'object') throw new LocalProtocolError('a compound value for a string');
  return String(value);
}

function toBigInt(value: PvaValue): bigint {
  if (typeof value === 'bigint') return value;
  return BigInt(Math.trunc(Number(value)));
}

function writeScalarArray(writer: ByteWriter, type: PvaScalarArray, value: PvaValue): void {
  const elements = value as ArrayLike<PvaValue>;
  checkLength(type, elements.length);
  if (type.sizing !== 'fixed') writeSize(writer, elements.length);
  if (NUMBER_ARRAYS[type.scalar]?.elementBytes === 1 && value instanceof Uint8Array) {
    writer.bytes(value);
    return;
  }
  for (let i = 0; i < elements.length; i++) {
    writeScalar(writer, type.scalar, elements[i] as PvaValue);
  }
}

function checkLength(type: PvaScalarArray | PvaCompoundArray, length: number): void {
  const isRight =
    type.sizing === 'variable' ||
    (type.sizing === 'fixed' ? length === type.size : length <= type.size);
  if (!isRight) {
    throw new LocalProtocolError(`${length} elements for a ${type.sizing} array of ${type.size}`);
  }
}

function writeUnion(
  writer: ByteWriter,
  fields: PvaStructure['fields'],
  value: PvaUnionValue | null,
): void {
  if (value === null) {
    writeSize(writer, -1);
    return;
  }
  const selector = fields.findIndex((field) => field.name === value.name);
  const field = fields[selector];
  if (field === undefined) throw new LocalProtocolError(`the union has no member ${value.name}`);
  writeSize(writer, selector);
  writeValue(writer, field.type, value.value);
}

function writeCompoundArray(
  writer: ByteWriter,
  type: PvaCompoundArray,
  elements: readonly (PvaStructureValue | null)[],
): void {
  checkLength(type, elements.length);
  if (type.sizing !== 'fixed') writeSize(writer, elements.length);
  for (const element of elements) {
    writer.u8(element === null ? 0 : 1);
    if (element !== null) writeValue(writer, type.element, element);
  }
}
