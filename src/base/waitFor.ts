import { delay } from './abort';
import type { Clock } from './clock';

/**
 * Looks again every `everyMs` until there is something to see, which it resolves to. Rejects with what
 * `look` throws, and with CancelledError when the signal aborts. For what tells nobody when it happens.
 */
export async function waitFor<T>(
  clock: Clock,
  look: () => T | undefined | Promise<T | undefined>,
  everyMs: number,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await delay(clock, everyMs, signal);
  }
}
