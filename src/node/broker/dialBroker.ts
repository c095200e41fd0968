import { connect, type Socket } from 'node:net';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { isErrorCode } from '../../base/errors';
import { ProblemError } from '../../model/problem';
import { type BrokerPaths, checkPlace } from './brokerPaths';
import { findSilent } from './findSilent';

const DIAL_TIMEOUT_MS = 2000;
/** ECONNRESET: it stopped listening before it had taken the connection. */
const NOBODY: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET']);

/**
 * Connects to the broker's socket, the only way to a broker; undefined when nothing listens there.
 * Rejects with UsageError when the place is not this user's alone, with the system's error when it
 * forbids the connection, with ProblemError 'broker-silent' when something listens and accepts nothing,
 * and with CancelledError.
 */
export async function dialBroker(
  place: BrokerPaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  checkPlace(place);
  const path = place.socket;
  const dialling = withDeadline<Socket | undefined>(
    clock,
    DIAL_TIMEOUT_MS,
    `the background process at ${path} accepts no connection`,
    signal,
    (inner) =>
      new Promise((resolve, reject) => {
        const socket = connect(path);
        const stop = (): void => void socket.destroy();
        inner.addEventListener('abort', stop, { once: true });
        socket.once('connect', () => {
          inner.removeEventListener('abort', stop);
          socket.removeAllListeners();
          resolve(socket);
        });
        socket.once('error', (error: NodeJS.ErrnoException) => {
          socket.destroy();
          if (NOBODY.has(error.code)) resolve(undefined);
          else reject(error);
        });
      }),
  );
  return dialling.catch((error: unknown) => {
    // EAGAIN: as many connections wait as may, whose clients may be long gone.
    const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
    throw isFull || isErrorCode(error, 'timeout') ? silence(place, error) : error;
  });
}

/** Whether that is what an error says. */
export function isSilence(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'broker-silent';
}

/** That a broker runs and does not answer, and which process that is. */
export function silence(place: BrokerPaths, cause: unknown): ProblemError {
  return new ProblemError('timeout', { code: 'broker-silent', ...findSilent(place) }, { cause });
}
