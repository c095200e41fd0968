/** Readings of PVs, in the same form from CA and PVA, and their texts. */
import { clipped } from '../base/clipped';
import { printable } from '../base/printable';
import type { PvProtocol } from './snapshot';

/** A value of a PV with its metadata. */
export interface PvReading {
  /** Number, text, boolean, an array of those, or a structure as plain data. */
  readonly value: unknown;
  readonly units?: string;
  /** NO_ALARM, MINOR, MAJOR, INVALID (EPICS epicsAlarmSeverity). */
  readonly severity: string;
  /** What raised the alarm, in the server's words. */
  readonly alarmMessage?: string;
  /** ISO 8601 with nanoseconds; absent when the record was never processed. */
  readonly time?: string;
  /** Digits after the decimal point that the record asks for; records that never set PREC say 0. */
  readonly precision?: number;
  /** Sizes of an image, fastest-changing first. */
  readonly dimensions?: readonly number[];
  /** The text in an array of characters, as a file name in a waveform. */
  readonly text?: string;
  /** What a structure is, such as `NTTable 3 columns x 10 rows: a, b, c`. */
  readonly summary?: string;
  /** The value is a string of as many characters as Channel Access carries, and may go on. */
  readonly isMaybeCut?: true;
  /**
   * If `value` is only the beginning or a summary of the value (model/preview): the type and size
   * of all of it.
   */
  readonly whole?: WholeValue;
}

/** Type and size of a value that is not shown completely. */
export interface WholeValue {
  /**
   * The type of an array's elements (double, ubyte, string, ...); otherwise string or structure.
   */
  readonly type: string;
  /** Elements of an array, characters of a string, fields of a structure. */
  readonly count: number;
  /** Size of an array of numbers. */
  readonly bytes?: number;
}

/** Array elements that are shown; the rest is only counted. */
export const SHOWN_ELEMENTS = 10;

/** The printable columns of a line about a PV: name, protocol, value with unit, alarm, time. */
export function readingCells(name: string, protocol: PvProtocol, reading: PvReading): string[] {
  const value = valueText(reading);
  const alarm =
    reading.alarmMessage !== undefined && reading.alarmMessage !== ''
      ? `${reading.severity} ${reading.alarmMessage}`
      : reading.severity;
  const cells = [name, protocol, value, alarm, reading.time ?? 'no time stamp'];
  return cells.map(printable);
}

/** The value with its unit; of arrays and texts the beginning. Structures are told in words. */
export function valueText(reading: PvReading): string {
  const { value, precision, units, whole, text, summary, isMaybeCut } = reading;
  if (text !== undefined) return printable(text);
  if (summary !== undefined) return printable(summary);
  if (isMaybeCut) return `${formatValue(value)} (${MAYBE_CUT})`;
  const count = Array.isArray(value) ? whole?.count : undefined;
  const more = typeof value === 'string' && whole?.type === 'string' ? '...' : '';
  const unit = units !== undefined && units !== '' ? ` ${units}` : '';
  return `${formatValue(value, precision, count)}${more}${unit}`;
}

/** All of the value with its unit, however long it is. */
export function wholeText(reading: PvReading): string {
  const { value, units, text } = reading;
  const isShort = text !== undefined || typeof value !== 'object' || value === null;
  if (isShort) return valueText(reading);
  const unit = units !== undefined && units !== '' ? ` ${units}` : '';
  return `${printable(JSON.stringify(value, jsonValue))}${unit}`;
}

/** Of a string as long as a DBR_STRING can be. */
const MAYBE_CUT = 'perhaps cut: Channel Access carries 39 characters';

/** The type and size of the value; '' if it is shown completely, or its words say it. */
export function sizeText({ value, whole, dimensions, summary }: PvReading): string {
  if (!whole || summary !== undefined) return '';
  const { type, count, bytes } = whole;
  if (!Array.isArray(value)) {
    const noun = type === 'string' ? 'character' : 'field';
    return `${type}, ${count} ${noun}${count === 1 ? '' : 's'}`;
  }
  return [
    `${type}[${count}]`,
    ...(dimensions ? [dimensions.join(' \u00d7 ')] : []),
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
  ].join(', ');
}

function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Formats a value. `count` is the number of all elements if `value` has only the first. */
export function formatValue(value: unknown, precision?: number, count?: number): string {
  if (typeof value === 'number') return formatNumber(value, precision);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value === '' ? '""' : printable(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const elements = value as ArrayLike<unknown>;
    const shown = Array.from({ length: Math.min(elements.length, SHOWN_ELEMENTS) }, (_, index) =>
      formatElement(elements[index], precision),
    );
    const rest = (count ?? elements.length) - shown.length;
    return `[${shown.join(', ')}${rest > 0 ? `, ... ${rest} more` : ''}]`;
  }
  if (value === null || value === undefined) return '(empty)';
  return printable(clipped(JSON.stringify(withoutOptions(value), jsonValue), SHOWN_STRUCTURE));
}

/** Characters of a structure that are shown in a line. */
const SHOWN_STRUCTURE = 200;

/** A group of QSRV begins with options of its monitor, which tell nobody anything. */
function withoutOptions(value: unknown): unknown {
  const { record, ...rest } = value as { readonly record?: unknown };
  const keys = typeof record === 'object' && record !== null ? Object.keys(record) : [];
  return keys.length === 1 && keys[0] === '_options' ? rest : value;
}

/** A string that would read as several elements, or as none, is quoted. */
function formatElement(value: unknown, precision: number | undefined): string {
  const isAmbiguous = typeof value === 'string' && /^$|^ | $|[,"[\]]/.test(value);
  return isAmbiguous ? printable(JSON.stringify(value)) : formatValue(value, precision);
}

/** Rounded as the record asks, but never to nothing: 1.2e-12 with PREC 3 is not 0.000. */
function formatNumber(value: number, precision: number | undefined): string {
  // A record's PREC may be negative.
  if (!precision || !(precision > 0) || Number.isSafeInteger(value) || !Number.isFinite(value))
    return String(value);
  const digits = Math.min(precision, 15);
  const size = Math.abs(value);
  const isFixed = size >= 10 ** -digits && size < 1e15;
  return isFixed ? value.toFixed(digits) : value.toExponential(digits);
}

/** All digits that a double has. */
const MAX_DIGITS = 17;

/** With so many digits at most, those before the point always: a count of 12345678 is told whole. */
export function roundedTo(digits: number, value: number): number {
  if (Number.isInteger(value) || !Number.isFinite(value)) return value;
  const wholeDigits =
    Math.abs(value) < 1e15 ? String(Math.trunc(Math.abs(value))).length : MAX_DIGITS;
  return Number(value.toPrecision(Math.max(digits, wholeDigits)));
}

/**
 * A replacer for JSON.stringify: numbers that JSON lacks become text: "NaN", "Infinity", and
 * integers that a double cannot hold.
 */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : value;
}

/** Seconds since 1970-01-01 UTC and nanoseconds, as ISO 8601. */
export function formatTime(secondsPastUnixEpoch: number, nanoseconds: number): string {
  const whole = new Date(secondsPastUnixEpoch * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`;
}
