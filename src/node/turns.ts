import { setImmediate as nextTurn } from 'node:timers/promises';

/** Relays wait during a turn. */
const TURN_MS = 5;

/**
 * Lets other work run between synchronous reads of kernel files, which take microseconds while a
 * thread pool would cost more. Between many reads: `if (turns.isOver) await turns.next()`.
 */
export class Turns {
  #startMs = performance.now();

  /** Whether the turn is over: call `next` before going on. */
  get isOver(): boolean {
    return performance.now() - this.#startMs > TURN_MS;
  }

  /** Lets other work run, then begins a new turn. */
  async next(): Promise<void> {
    await nextTurn();
    this.#startMs = performance.now();
  }
}
