import { createServer, type Server, type Socket } from 'node:net';
import {
  type PvaProvider,
  PvaServerConnection,
  type PvaServerOptions,
} from '../../src/protocol/pva/index';

export interface PvaLoopbackServer {
  readonly port: number;
  /** Ends the listener and every circuit. */
  close(): Promise<void>;
}

/** Serves a provider on a port of 127.0.0.1, one PvaServerConnection a circuit. */
export function servePva(
  provider: PvaProvider,
  options: Partial<PvaServerOptions> = {},
): Promise<PvaLoopbackServer> {
  const sockets = new Set<Socket>();
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.add(socket);
      const send = (): void => {
        // A full socket is answered by waiting: monitors fold their updates meanwhile.
        if (socket.writableNeedDrain) return;
        const bytes = connection.takeOutput();
        if (bytes.byteLength > 0) socket.write(bytes);
      };
      const connection = new PvaServerConnection(provider, {
        guid: '0123456789abcdef01234567',
        tcpPort: portOf(server),
        version: 'test',
        onOutput: () => setImmediate(send),
        ...options,
      });
      socket.on('drain', send);
      socket.on('data', (chunk) => {
        connection.receive(chunk);
        send();
      });
      socket.on('close', () => {
        connection.dispose();
        sockets.delete(socket);
      });
      send();
    });
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () =>
      resolve({
        port: portOf(server),
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            for (const socket of sockets) socket.destroy();
          }),
      }),
    );
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
