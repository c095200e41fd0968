import { createServer } from 'node:net';

/**
 * A TCP port of 127.0.0.1 that nobody uses now. Someone else could take it before we do, so only
 * where a number must be known before the one who listens is started.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
