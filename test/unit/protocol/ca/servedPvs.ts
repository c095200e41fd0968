import { toDisposable } from '../../../../src/base/disposable';
import type { CaPvProvider, CaServedPv, DbrData } from '../../../../src/protocol/ca';

/** A PV whose value a test sets by hand. */
export class TestPv implements CaServedPv {
  readonly #listeners = new Set<(mask: number) => void>();

  constructor(
    public data: DbrData,
    readonly maxCount = data.value.length,
  ) {}

  get element(): DbrData['element'] {
    return this.data.element;
  }
  get subscriberCount(): number {
    return this.#listeners.size;
  }
  read(): DbrData {
    return this.data;
  }
  subscribe(onChange: (mask: number) => void) {
    this.#listeners.add(onChange);
    return toDisposable(() => this.#listeners.delete(onChange));
  }
  set(value: DbrData['value'], mask = 1): void {
    this.data = { ...this.data, value };
    for (const listener of this.#listeners) listener(mask);
  }
}

export function servedPvs(): CaPvProvider & { readonly pvs: Record<string, TestPv> } {
  const timeStamp = { secondsPastEpoch: 1_000_000_000, nanoseconds: 5 };
  const alarm = { status: 3, severity: 2 };
  const limits = {
    displayLimits: { upper: 10, lower: -10 },
    alarmLimits: { upperAlarm: 9, upperWarning: 8, lowerWarning: -8, lowerAlarm: -9 },
    controlLimits: { upper: 7, lower: -7 },
  };
  const pvs: Record<string, TestPv> = {
    'demo:temperature': new TestPv({
      element: 'DOUBLE',
      value: Float64Array.of(21.5),
      alarm,
      timeStamp,
      units: '°C',
      precision: 2,
      ...limits,
    }),
    'demo:state': new TestPv({
      element: 'ENUM',
      value: Uint16Array.of(1),
      timeStamp,
      enumStrings: ['off', 'on'],
    }),
    'demo:wave': new TestPv(
      { element: 'LONG', value: Int32Array.from({ length: 20_000 }, (_, i) => i), timeStamp },
      20_000,
    ),
    'demo:text': new TestPv({ element: 'STRING', value: ['hello'], timeStamp }),
  };
  return { pvs, find: (name) => pvs[name] };
}
