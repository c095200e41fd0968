import { type OnReadOpts, Socket } from 'node:net';

/** What Node takes, too, and its types do not know. */
export interface BareOptions {
  readonly onread?: OnReadOpts;
  readonly highWaterMark?: number;
}

/**
 * Takes a connection that has just arrived over an IPC channel. Node creates its socket without the
 * options we need, so its handle goes into a socket of our own before a first byte could be read (in
 * the same turn of the event loop). It is paused, and keeps its writing side open when the peer ends.
 */
export function adoptSocket(received: Socket, options: BareOptions = {}): Socket {
  const handle = takeHandle(received);
  handle?.readStop();
  return bare(handle, options);
}

/**
 * Takes the connection out of a paused socket, which closes without it: what remains can be sent to
 * another process, and nothing here, such as its server, counts it any more.
 */
export function detachSocket(socket: Socket): DetachedSocket {
  const handle = takeHandle(socket);
  socket.destroy();
  return { socket: bare(handle, {}), reset: () => handle?.reset(() => undefined) };
}

/** What remains of a socket: a connection to be sent. */
export interface DetachedSocket {
  readonly socket: Socket;
  /** Closes it by a reset, even if it has been sent and not arrived. */
  readonly reset: () => void;
}

interface Handle {
  readStop(): void;
  reset(onReset: () => void): void;
}

function takeHandle(socket: Socket): Handle | null {
  const holder = socket as unknown as { _handle: Handle | null };
  const handle = holder._handle;
  holder._handle = null;
  return handle;
}

function bare(handle: Handle | null, options: BareOptions): Socket {
  const own = { handle, allowHalfOpen: true, pauseOnCreate: true, ...options };
  const socket = new Socket(own);
  socket.on('error', () => undefined);
  return socket;
}
