import {
  type CaPvProvider,
  type CaServedPv,
  type DbrData,
  DBE_ALARM,
  DBE_LOG,
  DBE_VALUE,
  EPICS_EPOCH_SECONDS,
} from '../protocol/ca';
import { encodeUtf8 } from '../protocol/bytes';
import { DEMO_PVS, demoField, type DemoPv, type DemoValues } from './demoPvs';

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
  return { find: (name) => served.get(name) ?? findField(name, served) };
}

function findField(name: string, served: ReadonlyMap<string, CaServedPv>): CaServedPv | undefined {
  const field = demoField(name);
  if (!field) return undefined;
  const { pv, text, isLong } = field;
  if (text === undefined) return served.get(pv.name);
  const element = isLong ? 'CHAR' : 'STRING';
  const value = isLong ? encodeUtf8(text) : [text];
  const data = { element, value, alarm: { status: 0, severity: 0 } } as const;
  return {
    element,
    maxCount: value.length,
    read: () => data,
    subscribe: () => ({ dispose: () => undefined }),
  };
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
