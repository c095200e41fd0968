import type { Duplex } from 'node:stream';

/** The server side of a protocol, without a socket. */
export interface ServerRole {
  receive(chunk: Uint8Array): void;
  takeOutput(): Uint8Array;
  dispose(): void;
}

/**
 * Connects a server role to a stream. Output is taken only when the stream has room, because the
 * roles squash what a slow client misses.
 */
export function attachServer(stream: Duplex, create: (onOutput: () => void) => ServerRole): void {
  let hasRoom = true;
  const flush = (): void => {
    if (!hasRoom || stream.destroyed) return;
    const bytes = role.takeOutput();
    if (bytes.byteLength > 0) hasRoom = stream.write(bytes);
  };
  const role = create(() => void Promise.resolve().then(flush));
  stream.on('drain', () => {
    hasRoom = true;
    flush();
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      role.receive(chunk);
      flush();
    } catch (error) {
      flush();
      stream.destroy(error instanceof Error ? error : undefined);
    }
  });
  stream.on('error', () => undefined);
  stream.on('end', () => stream.end());
  stream.on('close', () => role.dispose());
  flush();
}
