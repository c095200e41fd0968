/** Normative types (EPICS V4 Normative Types specification), as our own servers offer them. */
import {
  arrayType,
  type FieldList,
  type PvaScalarType,
  type PvaStructure,
  scalarType,
  structureType,
} from './types';

/** `alarm_t` */
export const ALARM_TYPE = structureType('alarm_t', {
  severity: 'int',
  status: 'int',
  message: 'string',
});

/** `time_t` */
export const TIME_STAMP_TYPE = structureType('time_t', {
  secondsPastEpoch: 'long',
  nanoseconds: 'int',
  userTag: 'int',
});

/** `enum_t` */
export const ENUM_TYPE = structureType('enum_t', { index: 'int', choices: 'string[]' });

const DISPLAY_TYPE = structureType('display_t', {
  limitLow: 'double',
  limitHigh: 'double',
  description: 'string',
  units: 'string',
  precision: 'int',
  form: ENUM_TYPE,
});

const CONTROL_TYPE = structureType('control_t', {
  limitLow: 'double',
  limitHigh: 'double',
  minStep: 'double',
});

const COMMON: FieldList = { alarm: ALARM_TYPE, timeStamp: TIME_STAMP_TYPE };
const METADATA: FieldList = { ...COMMON, display: DISPLAY_TYPE, control: CONTROL_TYPE };

/** NTScalar of that scalar type, with alarm, time stamp, display and control. */
export function ntScalarType(scalar: PvaScalarType): PvaStructure {
  return structureType('epics:nt/NTScalar:1.0', { value: scalarType(scalar), ...METADATA });
}

/** NTScalarArray of that scalar type, with alarm, time stamp, display and control. */
export function ntScalarArrayType(scalar: PvaScalarType): PvaStructure {
  return structureType('epics:nt/NTScalarArray:1.0', { value: arrayType(scalar), ...METADATA });
}

/** NTEnum, with alarm and time stamp. */
export const NT_ENUM_TYPE = structureType('epics:nt/NTEnum:1.0', { value: ENUM_TYPE, ...COMMON });

/** The type of the answer that channel `server` gives to `channels`. */
export const CHANNEL_LIST_TYPE = structureType('epics:nt/NTScalarArray:1.0', {
  value: 'string[]',
  ...COMMON,
});
