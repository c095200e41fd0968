import { setImmediate as nextTurn } from 'node:timers/promises';

/** Relays wait meanwhile. */
const TURN_MS = 5;

/**
 * Kernel files are read synchronously, because that takes microseconds and a thread pool costs more. Who
 * reads many of them lets everybody else have a turn in between: `if (turns.isOver) await turns.next()`.
 */
export class Turns {
  #startMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startMs > TURN_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#startMs = performance.now();
  }
}
