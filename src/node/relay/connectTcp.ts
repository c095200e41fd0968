import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { onAbort } from '../../base/abort';
import { CancelledError, TransportError, messageOf } from '../../base/errors';
import { formatEndpoint, type Endpoint } from '../../model/endpoint';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects. The socket is paused, so that no byte is lost before it is read, and keeps its writing
 * side open when the peer ends. Rejects with TransportError or CancelledError.
 */
export function connectTcp(
  endpoint: Endpoint,
  signal: AbortSignal,
  onread?: OnReadOpts,
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<Socket> {
  if (signal.aborted) return Promise.reject(new CancelledError());
  // Nothing from outside makes this machine look up a name.
  if (isIP(endpoint.host) === 0) {
    return Promise.reject(new TransportError(`${endpoint.host} is no numeric address`));
  }
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: endpoint.host,
      port: endpoint.port,
      allowHalfOpen: true,
      ...(onread && { onread }),
    });
    socket.pause();
    socket.setNoDelay(true);
    const settle = (error: Error | undefined): void => {
      clearTimeout(timer);
      abortion.dispose();
      socket.off('connect', onConnect);
      // Its 'error' listener stays: a reset must not be fatal before the new owner listens.
      if (error) socket.destroy();
      if (error) reject(error);
      else resolve(socket);
    };
    const onConnect = (): void => settle(undefined);
    socket.on('error', (error) =>
      settle(new TransportError(explain(error, endpoint), { cause: error })),
    );
    socket.on('connect', onConnect);
    const timer = setTimeout(
      () => settle(new TransportError(`${formatEndpoint(endpoint)} does not answer`)),
      timeoutMs,
    );
    const abortion = onAbort(signal, () => settle(new CancelledError()));
  });
}

function explain(error: Error, endpoint: Endpoint): string {
  const where = formatEndpoint(endpoint);
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ECONNREFUSED':
      return `nothing listens on ${where}`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `there is no route to ${where}`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `${where} is an address that this machine cannot use`;
    default:
      return `${where}: ${messageOf(error)}`;
  }
}
