/**
 * The client of relay.ts, a process of its own: does what it is asked by messages, one after the
 * other, and answers each with how long it took. Every byte of a stream is compared.
 */
import { connect, type Socket } from 'node:net';
import { PatternCheck } from '../support/pattern';

interface Work {
  readonly host: string;
  readonly port: number;
  readonly count: number;
}

export type ClientWork =
  /** So many streams at once of so many bytes each. */
  | (Work & { readonly kind: 'streams'; readonly lengthBytes: number })
  /** So many connections, one after the other, with a byte there and back; fewer after the limit. */
  | (Work & { readonly kind: 'connections'; readonly limitSeconds: number });

export type ClientAnswer =
  { readonly done: number; readonly seconds: number } | { readonly error: string };

const BUFFER_BYTES = 256 * 1024;

async function streams(work: Work, lengthBytes: number): Promise<ClientAnswer> {
  const { count } = work;
  const sockets = await Promise.all(Array.from({ length: count }, () => open(work)));
  const startMs = performance.now();
  await Promise.all(sockets.map((stream) => stream.take(lengthBytes)));
  return { done: count, seconds: (performance.now() - startMs) / 1000 };
}

interface Stream {
  take(lengthBytes: number): Promise<void>;
}

function open({ host, port }: Work): Promise<Stream> {
  const check = new PatternCheck();
  const buffer = Buffer.alloc(BUFFER_BYTES);
  return new Promise((opened, failed) => {
    const socket = connect({
      ...{ host, port },
      onread: {
        buffer,
        callback(readBytes) {
          check.take(buffer.subarray(0, readBytes));
          return true;
        },
      },
    });
    socket.once('error', failed);
    socket.once('connect', () => opened({ take: (length) => take(socket, check, length) }));
  });
}

function take(socket: Socket, check: PatternCheck, lengthBytes: number): Promise<void> {
  const request = Buffer.alloc(8);
  request.writeBigUInt64BE(BigInt(lengthBytes));
  socket.write(request);
  return new Promise((done, failed) => {
    socket.once('error', failed);
    socket.once('close', () => failed(new Error('the connection broke')));
    socket.once('end', () => {
      if (check.lengthBytes === lengthBytes) done();
      else failed(new Error(`${check.lengthBytes} of ${lengthBytes} bytes came`));
    });
  });
}

async function connections(work: Work, limitSeconds: number): Promise<ClientAnswer> {
  const startMs = performance.now();
  const passed = (): number => (performance.now() - startMs) / 1000;
  let done = 0;
  while (done < work.count && passed() < limitSeconds) {
    await byteThereAndBack(work);
    done++;
  }
  return { done, seconds: passed() };
}

function byteThereAndBack({ host, port }: Work): Promise<void> {
  return new Promise((done, failed) => {
    const socket = connect({ host, port }, () => socket.write('x'));
    socket.once('error', failed);
    socket.once('data', () => {
      socket.once('close', () => done());
      socket.destroy();
    });
    socket.once('end', () => failed(new Error('the byte did not come back')));
  });
}

function perform(work: ClientWork): Promise<ClientAnswer> {
  switch (work.kind) {
    case 'streams':
      return streams(work, work.lengthBytes);
    case 'connections':
      return connections(work, work.limitSeconds);
  }
}

process.on('message', (work: ClientWork) => {
  void perform(work)
    .catch((error: unknown): ClientAnswer => ({ error: String(error) }))
    .then((answer) => process.send?.(answer));
});
// A byte that was not the pattern's is found outside of any promise.
process.on('uncaughtException', (error) => process.send?.({ error: String(error) }));
