import type { Clock } from './clock';
import type { DisposableStore } from './disposable';

/** Calls back once after `delayMs` unless the store ends first; the store does not keep it after. */
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
