/** One value of a PV as a person reads it; made alike from CA and PVA. Pure. */
import { printable } from '../base/printable';
import type { PvProtocol } from './snapshot';

export interface PvReading {
  /** Number, text, boolean, an array of those, or a structure as plain data. */
  readonly value: unknown;
  readonly units?: string;
  /** NO_ALARM, MINOR, MAJOR, INVALID (EPICS epicsAlarmSeverity). */
  readonly severity: string;
  /** What raised the alarm, as the server words it. */
  readonly alarmMessage?: string;
  /** ISO 8601 with nanoseconds; absent when the record was never processed. */
  readonly time?: string;
  /** Digits after the point that the record asks for; 0 is what records say that never set PREC. */
  readonly precision?: number;
  /** Sizes of an image, the one that changes fastest first. */
  readonly dimensions?: readonly number[];
  /** Where `value` is only the beginning of it, or says it in short (model/preview): all of it. */
  readonly whole?: WholeValue;
}

export interface WholeValue {
  /** Of the elements of an array: double, ubyte, string, ...; else string or structure. */
  readonly type: string;
  /** Elements of an array, characters of a string, fields of a structure. */
  readonly count: number;
  /** Of an array of numbers. */
  readonly bytes?: number;
}

/** Array elements shown before the rest is counted. */
export const SHOWN_ELEMENTS = 10;

/** The columns of a line about a PV, printable: name, protocol, value with unit, alarm, time. */
export function readingCells(name: string, protocol: PvProtocol, reading: PvReading): string[] {
  const value = valueText(reading);
  const alarm =
    reading.alarmMessage !== undefined && reading.alarmMessage !== ''
      ? `${reading.severity} ${reading.alarmMessage}`
      : reading.severity;
  const cells = [name, protocol, value, alarm, reading.time ?? 'never processed'];
  return cells.map(printable);
}

/** The value with its unit; arrays and texts by their beginning. */
export function valueText({ value, precision, units, whole }: PvReading): string {
  const count = Array.isArray(value) ? whole?.count : undefined;
  const more = typeof value === 'string' && whole?.type === 'string' ? '...' : '';
  const unit = units !== undefined && units !== '' ? ` ${units}` : '';
  return `${formatValue(value, precision, count)}${more}${unit}`;
}

/** What kind of value it is and how much of it; '' where it is shown in full. */
export function sizeText({ value, whole, dimensions }: PvReading): string {
  if (!whole) return '';
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

/** `count`: of all elements, where `value` has only the first. */
export function formatValue(value: unknown, precision?: number, count?: number): string {
  if (typeof value === 'number') return formatNumber(value, precision);
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const elements = value as ArrayLike<unknown>;
    const shown = Array.from({ length: Math.min(elements.length, SHOWN_ELEMENTS) }, (_, index) =>
      formatValue(elements[index], precision),
    );
    const rest = (count ?? elements.length) - shown.length;
    return `[${shown.join(', ')}${rest > 0 ? `, ... ${rest} more` : ''}]`;
  }
  if (value === null || value === undefined) return '(empty)';
  return printable(JSON.stringify(value, jsonValue));
}

/** Rounded as the record asks, and never to nothing: 1.2e-12 with PREC 3 is not 0.000. */
function formatNumber(value: number, precision: number | undefined): string {
  if (!precision || Number.isSafeInteger(value) || !Number.isFinite(value)) return String(value);
  const digits = Math.min(precision, 15);
  const size = Math.abs(value);
  const isFixed = size >= 10 ** -digits && size < 1e15;
  return isFixed ? value.toFixed(digits) : value.toExponential(digits);
}

/**
 * What JSON has no number for is text: "NaN", "Infinity", and integers that a double cannot hold.
 * For JSON.stringify.
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
