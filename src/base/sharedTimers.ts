import type { Clock } from './clock';
import { type Disposable, toDisposable } from './disposable';

/** Below what a timer can tell apart: sums of floating-point numbers miss whole milliseconds by less. */
const EPSILON_MS = 0.01;

interface Group {
  readonly callbacks: Set<() => void>;
  readonly timer: Disposable;
}

/**
 * A clock with one timer for all who wait until the same millisecond, later than now. Of twenty who
 * look five times a second and mostly find nothing, the timers cost more than what they do.
 */
export function sharingTimers(clock: Clock): Clock {
  const groups = new Map<number, Group>();

  const open = (dueMs: number, nowMs: number): Group => {
    const callbacks = new Set<() => void>();
    const timer = clock.after(dueMs - nowMs, () => {
      groups.delete(dueMs);
      for (const callback of callbacks) callback();
    });
    const group = { callbacks, timer };
    groups.set(dueMs, group);
    return group;
  };

  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    stretch: (timeoutMs) => clock.stretch(timeoutMs),
    after(delayMs, callback) {
      if (delayMs <= 0) return clock.after(delayMs, callback);
      const nowMs = clock.nowMs();
      const dueMs = Math.ceil(nowMs + delayMs - EPSILON_MS);
      const { callbacks, timer } = groups.get(dueMs) ?? open(dueMs, nowMs);
      const own = (): void => callback();
      callbacks.add(own);
      return toDisposable(() => {
        callbacks.delete(own);
        if (callbacks.size > 0) return;
        timer.dispose();
        if (groups.get(dueMs)?.callbacks === callbacks) groups.delete(dueMs);
      });
    },
  };
}
