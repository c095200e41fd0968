import type { Clock } from './clock';
import { CancelledError, TimeoutError } from './errors';
import { type Disposable, DisposableStore, toDisposable } from './disposable';

/** Calls back once when the signal aborts, at once if it already has. Dispose to stop listening. */
export function onAbort(signal: AbortSignal, callback: () => void): Disposable {
  if (signal.aborted) {
    callback();
    return toDisposable(() => undefined);
  }
  signal.addEventListener('abort', callback, { once: true });
  return toDisposable(() => signal.removeEventListener('abort', callback));
}

/** Resolves after `delayMs`; rejects with CancelledError if the signal aborts first. */
export function delay(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const store = new DisposableStore();
    store.add(
      clock.after(delayMs, () => {
        store.dispose();
        resolve();
      }),
    );
    store.add(
      onAbort(signal, () => {
        store.dispose();
        reject(new CancelledError());
      }),
    );
  });
}

/**
 * Runs work under a deadline (stretched on a busy machine, see `Clock.stretch`) and a signal.
 * `start` gets a signal that aborts on either. At that moment the result rejects, with TimeoutError
 * or CancelledError, whether or not `start` obeys; it also rejects with whatever `start` rejects
 * with. The caller words the timeout message; the error is made before the wait, so that its stack
 * shows who waited.
 */
export function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  timeoutMessage: string,
  signal: AbortSignal,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stretchedMs = clock.stretch(timeoutMs);
  const seconds = Math.round(stretchedMs / 1000);
  const isStretched = stretchedMs >= 2 * timeoutMs;
  const waited = isStretched ? ` (waited ${seconds} s, because this machine is busy)` : '';
  const timeoutError = new TimeoutError(`${timeoutMessage}${waited}`);
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const store = new DisposableStore();
    const fail = (error: Error): void => {
      store.dispose();
      controller.abort(error);
      reject(error);
    };
    store.add(clock.after(stretchedMs, () => fail(timeoutError)));
    store.add(onAbort(signal, () => fail(new CancelledError())));
    if (controller.signal.aborted) return;
    start(controller.signal).then(
      (value) => {
        store.dispose();
        resolve(value);
      },
      (error: unknown) => {
        store.dispose();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
