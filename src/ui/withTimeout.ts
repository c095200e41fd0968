import { TimeoutError } from '../base/errors';

/**
 * Runs work under a deadline, in the extension host. Rejects with TimeoutError after `timeoutMs`,
 * whether or not `start` obeys its signal.
 */
export function withTimeout<T>(
  timeoutMs: number,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const error = new TimeoutError(`no answer within ${timeoutMs / 1000} s`);
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      controller.abort(error);
      reject(error);
    }, timeoutMs);
    start(controller.signal)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
