/**
 * Types of pvAccess values ("introspection data"), as immutable trees that may share branches. The
 * constructors compute what limits a hostile type: depth, and number of fields when written out.
 */
import { MAX_TYPE_DEPTH, MAX_TYPE_FIELDS } from './constants';

/** The scalar types; see PvaValue for their JavaScript types. */
export type PvaScalarType =
  | 'boolean'
  | 'byte'
  | 'short'
  | 'int'
  | 'long'
  | 'ubyte'
  | 'ushort'
  | 'uint'
  | 'ulong'
  | 'float'
  | 'double'
  | 'string';

/** The length of an array: variable, at most `size` elements, or exactly `size` elements. */
export type ArraySizing = 'variable' | 'bounded' | 'fixed';

interface TypeFacts {
  /** Bits that this field takes in a BitSet: 1; for a structure 1 + those of its fields. */
  readonly bitCount: number;
  /** Number of fields when every member is written out. */
  readonly fieldCount: number;
  readonly depth: number;
  /** Whether values carry their own types, and so can affect the peer's type cache. */
  readonly hasAny: boolean;
}

/** A scalar. */
export interface PvaScalar extends TypeFacts {
  readonly kind: 'scalar';
  readonly scalar: PvaScalarType;
}
/** A string of limited length. */
export interface PvaBoundedString extends TypeFacts {
  readonly kind: 'bounded-string';
  readonly maxLengthBytes: number;
}
/** An array of scalars. */
export interface PvaScalarArray extends TypeFacts {
  readonly kind: 'scalar-array';
  readonly scalar: PvaScalarType;
  readonly sizing: ArraySizing;
  /** Number of elements; 0 when variable. */
  readonly size: number;
}
/** A named member of a structure or union. */
export interface PvaField {
  readonly name: string;
  readonly type: PvaType;
}
/** A structure: fields in order. */
export interface PvaStructure extends TypeFacts {
  readonly kind: 'structure';
  /** Such as epics:nt/NTScalar:1.0; often empty. */
  readonly id: string;
  readonly fields: readonly PvaField[];
}
/** A union: one of its fields, chosen with each value. */
export interface PvaUnion extends TypeFacts {
  readonly kind: 'union';
  readonly id: string;
  readonly fields: readonly PvaField[];
}
/** A variant union: any type, sent with each value. */
export interface PvaAny extends TypeFacts {
  readonly kind: 'any';
}
/** An array of structures or unions. */
export interface PvaCompoundArray extends TypeFacts {
  readonly kind: 'compound-array';
  readonly element: PvaStructure | PvaUnion | PvaAny;
  readonly sizing: ArraySizing;
  readonly size: number;
}

/** Any type. */
export type PvaType =
  | PvaScalar
  | PvaBoundedString
  | PvaScalarArray
  | PvaStructure
  | PvaUnion
  | PvaAny
  | PvaCompoundArray;

const LEAF: TypeFacts = { bitCount: 1, fieldCount: 1, depth: 1, hasAny: false };

const SCALARS = new Map<PvaScalarType, PvaScalar>();

/** The type of a scalar; the same object each time. */
export function scalarType(scalar: PvaScalarType): PvaScalar {
  let type = SCALARS.get(scalar);
  if (type === undefined) {
    type = { ...LEAF, kind: 'scalar', scalar };
    SCALARS.set(scalar, type);
  }
  return type;
}

/** A string of at most `maxLengthBytes` bytes. */
export function boundedStringType(maxLengthBytes: number): PvaBoundedString {
  return { ...LEAF, kind: 'bounded-string', maxLengthBytes };
}

/** An array of scalars; `size` counts when it is bounded or fixed. */
export function arrayType(
  scalar: PvaScalarType,
  sizing: ArraySizing = 'variable',
  size = 0,
): PvaScalarArray {
  return { ...LEAF, kind: 'scalar-array', scalar, sizing, size };
}

/** A type, or the name of a scalar type, or that with `[]` for its variable array. */
export type TypeShorthand = PvaType | PvaScalarType | `${PvaScalarType}[]`;
/** The fields of a structure or union by name, in order. */
export type FieldList = Readonly<Record<string, TypeShorthand>>;

function expand(shorthand: TypeShorthand): PvaType {
  if (typeof shorthand !== 'string') return shorthand;
  if (shorthand.endsWith('[]')) return arrayType(shorthand.slice(0, -2) as PvaScalarType);
  return scalarType(shorthand as PvaScalarType);
}

function toFields(list: FieldList): PvaField[] {
  return Object.entries(list).map(([name, shorthand]) => ({ name, type: expand(shorthand) }));
}

/** A structure; `id` is such as epics:nt/NTScalar:1.0, or empty. */
export function structureType(id: string, fields: FieldList | readonly PvaField[]): PvaStructure {
  const list = isFieldArray(fields) ? fields : toFields(fields);
  let bitCount = 1;
  for (const { type } of list) bitCount += type.bitCount;
  return { ...compoundFacts(list), bitCount, kind: 'structure', id, fields: list };
}

/** A union of these members. */
export function unionType(id: string, fields: FieldList | readonly PvaField[]): PvaUnion {
  const list = isFieldArray(fields) ? fields : toFields(fields);
  return { ...compoundFacts(list), bitCount: 1, kind: 'union', id, fields: list };
}

/** The variant union. */
export const ANY_TYPE: PvaAny = { ...LEAF, kind: 'any', hasAny: true };

/** An array of structures or unions; `size` counts when it is bounded or fixed. */
export function compoundArrayType(
  element: PvaStructure | PvaUnion | PvaAny,
  sizing: ArraySizing = 'variable',
  size = 0,
): PvaCompoundArray {
  const { fieldCount, depth, hasAny } = compoundFacts([{ name: '', type: element }]);
  return { kind: 'compound-array', element, sizing, size, bitCount: 1, fieldCount, depth, hasAny };
}

function isFieldArray(fields: FieldList | readonly PvaField[]): fields is readonly PvaField[] {
  return Array.isArray(fields);
}

function compoundFacts(fields: readonly PvaField[]): Omit<TypeFacts, 'bitCount'> {
  let fieldCount = 1;
  let depth = 0;
  let hasAny = false;
  for (const { type } of fields) {
    fieldCount += type.fieldCount;
    depth = Math.max(depth, type.depth);
    hasAny ||= type.hasAny;
  }
  return { fieldCount, depth: depth + 1, hasAny };
}

/** Why a type is too big to create values of; undefined if it is not. Reads after "a type that". */
export function whyTypeIsTooBig({ depth, fieldCount }: PvaType): string | undefined {
  if (depth > MAX_TYPE_DEPTH) return `is nested deeper than ${MAX_TYPE_DEPTH} levels`;
  if (fieldCount > MAX_TYPE_FIELDS) return `has more than ${MAX_TYPE_FIELDS} fields`;
  return undefined;
}

/** The type of a member of a structure or union, if there is one of that name. */
export function fieldOf(type: PvaType | undefined, name: string): PvaType | undefined {
  if (type?.kind !== 'structure' && type?.kind !== 'union') return undefined;
  return type.fields.find((field) => field.name === name)?.type;
}
