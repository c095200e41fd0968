import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import type { Clock } from '../base/clock';
import { toDisposable } from '../base/disposable';

const MAX_STRETCH = 10;
/** How long the load is remembered: reading it takes 50 us, and thousands may ask in one turn. */
const LOAD_MS = 100;
let load = { perProcessor: 0, untilMs: -Infinity };

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    // A timer of 0 waits a millisecond; what only gives way to others goes on after them.
    if (delayMs <= 0) {
      const immediate = setImmediate(callback);
      return toDisposable(() => clearImmediate(immediate));
    }
    const timer = setTimeout(callback, delayMs);
    return toDisposable(() => clearTimeout(timer));
  },
  stretch: (timeoutMs) => timeoutMs * Math.min(Math.max(1, loadPerProcessor()), MAX_STRETCH),
};

/**
 * Programs that run or want to, per processor: the average of the last minute or the current
 * number, whichever is more.
 */
function loadPerProcessor(): number {
  const nowMs = performance.now();
  if (nowMs >= load.untilMs) {
    // Zeros on Windows, which does not count them.
    const [ofLastMinute = 0] = loadavg();
    const perProcessor = Math.max(ofLastMinute, runningNow()) / availableParallelism();
    load = { perProcessor, untilMs: nowMs + LOAD_MS };
  }
  return load.perProcessor;
}

/**
 * The average takes a minute to rise. In `0.20 0.18 0.12 3/80 11206` three run now
 * (proc_loadavg(5)).
 */
function runningNow(): number {
  if (process.platform !== 'linux') return 0;
  try {
    return Number(/(\d+)\//.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
