/** Values of pvAccess as plain data. */
import type { EncodedStrings } from './encodedStrings';
import type { PvaScalarType, PvaStructure, PvaType } from './types';

/** The value of an array of numbers, one class per scalar type. */
export type PvaNumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** The chosen member of a union; null if none is. */
export interface PvaUnionValue {
  readonly name: string;
  readonly value: PvaValue;
}

/** The content of a variant union with its type; null if it is empty. */
export interface PvaAnyValue {
  readonly type: PvaType;
  readonly value: PvaValue;
}

/** The fields as own properties, in the type's order. Never changed once handed out. */
export interface PvaStructureValue {
  readonly [name: string]: PvaValue;
}

/**
 * Scalars: boolean; number (byte to uint, float, double); bigint (long, ulong); string. Scalar
 * arrays: typed arrays, boolean[] and string[] (or, on request, EncodedStrings). Arrays of
 * compounds may contain nulls.
 */
export type PvaValue =
  | boolean
  | number
  | bigint
  | string
  | null
  | PvaNumberArray
  | readonly boolean[]
  | readonly string[]
  | EncodedStrings
  | readonly (PvaStructureValue | PvaUnionValue | PvaAnyValue | null)[]
  | PvaStructureValue
  | PvaUnionValue
  | PvaAnyValue;

interface NumberArrayKind {
  readonly elementBytes: number;
  readonly create: (bytes: ArrayBuffer) => PvaNumberArray;
}

/** The array classes of numbers; boolean and string use JavaScript's own arrays. */
export const NUMBER_ARRAYS: Partial<Record<PvaScalarType, NumberArrayKind>> = {
  byte: { elementBytes: 1, create: (bytes) => new Int8Array(bytes) },
  short: { elementBytes: 2, create: (bytes) => new Int16Array(bytes) },
  int: { elementBytes: 4, create: (bytes) => new Int32Array(bytes) },
  long: { elementBytes: 8, create: (bytes) => new BigInt64Array(bytes) },
  ubyte: { elementBytes: 1, create: (bytes) => new Uint8Array(bytes) },
  ushort: { elementBytes: 2, create: (bytes) => new Uint16Array(bytes) },
  uint: { elementBytes: 4, create: (bytes) => new Uint32Array(bytes) },
  ulong: { elementBytes: 8, create: (bytes) => new BigUint64Array(bytes) },
  float: { elementBytes: 4, create: (bytes) => new Float32Array(bytes) },
  double: { elementBytes: 8, create: (bytes) => new Float64Array(bytes) },
};

/** Sets an own property whatever its name: a peer may call a field `__proto__`. */
export function setField(target: Record<string, PvaValue>, name: string, value: PvaValue): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    target[name] = value;
  }
}

/** The value of a field that was never set: zero, empty, null. Fixed arrays start empty, too. */
export function defaultValue(type: PvaType): PvaValue {
  switch (type.kind) {
    case 'scalar':
      if (type.scalar === 'boolean') return false;
      if (type.scalar === 'string') return '';
      return type.scalar === 'long' || type.scalar === 'ulong' ? 0n : 0;
    case 'bounded-string':
      return '';
    case 'scalar-array':
      return NUMBER_ARRAYS[type.scalar]?.create(new ArrayBuffer(0)) ?? [];
    case 'structure':
      return defaultStructure(type);
    case 'compound-array':
      return [];
    case 'union':
    case 'any':
      return null;
  }
}

/** A structure whose fields all have their defaults. */
export function defaultStructure(type: PvaStructure): PvaStructureValue {
  const value: Record<string, PvaValue> = {};
  for (const field of type.fields) setField(value, field.name, defaultValue(field.type));
  return value;
}

/**
 * The value if it is a structure, otherwise undefined. (A union's choice has `name`, see
 * PvaUnionValue.)
 */
export function asStructure(value: PvaValue | undefined): PvaStructureValue | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return undefined;
  return value as PvaStructureValue;
}

/**
 * The value at a path such as `alarm.severity` or `['alarm', 'severity']`; undefined if a step is
 * missing.
 */
export function valueAt(
  value: PvaValue | undefined,
  path: string | readonly string[],
): PvaValue | undefined {
  let at: PvaValue | undefined = value;
  for (const name of typeof path === 'string' ? path.split('.') : path) {
    const structure = asStructure(at);
    if (structure === undefined || !Object.hasOwn(structure, name)) return undefined;
    at = structure[name];
  }
  return at;
}
