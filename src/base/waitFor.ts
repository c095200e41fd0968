import { delay } from './abort';
import type { Clock } from './clock';

/**
 * Calls `look` every `everyMs` until it returns something, and resolves to that. Rejects with what
 * `look` throws, and with CancelledError when the signal aborts. For changes that nothing
 * announces.
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
