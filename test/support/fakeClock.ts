import type { Clock } from '../../src/base/clock';
import { toDisposable } from '../../src/base/disposable';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that only moves when it is told to. */
export class FakeClock implements Clock {
  #nowMs = 0;
  /** Of the machine that it stands for; 1: idle. */
  load = 1;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return Date.UTC(2026, 0, 1) + this.#nowMs;
  }
  after(delayMs: number, callback: () => void): { dispose(): void } {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return toDisposable(() => this.#timers.delete(timer));
  }
  stretch(timeoutMs: number): number {
    return timeoutMs * this.load;
  }
  get pendingCount(): number {
    return this.#timers.size;
  }

  /** As for a process that is stopped: what falls due meanwhile comes late, with the next advance. */
  stop(forMs: number): void {
    this.#nowMs += forMs;
  }

  /** Moves on, calling what falls due in its order, and lets promises settle in between. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#timers]
        .filter((timer) => timer.dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#timers.delete(next);
      next.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything run that waits for no timer: promises and in-memory streams. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
