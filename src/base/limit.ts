import { onAbort } from './abort';
import { CancelledError } from './errors';

/** What gives works their turn. */
export type Turn = Pick<Limit, 'run'>;

/** Lets a limited number of works run at once; the others wait for their turn, oldest first. */
export class Limit {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(capacity: number) {
    this.#free = capacity;
  }

  /**
   * Runs the work when it is its turn. Rejects as the work does, and with CancelledError if the
   * signal aborts before.
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        this.#waiting.delete(go);
        aborting.dispose();
        resolve();
      };
      this.#waiting.add(go);
      const aborting = onAbort(signal, () => {
        this.#waiting.delete(go);
        reject(new CancelledError());
      });
    });
  }
}
