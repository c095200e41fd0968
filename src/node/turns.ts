import { setImmediate as nextTurn } from 'node:timers/promises';

/** Relays wait during a turn. */
const TURN_MS = 5;

/**
 * Lets other work run between synchronous reads of kernel files, which take microseconds while a
 * thread pool would cost more. Between many reads: `if (turns.isOver) await turns.next()`.
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
