/**
 * The DBR types of Channel Access: seven element types in five wrappings, numbered wrapping × 7 +
 * element, and four special ones. Numbers, struct layouts and sizes are those of EPICS Base
 * `modules/ca/src/client/db_access.h`: a message carries the C struct in big-endian order, padding
 * included.
 */

/** Element types in the order of their numbers. SHORT is both DBR_SHORT and DBR_INT. */
export const elementTypes = ['STRING', 'SHORT', 'FLOAT', 'ENUM', 'CHAR', 'LONG', 'DOUBLE'] as const;
/**
 * The type of one element: STRING is char[40], SHORT i16, FLOAT f32, ENUM u16, CHAR u8, LONG i32,
 * DOUBLE f64.
 */
export type ElementType = (typeof elementTypes)[number];

/**
 * What precedes the value, in the order of the numbers: nothing; alarm; alarm and time stamp; alarm
 * and display data; those and control limits.
 */
export const wrappings = ['PLAIN', 'STS', 'TIME', 'GR', 'CTRL'] as const;
/** What precedes the value, see `wrappings`. */
export type Wrapping = (typeof wrappings)[number];

/** A string of at most 39 bytes and its NUL. */
export const DBR_STRING = 0;
/** A signed 16-bit integer, also called DBR_INT. */
export const DBR_SHORT = 1;
/** A 32-bit IEEE float. */
export const DBR_FLOAT = 2;
/** An index of 16 bits into the channel's states. */
export const DBR_ENUM = 3;
/** An unsigned byte; arrays of it often hold long strings. */
export const DBR_CHAR = 4;
/** A signed 32-bit integer. */
export const DBR_LONG = 5;
/** A 64-bit IEEE float. */
export const DBR_DOUBLE = 6;
/** A string with alarm and time stamp. */
export const DBR_TIME_STRING = 14;
/** In Base the same layout as DBR_STS_STRING. */
export const DBR_CTRL_STRING = 28;
/** Alarm acknowledgement, for puts only; refused here. */
export const DBR_PUT_ACKT = 35;
/** Alarm acknowledgement, for puts only; refused here. */
export const DBR_PUT_ACKS = 36;
/** A string with alarm and acknowledgement state. */
export const DBR_STSACK_STRING = 37;
/** The record type, as a string. */
export const DBR_CLASS_NAME = 38;
/** The highest DBR number. */
export const LAST_BUFFER_TYPE = 38;

/** Field length of a string, with its NUL. */
export const MAX_STRING_BYTES = 40;
/** Field length of units, with their NUL. */
export const MAX_UNITS_BYTES = 8;
/** States of an enum. */
export const MAX_ENUM_STATES = 16;
/** Field length of the text of an enum state, with its NUL. */
export const MAX_ENUM_STRING_BYTES = 26;

const elementBytes: Record<ElementType, number> = {
  STRING: 40,
  SHORT: 2,
  FLOAT: 4,
  ENUM: 2,
  CHAR: 1,
  LONG: 4,
  DOUBLE: 8,
};

/**
 * Where the value begins, in the order of `elementTypes`. (dbr_gr_string and dbr_ctrl_string do not
 * exist in Base, which uses dbr_sts_string for them; dbr_ctrl_enum is dbr_gr_enum.)
 */
const valueOffsets: Record<Wrapping, readonly number[]> = {
  PLAIN: [0, 0, 0, 0, 0, 0, 0],
  STS: [4, 4, 4, 4, 5, 4, 8],
  TIME: [12, 14, 12, 14, 15, 12, 16],
  GR: [4, 24, 40, 422, 19, 36, 64],
  CTRL: [4, 28, 48, 422, 21, 44, 80],
};

/**
 * Name and struct layout of a DBR type: where the value begins and how long an element is, in
 * bytes.
 */
export interface DbrLayout {
  readonly name: string;
  readonly wrapping: Wrapping | 'STSACK' | 'CLASS_NAME';
  readonly element: ElementType;
  readonly valueOffset: number;
  readonly elementBytes: number;
}

const layouts: readonly (DbrLayout | undefined)[] = [
  ...wrappings.flatMap((wrapping) =>
    elementTypes.map((element, index): DbrLayout => ({
      name: wrapping === 'PLAIN' ? `DBR_${element}` : `DBR_${wrapping}_${element}`,
      wrapping,
      element,
      valueOffset: valueOffsets[wrapping][index]!,
      elementBytes: elementBytes[element],
    })),
  ),
  undefined,
  undefined,
  {
    name: 'DBR_STSACK_STRING',
    wrapping: 'STSACK',
    element: 'STRING',
    valueOffset: 8,
    elementBytes: MAX_STRING_BYTES,
  },
  {
    name: 'DBR_CLASS_NAME',
    wrapping: 'CLASS_NAME',
    element: 'STRING',
    valueOffset: 0,
    elementBytes: MAX_STRING_BYTES,
  },
];

/** The layout of a DBR type that can be read; undefined for others. */
export function dbrLayout(dbrType: number): DbrLayout | undefined {
  return layouts[dbrType];
}

/** The name of a type: `DBR_TIME_DOUBLE`, or `DBR type 99` for one that does not exist. */
export function dbrName(dbrType: number): string {
  return layouts[dbrType]?.name ?? `DBR type ${dbrType}`;
}

/** The number of an element type in a wrapping: `dbrType('TIME', 'DOUBLE')` is 20. */
export function dbrType(wrapping: Wrapping, element: ElementType): number {
  return wrappings.indexOf(wrapping) * elementTypes.length + elementTypes.indexOf(element);
}

/** The DBR type for a native type (0..6, from a create reply) in another wrapping. */
export function wrapDbrType(wrapping: Wrapping, nativeType: number): number {
  return wrappings.indexOf(wrapping) * elementTypes.length + (nativeType % elementTypes.length);
}

/** The bytes of a value of `count` elements, without the padding of the message (`dbr_size_n`). */
export function dbrSizeBytes(layout: DbrLayout, count: number): number {
  return layout.valueOffset + count * layout.elementBytes;
}
