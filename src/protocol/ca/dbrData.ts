/**
 * Values of Channel Access as plain data, to and from the bytes of a READ_NOTIFY or EVENT_ADD.
 *
 * The payload is the C struct of `db_access.h`, big endian, fields at their natural alignment:
 *   STS   status i16, severity i16
 *   TIME  STS, seconds u32, nanoseconds u32 (past the EPICS epoch, 1990-01-01 UTC)
 *   GR    STS, [precision i16, pad i16 for FLOAT and DOUBLE], units char[8], then in the element's
 *         own type: display upper, lower, alarm upper, warning upper, warning lower, alarm lower
 *   CTRL  GR, control upper, lower
 *   GR and CTRL of ENUM: STS, number of states i16, char[16][26]; of STRING: STS only
 * and then the elements (see `dbrLayout`).
 */
import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import { alignTo8 } from './constants';
import {
  DBR_CTRL_STRING,
  DBR_TIME_STRING,
  dbrLayout,
  dbrName,
  dbrSizeBytes,
  MAX_ENUM_STATES,
  MAX_ENUM_STRING_BYTES,
  MAX_STRING_BYTES,
  MAX_UNITS_BYTES,
  type DbrLayout,
  type ElementType,
} from './dbrTypes';
import { decodeText, encodeFixedText } from './text';

/** Seconds from 1970-01-01 to 1990-01-01 UTC, the EPICS epoch. */
export const EPICS_EPOCH_SECONDS = 631152000;

/** The elements of a value, in the array type that fits its ElementType. */
export type DbrValue =
  string[] | Int16Array | Float32Array | Uint16Array | Uint8Array | Int32Array | Float64Array;

/** The alarm state of a value. */
export interface CaAlarm {
  /** `epicsAlarmCondition`, 0 = NO_ALARM. */
  readonly status: number;
  /** 0 NO_ALARM, 1 MINOR, 2 MAJOR, 3 INVALID. */
  readonly severity: number;
}

/** Time past the EPICS epoch, 1990-01-01 UTC. Add EPICS_EPOCH_SECONDS for Unix time. */
export interface CaTimeStamp {
  readonly secondsPastEpoch: number;
  readonly nanoseconds: number;
}

/** Display or control limits, in the units of the value. */
export interface CaLimits {
  readonly upper: number;
  readonly lower: number;
}

/** Alarm and warning limits, in the units of the value. */
export interface CaAlarmLimits {
  readonly upperAlarm: number;
  readonly upperWarning: number;
  readonly lowerWarning: number;
  readonly lowerAlarm: number;
}

/** A value with the metadata that its DBR type carries; what the type does not have is absent. */
export interface DbrData {
  readonly element: ElementType;
  /** STRING: string[]; ENUM: indices in a Uint16Array; CHAR: Uint8Array; and so on. */
  readonly value: DbrValue;
  readonly alarm?: CaAlarm;
  readonly timeStamp?: CaTimeStamp;
  readonly units?: string;
  /** Digits after the decimal point; FLOAT and DOUBLE only. */
  readonly precision?: number;
  readonly displayLimits?: CaLimits;
  readonly alarmLimits?: CaAlarmLimits;
  readonly controlLimits?: CaLimits;
  readonly enumStrings?: readonly string[];
  /** DBR_STSACK_STRING only. */
  readonly acknowledge?: { readonly transient: number; readonly severity: number };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Decodes the payload of a value message (READ_NOTIFY, EVENT_ADD). Everything is copied; the
 * payload may be reused.
 * @throws RemoteProtocolError when it is shorter than type and count need, or the type does not
 *   exist
 */
export function decodeDbr(dbrType: number, count: number, payload: Uint8Array): DbrData {
  const layout = layoutOnWire(dbrType, count, payload.length);
  if (layout === undefined) {
    throw new RemoteProtocolError(`a CA value has ${dbrName(dbrType)}, which does not exist`);
  }
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // A single plain string may be as short as its text (PCAS, rsrv's READ).
  const isShortString = layout.name === 'DBR_STRING' && count === 1 && payload.length > 0;
  if (!isShortString && dbrSizeBytes(layout, count) > payload.length) {
    throw new RemoteProtocolError(
      `a CA value of ${count} × ${layout.name} needs ${dbrSizeBytes(layout, count)} bytes, ` +
        `but the message has ${payload.length}`,
    );
  }
  const data: Mutable<DbrData> = {
    element: layout.element,
    value: decodeElements(layout, count, payload, view),
  };
  if (layout.wrapping !== 'PLAIN' && layout.wrapping !== 'CLASS_NAME') {
    data.alarm = { status: view.getInt16(0), severity: view.getInt16(2) };
  }
  if (layout.wrapping === 'TIME') {
    data.timeStamp = { secondsPastEpoch: view.getUint32(4), nanoseconds: view.getUint32(8) };
  } else if (layout.wrapping === 'STSACK') {
    data.acknowledge = { transient: view.getUint16(4), severity: view.getUint16(6) };
  } else if (layout.wrapping === 'GR' || layout.wrapping === 'CTRL') {
    decodeDisplay(layout, payload, view, data);
  }
  return data;
}

/**
 * The layout of a received value. caproto servers send a DBR_CTRL_STRING with a time stamp (their
 * `_dbr.py` maps the type to DBR_TIME_STRING), Base and CAJ without; the padded length shows which.
 */
function layoutOnWire(dbrType: number, count: number, payloadBytes: number): DbrLayout | undefined {
  const layout = dbrLayout(dbrType);
  if (dbrType !== DBR_CTRL_STRING) return layout;
  const timed = dbrLayout(DBR_TIME_STRING)!;
  return payloadBytes === alignTo8(dbrSizeBytes(timed, count)) ? timed : layout;
}

function decodeDisplay(
  layout: DbrLayout,
  payload: Uint8Array,
  view: DataView,
  data: Mutable<DbrData>,
): void {
  if (layout.element === 'STRING') return;
  if (layout.element === 'ENUM') {
    const stateCount = Math.min(Math.max(view.getInt16(4), 0), MAX_ENUM_STATES);
    data.enumStrings = Array.from({ length: stateCount }, (_, index) => {
      const at = 6 + index * MAX_ENUM_STRING_BYTES;
      return decodeText(payload.subarray(at, at + MAX_ENUM_STRING_BYTES));
    });
    return;
  }
  const hasPrecision = layout.element === 'FLOAT' || layout.element === 'DOUBLE';
  if (hasPrecision) data.precision = view.getInt16(4);
  const unitsAt = hasPrecision ? 8 : 4;
  const limitsAt = unitsAt + MAX_UNITS_BYTES;
  data.units = decodeText(payload.subarray(unitsAt, limitsAt));
  const limit = (index: number): number =>
    readNumber(view, layout.element, limitsAt + index * layout.elementBytes);
  data.displayLimits = { upper: limit(0), lower: limit(1) };
  data.alarmLimits = {
    upperAlarm: limit(2),
    upperWarning: limit(3),
    lowerWarning: limit(4),
    lowerAlarm: limit(5),
  };
  if (layout.wrapping === 'CTRL') data.controlLimits = { upper: limit(6), lower: limit(7) };
}

function decodeElements(
  layout: DbrLayout,
  count: number,
  payload: Uint8Array,
  view: DataView,
): DbrValue {
  const at = layout.valueOffset;
  switch (layout.element) {
    case 'STRING':
      return Array.from({ length: count }, (_, index) => {
        const start = at + index * MAX_STRING_BYTES;
        return decodeText(payload.subarray(start, start + MAX_STRING_BYTES));
      });
    case 'CHAR':
      // A Buffer's own slice would be a view of it, which JSON writes as an object.
      return Uint8Array.from(payload.subarray(at, at + count));
    case 'SHORT': {
      const value = new Int16Array(count);
      for (let i = 0; i < count; i++) value[i] = view.getInt16(at + i * 2);
      return value;
    }
    case 'ENUM': {
      const value = new Uint16Array(count);
      for (let i = 0; i < count; i++) value[i] = view.getUint16(at + i * 2);
      return value;
    }
    case 'LONG': {
      const value = new Int32Array(count);
      for (let i = 0; i < count; i++) value[i] = view.getInt32(at + i * 4);
      return value;
    }
    case 'FLOAT': {
      const value = new Float32Array(count);
      for (let i = 0; i < count; i++) value[i] = view.getFloat32(at + i * 4);
      return value;
    }
    case 'DOUBLE': {
      const value = new Float64Array(count);
      for (let i = 0; i < count; i++) value[i] = view.getFloat64(at + i * 8);
      return value;
    }
  }
}

/**
 * Encodes a value as `dbrType`; metadata that `data` lacks becomes zero. Convert to the element
 * type first (`convertDbr`).
 * @throws LocalProtocolError when data and type do not have the same element type
 */
export function encodeDbr(dbrType: number, data: DbrData): Uint8Array {
  const layout = dbrLayout(dbrType);
  if (layout === undefined || layout.element !== data.element) {
    throw new LocalProtocolError(`a ${data.element} value cannot be sent as ${dbrName(dbrType)}`);
  }
  const payload = new Uint8Array(dbrSizeBytes(layout, data.value.length));
  const view = new DataView(payload.buffer);
  if (layout.wrapping !== 'PLAIN' && layout.wrapping !== 'CLASS_NAME') {
    view.setInt16(0, data.alarm?.status ?? 0);
    view.setInt16(2, data.alarm?.severity ?? 0);
  }
  if (layout.wrapping === 'TIME') {
    view.setUint32(4, data.timeStamp?.secondsPastEpoch ?? 0);
    view.setUint32(8, data.timeStamp?.nanoseconds ?? 0);
  } else if (layout.wrapping === 'STSACK') {
    view.setUint16(4, data.acknowledge?.transient ?? 0);
    view.setUint16(6, data.acknowledge?.severity ?? 0);
  } else if (layout.wrapping === 'GR' || layout.wrapping === 'CTRL') {
    encodeDisplay(layout, payload, view, data);
  }
  encodeElements(layout, data.value, payload, view);
  return payload;
}

function encodeDisplay(
  layout: DbrLayout,
  payload: Uint8Array,
  view: DataView,
  data: DbrData,
): void {
  if (layout.element === 'STRING') return;
  if (layout.element === 'ENUM') {
    const states = (data.enumStrings ?? []).slice(0, MAX_ENUM_STATES);
    view.setInt16(4, states.length);
    states.forEach((state, index) => {
      payload.set(encodeFixedText(state, MAX_ENUM_STRING_BYTES), 6 + index * MAX_ENUM_STRING_BYTES);
    });
    return;
  }
  const hasPrecision = layout.element === 'FLOAT' || layout.element === 'DOUBLE';
  if (hasPrecision) view.setInt16(4, data.precision ?? 0);
  const unitsAt = hasPrecision ? 8 : 4;
  payload.set(encodeFixedText(data.units ?? '', MAX_UNITS_BYTES), unitsAt);
  const { displayLimits, alarmLimits, controlLimits } = data;
  const limits = [
    displayLimits?.upper,
    displayLimits?.lower,
    alarmLimits?.upperAlarm,
    alarmLimits?.upperWarning,
    alarmLimits?.lowerWarning,
    alarmLimits?.lowerAlarm,
    ...(layout.wrapping === 'CTRL' ? [controlLimits?.upper, controlLimits?.lower] : []),
  ];
  limits.forEach((limit, index) => {
    const at = unitsAt + MAX_UNITS_BYTES + index * layout.elementBytes;
    writeNumber(view, layout.element, at, limit ?? 0);
  });
}

function encodeElements(
  layout: DbrLayout,
  value: DbrValue,
  payload: Uint8Array,
  view: DataView,
): void {
  const at = layout.valueOffset;
  if (value instanceof Uint8Array) {
    payload.set(value, at);
    return;
  }
  for (let i = 0; i < value.length; i++) {
    const element = value[i]!;
    if (typeof element === 'string') {
      payload.set(encodeFixedText(element, MAX_STRING_BYTES), at + i * MAX_STRING_BYTES);
    } else {
      writeNumber(view, layout.element, at + i * layout.elementBytes, element);
    }
  }
}

function readNumber(view: DataView, element: ElementType, at: number): number {
  switch (element) {
    case 'SHORT':
      return view.getInt16(at);
    case 'ENUM':
      return view.getUint16(at);
    case 'CHAR':
      return view.getUint8(at);
    case 'LONG':
      return view.getInt32(at);
    case 'FLOAT':
      return view.getFloat32(at);
    case 'DOUBLE':
      return view.getFloat64(at);
    case 'STRING':
      throw new LocalProtocolError('a string is not a number');
  }
}

function writeNumber(view: DataView, element: ElementType, at: number, value: number): void {
  switch (element) {
    case 'SHORT':
    case 'ENUM':
      view.setInt16(at, value);
      break;
    case 'CHAR':
      view.setUint8(at, value);
      break;
    case 'LONG':
      view.setInt32(at, value);
      break;
    case 'FLOAT':
      view.setFloat32(at, value);
      break;
    case 'DOUBLE':
      view.setFloat64(at, value);
      break;
    case 'STRING':
      throw new LocalProtocolError('a string is not a number');
  }
}
