import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { StaticReader } from './staticReader';

/**
 * Makes one connection of two: bytes, ends and resets of each side go to the other, and a side that
 * is slow slows the other one down. Both must keep their writing side when the peer ends
 * (allowHalfOpen) and be paused. `reader` is what `upstream` was made with, if with one.
 */
export function joinStreams(
  client: Socket,
  upstream: Duplex,
  reader: StaticReader | undefined,
): void {
  passEndings(client, upstream);
  passEndings(upstream, client);
  passBytes(client, upstream);
  if (reader && upstream instanceof Socket) reader.attach(upstream, client);
  else passBytes(upstream, client);
}

/**
 * What arrives in one turn of the event loop leaves in one system call: an engine's exec brings
 * pieces of 32 KiB at most, and a send over loopback costs more than what it carries.
 */
function passBytes(from: Duplex, to: Duplex): void {
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    to.uncork();
  };
  from.on('data', (bytes: Buffer) => {
    if (to.destroyed || to.writableEnded) return;
    if (!isCorked) {
      isCorked = true;
      to.cork();
      setImmediate(uncork);
    }
    if (!to.write(bytes)) from.pause();
  });
  to.on('drain', () => from.resume());
  // What is closed takes nothing any more: read on and forget, so that the end is seen.
  to.on('close', () => from.resume());
  from.resume();
}

function passEndings(from: Duplex, to: Duplex): void {
  const fail = (): void => {
    // After its end a peer that closed answers our bytes with a reset. What it had said before is
    // complete, and a slow reader on the other side must still get all of it.
    if (!from.readableEnded) reset(to);
  };
  from.on('error', fail);
  from.on('close', fail);
  from.on('end', () => {
    if (!to.destroyed && !to.writableEnded) to.end();
  });
}

/**
 * Tells the peer that bytes are missing, instead of pretending that the stream ended in order. What
 * was written to it before goes out first.
 */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  // Absent before Node 18.3, which containers may have; an end is all that is left then.
  if (stream instanceof Socket && 'resetAndDestroy' in stream) stream.resetAndDestroy();
  else stream.destroy(new Error('connection reset'));
}
