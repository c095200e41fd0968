import { clipped } from '../../base/clipped';
import { formatTime, type PvReading } from '../../model/reading';
import { type DbrData, EPICS_EPOCH_SECONDS } from '../../protocol/ca';
import {
  type PvaStructureValue,
  type PvaValue,
  readPv as readNormative,
  valueAt,
} from '../../protocol/pva';
import { asLongString, charText } from './charText';
import { summaryOf } from './normativeSummary';

/** Characters of units and of an alarm's reason, which pvAccess does not limit. */
const MAX_WORDS = 1000;

/** A value with its time stamp, and the same channel's units, limits and state names. */
export interface CaValues {
  readonly time: DbrData;
  readonly control: DbrData;
  /** The name of the channel, which asks for a text as characters if it ends in `$`. */
  readonly name?: string;
}

const SEVERITIES = ['NO_ALARM', 'MINOR', 'MAJOR', 'INVALID'];
const PVA_SEVERITIES = {
  none: 'NO_ALARM',
  minor: 'MINOR',
  major: 'MAJOR',
  invalid: 'INVALID',
  undefined: 'UNDEFINED',
};
/** epicsAlarmCondition, EPICS Base alarm.h. */
const CONDITIONS = [
  '',
  'READ',
  'WRITE',
  'HIHI',
  'HIGH',
  'LOLO',
  'LOW',
  'STATE',
  'COS',
  'COMM',
  'TIMEOUT',
  'HWLIMIT',
  'CALC',
  'SCAN',
  'LINK',
  'SOFT',
  'BAD_SUB',
  'UDF',
  'DISABLE',
  'SIMM',
  'READ_ACCESS',
  'WRITE_ACCESS',
];

/** The end of the year 9999, s since 1970: a time beyond that is not valid. */
const MAX_SECONDS = 253_402_300_799;

/** Images have two or three dimensions (areaDetector: at most ten). */
const MAX_DIMENSIONS = 10;

/**
 * The reading of a CA value, in the same words as one of pvAccess. What is not set, or not known,
 * is left out. `name` is that of the channel: `REC.DESC$` asks for a long string.
 */
export function readingOfCa({ time, control, name = '' }: CaValues): PvReading {
  // A server may answer with another type than it was asked for.
  const states = time.element === 'ENUM' ? control.enumStrings : undefined;
  // Numbers stay as they were decoded: as objects, a million of them take the event loop for 0.2 s.
  const named: ArrayLike<number | string> = states
    ? Array.from(time.value as ArrayLike<number>, (index) => states[index] ?? index)
    : time.value;
  const stamp = time.timeStamp;
  const isProcessed = stamp !== undefined && stamp.secondsPastEpoch !== 0;
  const value = asLongString(name, named);
  const text = charText(value);
  return {
    value: value === named && named.length === 1 ? named[0] : value,
    ...(text !== undefined && { text }),
    ...(control.units !== undefined && { units: control.units }),
    ...(control.precision !== undefined && { precision: control.precision }),
    severity: SEVERITIES[time.alarm?.severity ?? 0] ?? 'INVALID',
    alarmMessage: CONDITIONS[time.alarm?.status ?? 0] ?? '',
    ...(isProcessed && {
      time: formatTime(stamp.secondsPastEpoch + EPICS_EPOCH_SECONDS, stamp.nanoseconds),
    }),
  };
}

/**
 * The reading of a normative type, or of any other structure as far as it resembles one. `name` is
 * that of the channel: `REC.DESC$` asks for a long string.
 */
export function readingOfPva(structure: PvaStructureValue, name = ''): PvReading {
  const { value: given, units, precision, alarm, timeStamp } = readNormative(structure);
  const isProcessed =
    timeStamp !== undefined &&
    timeStamp.secondsPastEpoch > EPICS_EPOCH_SECONDS &&
    timeStamp.secondsPastEpoch <= MAX_SECONDS;
  const dimensions = dimensionsOf(structure);
  const value = asLongString(name, given);
  const text = charText(value);
  const summary = summaryOf(structure);
  return {
    value,
    ...(text !== undefined && { text }),
    ...(summary !== undefined && { summary }),
    ...(dimensions && { dimensions }),
    ...(units !== undefined && { units: clipped(units, MAX_WORDS) }),
    ...(precision !== undefined && { precision }),
    severity: PVA_SEVERITIES[alarm?.severity ?? 'none'],
    // QSRV 1 writes NO_ALARM into the message, too.
    alarmMessage:
      alarm === undefined || alarm.severity === 'none' ? '' : clipped(alarm.message, MAX_WORDS),
    ...(isProcessed && { time: formatTime(timeStamp.secondsPastEpoch, timeStamp.nanoseconds) }),
  };
}

/**
 * The reading of a part of a structure alone, with the alarm and time of all of it. The last of
 * `path` may be an element of an array, as `value[2]`. Undefined if it has no such part.
 */
export function readingOfPart(
  structure: PvaStructureValue,
  path: readonly string[],
): PvReading | undefined {
  const value = partAt(structure, path);
  if (value === undefined) return undefined;
  const { alarm, timeStamp } = structure;
  return readingOfPva({ value, ...(alarm && { alarm }), ...(timeStamp && { timeStamp }) });
}

function partAt(structure: PvaStructureValue, path: readonly string[]): PvaValue | undefined {
  const [, array, index] = /^(.+)\[(\d{1,9})\]$/.exec(path.at(-1) ?? '') ?? [];
  if (array === undefined) return valueAt(structure, path);
  const whole = valueAt(structure, [...path.slice(0, -1), array]);
  // An image's value is a choice of arrays.
  const elements = isArray(whole) ? whole : valueAt(whole, 'value');
  return isArray(elements) ? elements[Number(index)] : undefined;
}

function isArray(value: unknown): value is ArrayLike<PvaValue> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** The dimensions of an NTNDArray. */
function dimensionsOf({ dimension }: PvaStructureValue): number[] | undefined {
  if (!Array.isArray(dimension) || dimension.length === 0) return undefined;
  const sizes = dimension.slice(0, MAX_DIMENSIONS).map((one: unknown) => {
    return typeof one === 'object' && one !== null ? (one as { size?: unknown }).size : undefined;
  });
  return sizes.every((size) => typeof size === 'number') ? sizes : undefined;
}
