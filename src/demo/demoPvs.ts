import type { Clock } from '../base/clock';
import { EventEmitter, type Event } from '../base/event';
import type { Disposable } from '../base/disposable';

/** The type of a PV. */
export type DemoKind = 'double' | 'long' | 'enum' | 'string' | 'doubles' | 'shorts';

/** A PV of the demo and how its value moves. */
export interface DemoPv {
  readonly name: string;
  readonly kind: DemoKind;
  readonly units: string;
  readonly precision: number;
  /** Display limits; alarms are raised beyond `alarm`. */
  readonly low: number;
  readonly high: number;
  readonly alarm?: { readonly low: number; readonly high: number };
  readonly choices: readonly string[];
  /** The value at a time in seconds. */
  readonly at: (seconds: number) => number | string | number[];
}

/** A value and when it was set (milliseconds since 1970-01-01 UTC). */
export interface DemoValue {
  readonly value: number | string | number[];
  /** 0 NO_ALARM, 1 MINOR, 2 MAJOR */
  readonly severity: number;
  /** epicsAlarmCondition: HIGH 4, LOW 6 */
  readonly condition: number;
  readonly wallMs: number;
}

const wave = (periodS: number, middle: number, swing: number) => (seconds: number) =>
  middle + swing * Math.sin((2 * Math.PI * seconds) / periodS);

function pv(name: string, kind: DemoKind, at: DemoPv['at'], more: Partial<DemoPv> = {}): DemoPv {
  const plain = { units: '', precision: 3, low: 0, high: 0, choices: [] };
  return { name: `DEMO:${name}`, kind, at, ...plain, ...more };
}

/** The PVs of the built-in demo IOC: a dozen of different types, which move by themselves. */
export const DEMO_PVS: readonly DemoPv[] = [
  pv('TEMPERATURE', 'double', wave(60, 22, 4), {
    units: 'degC',
    precision: 2,
    low: 0,
    high: 40,
    alarm: { low: 19, high: 25 },
  }),
  pv('PRESSURE', 'double', (s) => 1e-7 * (2 + Math.sin(s / 9)), {
    units: 'mbar',
    precision: 9,
    low: 0,
    high: 1e-6,
  }),
  pv('BEAM:CURRENT', 'double', (s) => 300 - (s % 60) / 10, {
    units: 'mA',
    precision: 1,
    low: 0,
    high: 350,
  }),
  pv('BEAM:X', 'double', wave(7, 0, 0.12), { units: 'mm', low: -1, high: 1 }),
  pv('BEAM:Y', 'double', wave(5, 0.02, 0.08), { units: 'mm', low: -1, high: 1 }),
  pv('MOTOR', 'double', (s) => Math.abs((s % 40) - 20), { units: 'mm', low: 0, high: 20 }),
  pv('COUNTER', 'long', (s) => Math.floor(s) % 1_000_000, {
    units: 'counts',
    precision: 0,
    high: 1e6,
  }),
  pv('SHUTTER', 'enum', (s) => Math.floor(s / 10) % 2, { choices: ['Closed', 'Open'] }),
  pv('STATE', 'enum', (s) => Math.floor(s / 15) % 4, {
    choices: ['Idle', 'Moving', 'Acquiring', 'Done'],
  }),
  pv('MESSAGE', 'string', (s) => `the demo runs for ${Math.floor(s) % 86_400} s`),
  pv('SPECTRUM', 'doubles', (s) =>
    Array.from(
      { length: 256 },
      (_, i) => 100 * Math.exp(-(((i - 128 - 20 * Math.sin(s)) / 18) ** 2)),
    ),
  ),
  pv('HISTOGRAM', 'shorts', (s) =>
    Array.from({ length: 32 }, (_, i) => (i * 37 + Math.floor(s) * 13) % 100),
  ),
];

/** A field of a record of the demo. */
export interface DemoField {
  readonly pv: DemoPv;
  /** Undefined for the value, which is the PV itself. */
  readonly text?: string;
  /** Whether a client asks for the text as characters: `DEMO:MOTOR.DESC$`. */
  readonly isLong: boolean;
}

/** The field of this name, as `DEMO:MOTOR.EGU`; undefined if the demo has none. */
export function demoField(name: string): DemoField | undefined {
  const [, record, field, dollar] = /^(.+)\.(DESC|EGU|VAL)(\$?)$/.exec(name) ?? [];
  const pv = DEMO_PVS.find((one) => one.name === record);
  const isLong = dollar === '$';
  if (!pv) return undefined;
  if (field === 'VAL') return isLong ? undefined : { pv, isLong };
  return { pv, text: field === 'EGU' ? pv.units : DESCRIPTION, isLong };
}

/** What the description of each record of the demo says. */
export const DESCRIPTION = 'built-in demo';

/** How often the values move. */
const PERIOD_MS = 500;

/** Moves all PVs together until disposed. */
export class DemoValues implements Disposable {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #moved = new EventEmitter<void>();
  readonly #values = new Map<DemoPv, DemoValue>();
  #timer: Disposable | undefined;

  readonly onDidMove: Event<void> = this.#moved.event;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#move();
  }

  read(pv: DemoPv): DemoValue {
    return this.#values.get(pv) as DemoValue;
  }

  #move(): void {
    const seconds = (this.#clock.nowMs() - this.#startMs) / 1000;
    const wallMs = this.#clock.wallMs();
    for (const pv of DEMO_PVS) {
      const value = pv.at(seconds);
      this.#values.set(pv, { value, ...alarmOf(pv, value), wallMs });
    }
    this.#moved.fire();
    this.#timer = this.#clock.after(PERIOD_MS, () => this.#move());
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#moved.dispose();
  }
}

function alarmOf(pv: DemoPv, value: DemoValue['value']): { severity: number; condition: number } {
  if (typeof value !== 'number' || !pv.alarm) return { severity: 0, condition: 0 };
  if (value > pv.alarm.high) return { severity: 1, condition: 4 };
  if (value < pv.alarm.low) return { severity: 1, condition: 6 };
  return { severity: 0, condition: 0 };
}
