import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { MAX_PATTERN_BYTES, PatternCheck, patternAt } from './pattern';

/** Writes that many bytes of the pattern, as fast as they are taken. */
export async function writePattern(stream: Writable, lengthBytes: number): Promise<void> {
  for (let at = 0; at < lengthBytes;) {
    const chunk = patternAt(at, Math.min(lengthBytes - at, MAX_PATTERN_BYTES));
    at += chunk.length;
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
}

/** Reads to the end and checks every byte; the length read. The writing side stays as it is. */
export async function readPattern(stream: Readable): Promise<number> {
  const check = new PatternCheck();
  await readAll(stream, (bytes) => check.take(bytes));
  return check.lengthBytes;
}

export async function readText(stream: Readable): Promise<string> {
  let text = '';
  await readAll(stream, (bytes) => (text += bytes.toString('latin1')));
  return text;
}

/** Not `for await`, which destroys a duplex stream as soon as its reading side has ended. */
function readAll(stream: Readable, take: (bytes: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', (bytes: Buffer) => {
      try {
        take(bytes);
      } catch (error) {
        stream.destroy(error as Error);
      }
    });
    stream.once('end', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('closed before its end')));
    stream.resume();
  });
}

/** Resolves with the code of the error that a socket gets, or '' when it closes without. */
export function failureOf(socket: Readable): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve(''));
    socket.resume();
  });
}

export interface TestServer {
  readonly port: number;
  readonly sockets: Socket[];
  /** The next connection that was not yet taken. */
  accepted(): Promise<Socket>;
  close(): void;
}

/** A TCP server on 127.0.0.1 whose connections the test handles itself. */
export async function startServer(
  onConnection: (socket: Socket) => void = () => undefined,
  host = '127.0.0.1',
): Promise<TestServer> {
  const sockets: Socket[] = [];
  const untaken: Socket[] = [];
  const takers: ((socket: Socket) => void)[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    onConnection(socket);
    const taker = takers.shift();
    if (taker) taker(socket);
    else untaken.push(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    accepted() {
      const socket = untaken.shift();
      return socket ? Promise.resolve(socket) : new Promise((resolve) => takers.push(resolve));
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
