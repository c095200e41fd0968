import type { PvaStructureValue, PvaValue } from './values';
import { asStructure, valueAt } from './values';

/** The value of a PV with its metadata, whatever structure it came in. */
export interface PvReading {
  /**
   * For an NTEnum the text of the choice (its number if there is none), for other structures the
   * whole.
   */
  readonly value: PvaValue;
  readonly units?: string;
  readonly precision?: number;
  readonly description?: string;
  readonly alarm?: {
    readonly severity: 'none' | 'minor' | 'major' | 'invalid' | 'undefined';
    /** Such as HIHI_ALARM; often empty. */
    readonly message: string;
    /** Number in the NT specification: 0 none, 1 device, 2 driver, 3 record, 4 db, 5 conf, ... */
    readonly status: number;
  };
  /** Since 1970-01-01 UTC. Absent when the server never set it. */
  readonly timeStamp?: { readonly secondsPastEpoch: number; readonly nanoseconds: number };
  readonly displayLimits?: { readonly low: number; readonly high: number };
  readonly controlLimits?: { readonly low: number; readonly high: number };
  readonly choices?: readonly string[];
}

const SEVERITIES = ['none', 'minor', 'major', 'invalid', 'undefined'] as const;

/**
 * Extracts value and metadata from any structure. Fields that are missing or have an unusual type
 * are left out.
 */
export function readPv(value: PvaStructureValue): PvReading {
  const reading: { -readonly [K in keyof PvReading]: PvReading[K] } = { value };
  if (Object.hasOwn(value, 'value')) reading.value = value['value'] as PvaValue;
  const choices = valueAt(value, 'value.choices');
  const index = valueAt(value, 'value.index');
  if (isStrings(choices) && typeof index === 'number') {
    reading.choices = choices;
    reading.value = choices[index] ?? index;
  }
  const units = valueAt(value, 'display.units');
  if (typeof units === 'string' && units !== '') reading.units = units;
  const description = valueAt(value, 'display.description');
  if (typeof description === 'string' && description !== '') reading.description = description;
  const precision = valueAt(value, 'display.precision') ?? precisionOf(value);
  if (typeof precision === 'number') reading.precision = precision;
  const alarm = readAlarm(value);
  if (alarm !== undefined) reading.alarm = alarm;
  const timeStamp = readTimeStamp(value);
  if (timeStamp !== undefined) reading.timeStamp = timeStamp;
  const displayLimits = readLimits(value, 'display');
  if (displayLimits !== undefined) reading.displayLimits = displayLimits;
  const controlLimits = readLimits(value, 'control');
  if (controlLimits !== undefined) reading.controlLimits = controlLimits;
  return reading;
}

function isStrings(value: PvaValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Before display.precision there was display.format, such as %.3f or F4.3. */
function precisionOf(value: PvaStructureValue): number | undefined {
  const format = valueAt(value, 'display.format');
  const digits = typeof format === 'string' ? /\.(\d{1,2})/.exec(format)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

function readAlarm(value: PvaStructureValue): PvReading['alarm'] {
  const alarm = asStructure(valueAt(value, 'alarm'));
  const severity = alarm?.['severity'];
  if (alarm === undefined || typeof severity !== 'number') return undefined;
  const { status, message } = alarm;
  return {
    severity: SEVERITIES[severity] ?? 'undefined',
    message: typeof message === 'string' ? message : '',
    status: typeof status === 'number' ? status : 0,
  };
}

function readTimeStamp(value: PvaStructureValue): PvReading['timeStamp'] {
  const seconds = valueAt(value, 'timeStamp.secondsPastEpoch');
  const nanoseconds = valueAt(value, 'timeStamp.nanoseconds');
  if (typeof seconds !== 'bigint' || seconds === 0n) return undefined;
  return {
    secondsPastEpoch: Number(seconds),
    nanoseconds: typeof nanoseconds === 'number' ? nanoseconds : 0,
  };
}

function readLimits(
  value: PvaStructureValue,
  name: string,
): { readonly low: number; readonly high: number } | undefined {
  const low = valueAt(value, `${name}.limitLow`);
  const high = valueAt(value, `${name}.limitHigh`);
  if (typeof low !== 'number' || typeof high !== 'number') return undefined;
  // Zero to zero is how servers write "none"; records without limits send NaN.
  if ((low === 0 && high === 0) || Number.isNaN(low) || Number.isNaN(high)) return undefined;
  return { low, high };
}
