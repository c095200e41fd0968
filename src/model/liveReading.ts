/** The value of a PV as short as a row shows it. */
import { clipped } from '../base/clipped';
import { previewOf } from './preview';
import { type PvReading, sizeText, valueText } from './reading';

/** Characters of a value in a row; a side bar has fifty. */
const LINE_CHARACTERS = 100;
/** Characters of an alarm's message in a row. */
const ALARM_CHARACTERS = 40;

/** A reading in the texts of one row. */
export interface LiveReading {
  /** The value with its unit; of what is too long for that, its type and size, or its beginning. */
  readonly text: string;
  /** Absent: NO_ALARM. */
  readonly severity?: string;
  /** What raised the alarm, in the server's words; absent: not said. */
  readonly alarmMessage?: string;
  /** The value, if it is a number. NaN is one. */
  readonly number?: number;
  /** Milliseconds since 1970; absent if the record was never processed. */
  readonly timeMs?: number;
}

/** The row of a reading. Work and size depend on what is shown, not on the value. */
export function liveReadingOf(reading: PvReading): LiveReading {
  const preview = previewOf(reading);
  const { severity, alarmMessage, time, value } = preview;
  const isArray = Array.isArray(value) && preview.text === undefined;
  const size = isArray ? sizeText(preview) : '';
  const text = size === '' ? valueText(preview) : `${size}: ${valueText(preview)}`;
  return {
    text: clipped(text, LINE_CHARACTERS),
    ...(severity !== 'NO_ALARM' && { severity }),
    ...(alarmMessage !== undefined &&
      alarmMessage !== '' && { alarmMessage: clipped(alarmMessage, ALARM_CHARACTERS) }),
    ...(typeof value === 'number' && { number: value }),
    ...(time !== undefined && { timeMs: Date.parse(time) }),
  };
}

/** Bytes of a value, roughly. An array's elements are taken to be as big as its first. */
export function bytesOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return SCALAR_BYTES;
  if (Array.isArray(value)) return value.length * bytesOf(value[0], depth + 1);
  return Object.values(value).reduce((sum: number, part) => sum + bytesOf(part, depth + 1), 0);
}

const SCALAR_BYTES = 8;
/** Of structures in structures. */
const MAX_DEPTH = 6;
