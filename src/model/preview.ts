/**
 * The part of a value that crosses to a window: as much as is shown there, however big the value
 * is. An image with a million elements becomes its first ten, its type and its sizes.
 */
import { clipped } from '../base/clipped';
import { type PvReading, SHOWN_ELEMENTS, type WholeValue } from './reading';

/** Characters of a text, or of a whole structure. */
export const PREVIEW_CHARACTERS = 300;
/** Characters of units and of an alarm's message. */
const WORD_CHARACTERS = 100;
/** Levels of a structure that are shown. */
const MAX_DEPTH = 6;
const MAX_DIMENSIONS = 10;

/**
 * The same reading with a value of at most some hundred characters. Work and size depend on what is
 * shown, not on the value. If the value was shortened, `whole` has its type and size.
 */
export function previewOf(reading: PvReading): PvReading {
  const { value: given, units, alarmMessage, dimensions, text, summary, ...rest } = reading;
  const value = contentOf(given, dimensions);
  const { shown, whole } = shorten(value);
  return {
    ...rest,
    value: shown,
    ...(whole && { whole }),
    ...(text !== undefined && { text: clipped(text, PREVIEW_CHARACTERS) }),
    ...(summary !== undefined && { summary: clipped(summary, PREVIEW_CHARACTERS) }),
    ...(units !== undefined && { units: units.slice(0, WORD_CHARACTERS) }),
    ...(alarmMessage !== undefined && { alarmMessage: alarmMessage.slice(0, WORD_CHARACTERS) }),
    ...(dimensions && { dimensions: dimensions.slice(0, MAX_DIMENSIONS) }),
  };
}

/** An image's value is a union of arrays with element types; only the array is of interest. */
function contentOf(value: unknown, dimensions: readonly number[] | undefined): unknown {
  if (!dimensions || typeof value !== 'object' || value === null) return value;
  const { value: chosen } = value as { value?: unknown };
  return ArrayBuffer.isView(chosen) ? chosen : value;
}

function shorten(value: unknown): { shown: unknown; whole?: WholeValue } {
  if (typeof value === 'string') {
    if (value.length <= PREVIEW_CHARACTERS) return { shown: value };
    const whole = { type: 'string', count: value.length };
    return { shown: value.slice(0, PREVIEW_CHARACTERS), whole };
  }
  if (ArrayBuffer.isView(value)) {
    const elements = value as unknown as ArrayLike<unknown>;
    if (elements.length <= SHOWN_ELEMENTS) return { shown: Array.from(elements) };
    const type = elementType(value) ?? 'number';
    return {
      shown: firstOf(elements),
      whole: { type, count: elements.length, bytes: value.byteLength },
    };
  }
  if (Array.isArray(value)) {
    const shown = firstOf(value).map((element) => plainOf(element));
    const [first] = value as unknown[];
    const type = typeof first === 'object' && first !== null ? 'structure' : typeof first;
    return value.length > SHOWN_ELEMENTS
      ? { shown, whole: { type, count: value.length } }
      : { shown };
  }
  if (typeof value === 'object' && value !== null) {
    const whole = { type: 'structure', count: Object.keys(value).length };
    return { shown: describe(value), whole };
  }
  return { shown: value };
}

function firstOf<T>(elements: ArrayLike<T>): T[] {
  return Array.from({ length: Math.min(elements.length, SHOWN_ELEMENTS) }, (_, i) => elements[i]!);
}

/** An element of an array: a scalar, or a structure in short. */
function plainOf(element: unknown): unknown {
  if (typeof element === 'string') return element.slice(0, PREVIEW_CHARACTERS);
  return typeof element === 'object' && element !== null ? describe(element) : element;
}

/** What the elements of a typed array are called in EPICS; undefined for other values. */
export function elementType(value: unknown): string | undefined {
  return ArrayBuffer.isView(value) ? TYPE_WORDS[value.constructor.name] : undefined;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  Int8Array: 'byte',
  Uint8Array: 'ubyte',
  Int16Array: 'short',
  Uint16Array: 'ushort',
  Int32Array: 'int',
  Uint32Array: 'uint',
  BigInt64Array: 'long',
  BigUint64Array: 'ulong',
  Float32Array: 'float',
  Float64Array: 'double',
};

/** A structure in the style of JSON, until there are enough characters. */
export function describe(value: unknown, maxCharacters = PREVIEW_CHARACTERS): string {
  const parts: string[] = [];
  let left = maxCharacters;
  const put = (text: string): void => {
    parts.push(text.slice(0, Math.max(0, left)));
    left -= text.length;
  };
  const putList = (open: string, close: string, count: number, one: (i: number) => void): void => {
    put(open);
    const shown = Math.min(count, SHOWN_ELEMENTS);
    for (let i = 0; i < shown && left > 0; i++) {
      if (i > 0) put(', ');
      one(i);
    }
    if (count > shown) put(`, ... ${count - shown} more`);
    put(close);
  };
  const write = (one: unknown, depth: number): void => {
    if (typeof one === 'string') put(JSON.stringify(one.slice(0, PREVIEW_CHARACTERS)));
    else if (typeof one !== 'object' || one === null) put(String(one));
    else if (depth === MAX_DEPTH) put('...');
    else if (Array.isArray(one) || ArrayBuffer.isView(one)) {
      const elements = one as ArrayLike<unknown>;
      putList('[', ']', elements.length, (i) => write(elements[i], depth + 1));
    } else {
      const names = Object.keys(one);
      putList('{', '}', names.length, (i) => {
        const name = names[i] ?? '';
        put(`${JSON.stringify(name.slice(0, WORD_CHARACTERS))}: `);
        write((one as Record<string, unknown>)[name], depth + 1);
      });
    }
  };
  write(value, 0);
  return left < 0 ? `${parts.join('')}...` : parts.join('');
}
