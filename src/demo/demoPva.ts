import {
  NT_ENUM_TYPE,
  ntScalarArrayType,
  ntScalarType,
  type PvaProvider,
  type PvaStructure,
  type PvaStructureValue,
  StoredPv,
} from '../protocol/pva';
import { DEMO_PVS, demoField, DESCRIPTION, type DemoPv, type DemoValues } from './demoPvs';

/** The demo's PVs, as a pvAccess server offers them; follows the values while they move. */
export function createDemoPva(values: DemoValues): PvaProvider {
  const served = new Map<string, StoredPv>();
  for (const pv of DEMO_PVS) {
    const stored = new StoredPv(typeOf(pv), { ...metadata(pv), ...changing(pv, values) });
    served.set(pv.name, stored);
    values.onDidMove(() => stored.post(changing(pv, values)));
  }
  return {
    names: () => [...served.keys()],
    find: (name) => served.get(name) ?? findField(name, served),
  };
}

function findField(name: string, served: ReadonlyMap<string, StoredPv>): StoredPv | undefined {
  const field = demoField(name);
  if (!field) return undefined;
  if (field.text === undefined) return served.get(field.pv.name);
  return new StoredPv(ntScalarType('string'), { value: field.text });
}

function typeOf(pv: DemoPv): PvaStructure {
  switch (pv.kind) {
    case 'double':
      return ntScalarType('double');
    case 'long':
      return ntScalarType('int');
    case 'string':
      return ntScalarType('string');
    case 'enum':
      return NT_ENUM_TYPE;
    case 'doubles':
      return ntScalarArrayType('double');
    case 'shorts':
      return ntScalarArrayType('short');
  }
}

function metadata(pv: DemoPv): PvaStructureValue {
  if (pv.kind === 'enum') return {};
  return {
    display: {
      limitLow: pv.low,
      limitHigh: pv.high,
      units: pv.units,
      description: DESCRIPTION,
      precision: pv.precision,
    },
  };
}

function changing(pv: DemoPv, values: DemoValues): PvaStructureValue {
  const { value, severity, condition, wallMs } = values.read(pv);
  const seconds = Math.floor(wallMs / 1000);
  return {
    value: toValue(pv, value),
    alarm: { severity, status: severity === 0 ? 0 : 3, message: CONDITION_NAMES[condition] ?? '' },
    timeStamp: {
      secondsPastEpoch: BigInt(seconds),
      nanoseconds: Math.floor((wallMs - seconds * 1000) * 1e6),
    },
  };
}

const CONDITION_NAMES: Record<number, string> = { 4: 'HIGH', 6: 'LOW' };

function toValue(pv: DemoPv, value: number | string | number[]): PvaStructureValue[string] {
  if (Array.isArray(value)) {
    return pv.kind === 'shorts' ? Int16Array.from(value) : Float64Array.from(value);
  }
  if (pv.kind === 'enum') return { index: Number(value), choices: pv.choices };
  return value;
}
