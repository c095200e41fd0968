import {
  type CaPvProvider,
  type CaServedPv,
  type DbrData,
  DBE_ALARM,
  DBE_LOG,
  DBE_VALUE,
  EPICS_EPOCH_SECONDS,
} from '../protocol/ca';
import { DEMO_PVS, type DemoPv, type DemoValues } from './demoPvs';

/** The demo's PVs, as a Channel Access server offers them. */
export function createDemoCa(values: DemoValues): CaPvProvider {
  const served = new Map<string, CaServedPv>(
    DEMO_PVS.map((pv) => [
      pv.name,
      {
        element: ELEMENTS[pv.kind],
        maxCount: pv.kind === 'doubles' ? 256 : pv.kind === 'shorts' ? 32 : 1,
        read: () => toDbr(pv, values),
        subscribe: (onChange) => values.onDidMove(() => onChange(DBE_VALUE | DBE_LOG | DBE_ALARM)),
      },
    ]),
  );
  return { find: (name) => served.get(name) };
}

const ELEMENTS = {
  double: 'DOUBLE',
  doubles: 'DOUBLE',
  shorts: 'SHORT',
  long: 'LONG',
  enum: 'ENUM',
  string: 'STRING',
} as const;

function toDbr(pv: DemoPv, values: DemoValues): DbrData {
  const { value, severity, condition, wallMs } = values.read(pv);
  const seconds = Math.floor(wallMs / 1000);
  return {
    element: ELEMENTS[pv.kind],
    value: toElements(pv, value),
    alarm: { status: condition, severity },
    timeStamp: {
      secondsPastEpoch: seconds - EPICS_EPOCH_SECONDS,
      nanoseconds: Math.floor((wallMs - seconds * 1000) * 1e6),
    },
    units: pv.units,
    precision: pv.precision,
    displayLimits: { lower: pv.low, upper: pv.high },
    controlLimits: { lower: pv.low, upper: pv.high },
    alarmLimits: {
      upperAlarm: Number.NaN,
      upperWarning: pv.alarm?.high ?? Number.NaN,
      lowerWarning: pv.alarm?.low ?? Number.NaN,
      lowerAlarm: Number.NaN,
    },
    enumStrings: pv.choices,
  };
}

function toElements(pv: DemoPv, value: number | string | number[]): DbrData['value'] {
  if (typeof value === 'string') return [value];
  const numbers = typeof value === 'number' ? [value] : value;
  switch (pv.kind) {
    case 'enum':
      return Uint16Array.from(numbers);
    case 'long':
      return Int32Array.from(numbers);
    case 'shorts':
      return Int16Array.from(numbers);
    default:
      return Float64Array.from(numbers);
  }
}
