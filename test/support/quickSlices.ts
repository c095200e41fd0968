import type { Clock } from '../../src/base/clock';
import { toDisposable } from '../../src/base/disposable';
import { Slices } from '../../src/base/slices';

/** Time stands still, and every wait is one turn of the event loop. */
const turns: Clock = {
  nowMs: () => 0,
  wallMs: () => 0,
  stretch: (timeoutMs) => timeoutMs,
  after(_delayMs, callback) {
    const turn = setImmediate(callback);
    return toDisposable(() => clearImmediate(turn));
  },
};

/** Slices that are counted and take no time to rest. */
export function quickSlices(stepsPerSlice?: number): Slices {
  return new Slices(turns, stepsPerSlice);
}
