import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CircuitInterceptor, InterceptCircuit } from '../../services/host/connection';
import type { Sift, FixedBufferReader } from './fixedBufferReader';
import { ReadingHolds } from './readingHolds';

/** A client with this many unread bytes gets no more answers. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/**
 * Joins two connections to one: bytes, ends and resets of each side go to the other, and a slow
 * side slows down the other one. Both must be paused and keep their writing side open when the peer
 * ends (allowHalfOpen). `reader` is the FixedBufferReader that `upstream` was created with, if any.
 * `intercept` creates what sees, and may change, the bytes of this connection; `holds` are the
 * client's, if others keep it from being read, too.
 */
export function pipeBoth(
  client: Socket,
  upstream: Duplex,
  reader: FixedBufferReader | undefined,
  intercept?: InterceptCircuit,
  holds = new ReadingHolds(client),
): void {
  const attached = reader && upstream instanceof Socket ? { reader, upstream } : undefined;
  const interceptor = intercept && makeInterceptor(client, attached?.reader, intercept);
  passEndings(client, upstream, interceptor);
  passEndings(upstream, client);
  const fromClient: Sift | undefined = interceptor && ((bytes) => interceptor.fromClient(bytes));
  passBytes(client, upstream, holds, fromClient);
  const fromServer: Sift | undefined = interceptor && ((bytes) => interceptor.fromServer(bytes));
  if (attached) attached.reader.attach(attached.upstream, client, fromServer);
  else passBytes(upstream, client, new ReadingHolds(upstream), fromServer);
}

/** Answers go out once for all questions of a turn of the event loop. */
function makeInterceptor(
  client: Socket,
  reader: FixedBufferReader | undefined,
  intercept: InterceptCircuit,
): CircuitInterceptor {
  let isDue = false;
  const interceptor = intercept(() => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      if (client.destroyed || client.writableEnded) return;
      const answers = interceptor.takeAnswers();
      if (answers.length === 0 || client.writableLength > MAX_UNREAD_BYTES) return;
      if (reader) reader.write(answers);
      else client.write(answers);
    });
  });
  const { remoteAddress: host, remotePort: port } = client;
  if (host !== undefined && port !== undefined) interceptor.noteClient?.({ host, port });
  client.once('close', () => interceptor.dispose());
  return interceptor;
}

/**
 * What a socket brings goes on at once. What an exec's stream brings in one turn of the event loop
 * leaves in one system call: an engine delivers pieces of 32 KiB at most, and a send over loopback
 * costs more than what it carries.
 */
function passBytes(from: Duplex, to: Duplex, holds: ReadingHolds, intercept: Sift = whole): void {
  const isAtOnce = from instanceof Socket;
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    to.uncork();
  };
  from.on('data', (bytes: Buffer) => {
    if (to.destroyed || to.writableEnded) return;
    const parts = intercept(bytes);
    if (!isCorked && (!isAtOnce || parts.length > 1)) {
      isCorked = true;
      to.cork();
      if (!isAtOnce) setImmediate(uncork);
    }
    let isTaken = true;
    for (const part of parts) isTaken = to.write(part);
    if (isAtOnce && isCorked) uncork();
    if (!isTaken) holds.hold('full');
  });
  to.on('drain', () => holds.release('full'));
  // A closed stream accepts nothing: keep reading and discard, so that the end is seen.
  to.on('close', () => holds.release('full'));
  holds.release('full');
}

const whole: Sift = (bytes) => [bytes];

function passEndings(from: Duplex, to: Duplex, interceptor?: CircuitInterceptor): void {
  const fail = (): void => {
    // A peer that closed after its end answers our bytes with a reset. What it had sent before is
    // complete, and a slow reader on the other side must still get all of it.
    if (!from.readableEnded) reset(to);
  };
  from.on('error', fail);
  from.on('close', fail);
  from.on('end', () => {
    if (to.destroyed || to.writableEnded) return;
    const rest = interceptor?.clientEnded();
    if (rest && rest.length > 0) to.write(rest);
    to.end();
  });
}

/**
 * Resets a connection: tells the peer that bytes are missing, instead of pretending that the stream
 * ended in an orderly way. Bytes written before go out first.
 */
export function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  // While a shutdown is in progress libuv refuses a reset, and Node considers the handle closed all
  // the same: it stays for good, and the process cannot exit. All bytes are with the kernel by
  // then.
  const isEnding = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0;
  if (isEnding) stream.destroy();
  // Absent before Node 18.3, which containers may have; an end is all that is left then.
  else if (stream instanceof Socket && 'resetAndDestroy' in stream) stream.resetAndDestroy();
  else stream.destroy(new Error('connection reset'));
}
