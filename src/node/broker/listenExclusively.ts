import { chmodSync, closeSync, openSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type BrokerPaths, preparePlace } from './brokerPaths';
import { dialBroker } from './dialBroker';
import { removePid, writePid } from './findSilent';

/**
 * Taking the socket takes milliseconds; a process that is seen to hold the lock longer was killed.
 */
const STALE_LOCK_MS = 3000;
/**
 * A lock this old needs no watching. A clock that was set, or the clock of a file server, is no
 * evidence.
 */
const OLD_LOCK_MS = 60_000;
const LOCK_RETRY_MS = 20;

/**
 * Makes this process, and no other, listen at the broker's socket. Undefined when another broker
 * listens there already. What a killed one has left is replaced.
 */
export async function listenExclusively(
  place: BrokerPaths,
  onConnection: (socket: Socket) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<Server | undefined> {
  preparePlace(place);
  const release = await takeLock(place.lockFile, clock, signal);
  try {
    const other = await dialBroker(place, clock, signal);
    if (other) {
      other.destroy();
      return undefined;
    }
    if (process.platform !== 'win32') rmSync(place.socket, { force: true });
    const server = createServer(onConnection);
    // Nobody else can connect even before the mode is set: the folder is ours alone.
    server.listen(place.socket);
    await once(server, 'listening');
    if (process.platform !== 'win32') chmodSync(place.socket, 0o600);
    writePid(place);
    server.once('close', () => removePid(place));
    return server;
  } finally {
    release();
  }
}

async function takeLock(path: string, clock: Clock, signal: AbortSignal): Promise<() => void> {
  let watched: { readonly madeMs: number; readonly sinceMs: number } | undefined;
  for (;;) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
      if (madeMs === undefined) continue;
      if (watched?.madeMs !== madeMs) watched = { madeMs, sinceMs: clock.nowMs() };
      const isStale = clock.nowMs() - watched.sinceMs > STALE_LOCK_MS;
      if (isStale || clock.wallMs() - madeMs > OLD_LOCK_MS) rmSync(path, { force: true });
      else await delay(clock, LOCK_RETRY_MS, signal);
    }
  }
}
