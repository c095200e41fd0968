/**
 * The DBR types of Channel Access: seven element types in five wrappings, numbered wrapping × 7 +
 * element, and four special ones. Numbers, struct layouts and sizes as in EPICS Base
 * `modules/ca/src/client/db_access.h`, where a message carries the C struct big endian, padding
 * included.
 */

/** Element types in the order of their numbers. SHORT is DBR_SHORT = DBR_INT. */
export const elementTypes = ['STRING', 'SHORT', 'FLOAT', 'ENUM', 'CHAR', 'LONG', 'DOUBLE'] as const;
export type ElementType = (typeof elementTypes)[number];

/** What comes in front of the value: nothing, alarm, + time stamp, + display data, + control limits. */
export const wrappings = ['PLAIN', 'STS', 'TIME', 'GR', 'CTRL'] as const;
export type Wrapping = (typeof wrappings)[number];

export const DBR_STRING = 0;
export const DBR_SHORT = 1;
export const DBR_FLOAT = 2;
export const DBR_ENUM = 3;
export const DBR_CHAR = 4;
export const DBR_LONG = 5;
export const DBR_DOUBLE = 6;
export const DBR_TIME_STRING = 14;
export const DBR_CTRL_STRING = 28;
/** Alarm acknowledgement, for put only; refused here. */
export const DBR_PUT_ACKT = 35;
export const DBR_PUT_ACKS = 36;
export const DBR_STSACK_STRING = 37;
export const DBR_CLASS_NAME = 38;
export const LAST_BUFFER_TYPE = 38;

export const MAX_STRING_BYTES = 40;
export const MAX_UNITS_BYTES = 8;
export const MAX_ENUM_STATES = 16;
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

/** The layout of a type that can be read, or undefined. */
export function dbrLayout(dbrType: number): DbrLayout | undefined {
  return layouts[dbrType];
}

/** `DBR_TIME_DOUBLE`, or `DBR type 99`. */
export function dbrName(dbrType: number): string {
  return layouts[dbrType]?.name ?? `DBR type ${dbrType}`;
}

/** The number of an element type in a wrapping: `dbrType('TIME', 'DOUBLE')` is 20. */
export function dbrType(wrapping: Wrapping, element: ElementType): number {
  return wrappings.indexOf(wrapping) * elementTypes.length + elementTypes.indexOf(element);
}

/** The same element as a native type (0..6, from a create reply) in another wrapping. */
export function wrapDbrType(wrapping: Wrapping, nativeType: number): number {
  return wrappings.indexOf(wrapping) * elementTypes.length + (nativeType % elementTypes.length);
}

/** `dbr_size_n`: bytes of a value of `count` elements, without the padding of the message. */
export function dbrSizeBytes(layout: DbrLayout, count: number): number {
  return layout.valueOffset + count * layout.elementBytes;
}
