import type { Clock } from './clock';
import type { DisposableStore } from './disposable';

/**
 * Calls back once after `delayMs` unless the store is disposed first. The store forgets the timer
 * when it has fired.
 */
export function schedule(
  store: DisposableStore,
  clock: Clock,
  delayMs: number,
  callback: () => void,
): void {
  const timer = clock.after(delayMs, () => {
    store.release(timer);
    callback();
  });
  store.add(timer);
}
