import { onAbort } from '../../base/abort';
import { CancelledError, TransportError } from '../../base/errors';
import type { Connection } from '../host/connection';
import { ProtocolLink, type ProtocolObject } from './protocolLink';

/**
 * One short exchange that ends with a result. Owns the connection and closes it. Rejects if the
 * peer closes or breaks the rules first, and with CancelledError.
 */
export function converse<T>(
  connection: Connection,
  signal: AbortSignal,
  start: (settle: (result: T) => void, fail: (error: Error) => void) => ProtocolObject,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (action: () => void): void => {
      aborting.dispose();
      link.dispose();
      action();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const protocol = start((result) => end(() => resolve(result)), fail);
    const link = new ProtocolLink(connection, protocol, {
      onEnd: (error) => fail(error ?? new TransportError('the server closed the connection')),
    });
    const aborting = onAbort(signal, () => {
      link.dispose();
      reject(new CancelledError());
    });
    link.flush();
  });
}
