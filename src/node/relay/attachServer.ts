/** Joins a protocol's server role with a stream. */
import type { Duplex } from 'node:stream';

export interface ServerRole {
  receive(chunk: Uint8Array): void;
  takeOutput(): Uint8Array;
  dispose(): void;
}

/** Takes output only when the stream has room: the roles squash what a slow client misses. */
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
