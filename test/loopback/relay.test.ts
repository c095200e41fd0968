import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Socket } from 'node:net';
import { DisposableStore, toDisposable } from '../../src/base/disposable';
import { TransportError } from '../../src/base/errors';
import type { Endpoint } from '../../src/model/endpoint';
import type { Relay } from '../../src/services/host/connection';
import { type Log, silentLog } from '../../src/base/log';
import { Carrier } from '../../src/node/relay/carrier';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { reset } from '../../src/node/relay/pipeBoth';
import { openTcpRelay, type Dial, type TcpRelayOptions } from '../../src/node/relay/tcpRelay';
import {
  failureOf,
  readPattern,
  readText,
  startServer,
  writePattern,
  type TestServer,
} from '../support/patternServer';
import { socketInodesOf } from '../support/lab/process';
import { PatternCheck } from '../support/pattern';
import { until } from '../support/until';

const LOCAL: Endpoint = { host: '127.0.0.1', port: 0 };
const BULK_BYTES = 24 * 1024 * 1024;
/** More than all buffers of the kernel and of the relay together. */
const STUCK_BYTES = 64 * 1024 * 1024;

for (const isCarried of [false, true]) {
  describe(isCarried ? 'TcpRelay with a carrier' : 'TcpRelay', () => {
    const carrier = isCarried ? new Carrier(silentLog) : undefined;
    after(() => carrier?.dispose());

    const store = { current: new DisposableStore() };
    afterEach(() => {
      store.current.dispose();
      store.current = new DisposableStore();
    });

    async function serve(onConnection?: (socket: Socket) => void): Promise<TestServer> {
      const server = await startServer(onConnection);
      store.current.add(toDisposable(() => server.close()));
      return server;
    }

    async function relayTo(port: number, withOnread = true): Promise<Relay> {
      return open(async (signal, onread) => ({
        stream: await connectTcp(
          { host: '127.0.0.1', port },
          signal,
          withOnread ? onread : undefined,
        ),
        usesOnread: withOnread,
      }));
    }

    async function open(dial: Dial, options: TcpRelayOptions = {}): Promise<Relay> {
      const result = await openTcpRelay(LOCAL, dial, {
        ...(carrier && { carrier }),
        ...options,
      });
      assert.equal(result.kind, 'listening');
      return store.current.add(result.relay);
    }

    function client(relay: Relay): Socket {
      const socket = connect({ ...relay.local, allowHalfOpen: true });
      socket.on('error', () => undefined);
      store.current.add(toDisposable(() => socket.destroy()));
      return socket;
    }

    it('at its limit ends the oldest client that never said a word, and no other', async () => {
      const server = await serve();
      const dial: Dial = async (signal) => ({
        stream: await connectTcp({ host: '127.0.0.1', port: server.port }, signal),
        usesOnread: false,
      });
      const relay = await open(dial, { maxConnections: 3 });
      const [talking, silent, other] = [client(relay), client(relay), client(relay)];
      talking.write('x');
      const far = await server.accepted();
      await once(far, 'data');
      await until(() => relay.connectionCount === 3, 5000, 'three clients');
      const silentGone = new Promise((resolve) => silent.once('close', resolve));
      const late = client(relay);
      late.write('y');
      await silentGone;
      await until(() => relay.connectionCount === 3, 5000, 'three clients again');
      assert.deepEqual(
        [talking, other, late].map((socket) => socket.destroyed),
        [false, false, false],
      );
    });

    for (const withOnread of isCarried ? [false] : [true, false]) {
      const how = withOnread ? 'with a static buffer' : "by 'data'";

      it(`carries every byte both routes at once, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        const far = await server.accepted();
        const sending = [near, far].map(async (socket) => {
          await writePattern(socket, BULK_BYTES);
          socket.end();
        });
        const lengths = await Promise.all([readPattern(near), readPattern(far), ...sending]);
        assert.deepEqual(lengths.slice(0, 2), [BULK_BYTES, BULK_BYTES]);
      });

      it(`passes ends on one by one, ${how}`, async () => {
        const server = await serve();
        const relay = await relayTo(server.port, withOnread);
        const near = client(relay);
        const far = await server.accepted();
        near.end('question');
        assert.equal(await readText(far), 'question');
        far.write('late ');
        far.end('answer');
        assert.equal(await readText(near), 'late answer');
        await until(() => relay.connectionCount === 0, 5_000, 'the connection to be forgotten');
      });

      it(`loses nothing for a reader that begins after the sender has closed, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        near.pause();
        const far = await server.accepted();
        // Sends what the buffers hold, and one of them more than it may, before anyone reads.
        const sent = writePattern(far, BULK_BYTES).then(() => far.end());
        await until(() => far.writableNeedDrain, 5_000, 'the sender to be held up');
        const check = new PatternCheck();
        near.on('data', (bytes: Buffer) => {
          check.take(bytes);
          near.pause();
          setImmediate(() => near.resume());
        });
        near.resume();
        await once(near, 'end');
        await sent;
        assert.equal(check.lengthBytes, BULK_BYTES);
      });

      it(`stops the sender of a reader that does not read, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        near.pause();
        const far = await server.accepted();
        let sentBytes = 0;
        void writePattern(far, STUCK_BYTES).catch(() => undefined);
        await until(
          () => {
            const isStill = sentBytes === far.bytesWritten - far.writableLength && sentBytes > 0;
            sentBytes = far.bytesWritten - far.writableLength;
            return isStill && far.writableNeedDrain;
          },
          10_000,
          'the sender to be stopped',
        );
        assert.ok(sentBytes < STUCK_BYTES, `${sentBytes} bytes left the sender`);
      });

      it(`passes a reset of the far end on, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        const far = await server.accepted();
        far.resetAndDestroy();
        assert.equal(await failureOf(near), 'ECONNRESET');
      });

      it(`passes a reset of the client on, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        const far = await server.accepted();
        near.write('x');
        await once(far, 'data');
        near.resetAndDestroy();
        assert.equal(await failureOf(far), 'ECONNRESET');
      });

      it(`delivers all that was said before a far end closed while we still wrote, ${how}`, async () => {
        const server = await serve();
        const near = client(await relayTo(server.port, withOnread));
        near.pause();
        const far = await server.accepted();
        await writePattern(far, 100_000);
        far.destroySoon();
        await once(far, 'close');
        near.write('nobody reads this any more');
        near.write('and this is answered by a reset');
        assert.equal(await readPattern(near), 100_000);
      });
    }

    it('resets a client whose far end refuses, and goes on', async () => {
      const server = await serve();
      let port = await closedPort();
      const relay = await open(async (signal) => ({
        stream: await connectTcp({ host: '127.0.0.1', port }, signal),
        usesOnread: false,
      }));
      assert.equal(await failureOf(client(relay)), 'ECONNRESET');
      assert.match(relay.failure?.message ?? '', /nothing listens on/);
      port = server.port;
      const near = client(relay);
      (await server.accepted()).end('hello');
      assert.equal(await readText(near), 'hello');
      assert.equal(relay.failure, undefined);
    });

    it('resets circuits to an address that is there no more, and no other', async () => {
      const server = await serve();
      let known: string[] | undefined = ['127.0.0.1'];
      const dial: Dial = async (signal) => ({
        stream: await connectTcp({ host: '127.0.0.1', port: server.port }, signal),
        usesOnread: false,
      });
      const relay = await open(dial, { hasAddress: (address) => known?.includes(address) });
      const joined = async (): Promise<Socket> => {
        const near = client(relay);
        near.write('x');
        await once(await server.accepted(), 'data');
        return near;
      };
      const lost = await joined();
      known = undefined;
      relay.dropStale();
      const other = await joined();
      known = [];
      const failure = failureOf(lost);
      relay.dropStale();
      assert.equal(await failure, 'ECONNRESET');
      // Where that one led was not known to be an address of the network.
      await until(() => relay.connectionCount === 1, 5000, 'the other one');
      assert.equal(other.destroyed, false);
    });

    it('closes the far end of a client that was gone before it was reached', async () => {
      const server = await serve();
      const dialling = new Signal();
      const proceed = new Signal();
      const relay = await open(async (signal) => {
        dialling.fire();
        await proceed.fired;
        const stream = await connectTcp({ host: '127.0.0.1', port: server.port }, signal);
        return { stream, usesOnread: false };
      });
      const near = client(relay);
      await dialling.fired;
      near.resetAndDestroy();
      await once(near, 'close');
      proceed.fire();
      const far = await server.accepted();
      if (!far.errored) await Promise.race([once(far, 'error'), once(far, 'end')]);
      far.end();
      await until(() => relay.connectionCount === 0, 5_000, 'the client to be forgotten');
    });

    it('keeps connections apart', async () => {
      const server = await serve((socket) => socket.pipe(socket));
      const relay = await relayTo(server.port);
      const lengths = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const near = client(relay);
          const [length] = await Promise.all([
            readPattern(near),
            writePattern(near, 300_000).then(() => near.end()),
          ]);
          return length;
        }),
      );
      assert.deepEqual(new Set(lengths), new Set([300_000]));
    });

    it('goes on for others while one does not read', async () => {
      const server = await serve();
      const relay = await relayTo(server.port);
      const stuck = client(relay);
      stuck.pause();
      void writePattern(await server.accepted(), STUCK_BYTES).catch(() => undefined);
      const near = client(relay);
      (await server.accepted()).end('hello');
      assert.equal(await readText(near), 'hello');
    });

    it('says that a port is taken, or an address not ours', async () => {
      const server = await serve();
      const never: Dial = () => Promise.reject(new TransportError('not reached'));
      const taken = await openTcpRelay({ host: '127.0.0.1', port: server.port }, never);
      assert.equal(taken.kind, 'port-taken');
      const foreign = await openTcpRelay({ host: '192.0.2.1', port: 0 }, never);
      assert.equal(foreign.kind, 'address-unavailable');
    });

    it('listens on its own loopback address under the same number', async function () {
      if (process.platform !== 'linux') this.skip(); // elsewhere only 127.0.0.1 is there
      const server = await serve((socket) => socket.end('the same number'));
      const result = await openTcpRelay(
        { host: '127.0.0.2', port: server.port },
        async (signal) => ({
          stream: await connectTcp({ host: '127.0.0.1', port: server.port }, signal),
          usesOnread: false,
        }),
      );
      assert.equal(result.kind, 'listening');
      store.current.add(result.relay);
      assert.deepEqual(result.relay.local, { host: '127.0.0.2', port: server.port });
      assert.equal(await readText(client(result.relay)), 'the same number');
    });

    it('ends every connection when disposed, and may be disposed twice', async () => {
      const server = await serve();
      const relay = await relayTo(server.port);
      const near = client(relay);
      const far = await server.accepted();
      near.write('joined');
      await once(far, 'data');
      relay.dispose();
      relay.dispose();
      await Promise.all([failureOf(near), failureOf(far)]);
      const late = client(relay);
      assert.equal(await failureOf(late), 'ECONNREFUSED');
    });

    it('retires: listens no more, and its connections get everything', async () => {
      const server = await serve();
      const relay = await relayTo(server.port);
      const near = client(relay);
      const far = await server.accepted();
      near.write('joined');
      await once(far, 'data');
      const hasEnded = new Promise<Error | undefined>((resolve) => relay.onDidEnd(resolve));
      relay.retire();
      assert.equal(await failureOf(client(relay)), 'ECONNREFUSED');
      const writing = writePattern(far, BULK_BYTES).then(() => far.end());
      assert.equal(await readPattern(near), BULK_BYTES);
      near.end();
      await writing;
      assert.equal(await hasEnded, undefined);
      assert.equal(relay.connectionCount, 0);
    });

    it('retires at once when it has no connection', async () => {
      const relay = await relayTo((await serve()).port);
      const hasEnded = new Promise<Error | undefined>((resolve) => relay.onDidEnd(resolve));
      relay.retire();
      assert.equal(await hasEnded, undefined);
    });

    it('closes a socket whose end is under way, which Node cannot reset', async () => {
      const server = await serve();
      const near = connect(server.port, '127.0.0.1');
      store.current.add(toDisposable(() => near.destroy()));
      const far = await server.accepted();
      const errors: Error[] = [];
      far.on('error', (error) => errors.push(error));
      const isClosed = once(far, 'close');
      far.end();
      reset(far);
      await isClosed;
      assert.deepEqual(errors, []);
    });

    it('ends a dial that is under way when disposed', async () => {
      const dialling = new Signal();
      const aborted = new Signal();
      const relay = await open((signal) => {
        dialling.fire();
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            aborted.fire();
            reject(new TransportError('aborted'));
          }),
        );
      });
      const near = client(relay);
      await dialling.fired;
      relay.dispose();
      await Promise.all([aborted.fired, failureOf(near)]);
    });
  });
}

describe('Carrier', () => {
  let server: TestServer;
  let relay: Relay;
  let carrier: Carrier;
  const messages: string[] = [];
  const log: Log = (_level, _topic, message) => messages.push(message);
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = await startServer();
    carrier = new Carrier(log);
    const result = await openTcpRelay(
      LOCAL,
      async (signal) => ({
        stream: await connectTcp({ host: '127.0.0.1', port: server.port }, signal),
        usesOnread: false,
      }),
      { carrier: { claim: () => carrier.claim() } },
    );
    assert.equal(result.kind, 'listening');
    relay = result.relay;
  });
  afterEach(() => {
    relay.dispose();
    carrier.dispose();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    messages.length = 0;
  });

  async function joined(): Promise<{ near: Socket; far: Socket }> {
    const near = connect({ ...relay.local, allowHalfOpen: true });
    sockets.push(near);
    near.on('error', () => undefined);
    const far = await server.accepted();
    near.write('joined');
    await once(far, 'data');
    return { near, far };
  }

  it('that is killed ends its circuits, and the next ones have another', async () => {
    const { near, far } = await joined();
    const [pid] = childrenNamed('carrier.js');
    assert.ok(pid !== undefined);
    const ends = [near, far].map((socket) => once(socket.resume(), 'close'));
    near.end();
    far.end();
    process.kill(pid, 'SIGKILL');
    await Promise.all(ends);
    await until(() => relay.connectionCount === 0, 5000, 'the circuit to be forgotten');
    assert.match(messages.join(), /the carrier of circuits ended/);
    const next = await joined();
    assert.notEqual(childrenNamed('carrier.js')[0], pid);
    next.far.end('still here');
    assert.equal(await readText(next.near), 'still here');
  });

  it('that fails at once is not tried again', async () => {
    carrier = new Carrier(log, join(tmpdir(), 'there-is-no-such-program.js'));
    const near = connect(relay.local);
    sockets.push(near.on('error', () => undefined).resume());
    const far = await server.accepted();
    far.on('error', () => undefined).resume();
    await Promise.all(
      [near, far].map((socket) => new Promise((gone) => socket.once('close', gone))),
    );
    await until(() => relay.connectionCount === 0, 5000, 'the circuit to be forgotten');
    assert.match(messages.join(), /the carrier of circuits ended: .*Cannot find module/s);
    const next = await joined();
    next.far.end('carried here');
    assert.equal(await readText(next.near), 'carried here');
    assert.deepEqual(childrenNamed('there-is-no-such-program.js'), []);
  });

  it('that stands still is ended, and no client hangs or is forgotten', async function () {
    this.timeout(60_000);
    await joined();
    const before = socketsOf(process.pid);
    const [pid] = childrenNamed('carrier.js');
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    // Some are on their way, some wait for that, and some are carried here.
    const late = Array.from({ length: 40 }, () => {
      const near = connect(relay.local);
      sockets.push(near.on('error', () => undefined));
      near.write('x');
      return near;
    });
    const ends = await Promise.all(
      late.map(async (near) => {
        const gone = new Promise<string>((resolve) => near.once('close', () => resolve('reset')));
        const far = await server.accepted();
        far.on('error', () => undefined).pipe(far);
        sockets.push(far);
        const answered = new Promise<string>((resolve) => near.once('data', () => resolve('here')));
        return Promise.race([gone, answered]);
      }),
    );
    assert.match(messages.join(), /it takes over no circuit/);
    assert.ok(ends.includes('here') && ends.includes('reset'), ends.join(' '));
    const kept = ends.filter((end) => end === 'here').length;
    await until(() => relay.connectionCount === kept, 5000, 'the others to be forgotten');
    assert.deepEqual(
      childrenNamed('carrier.js').filter((one) => one === pid),
      [],
    );
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(() => relay.connectionCount === 0, 5000, 'all to be forgotten');
    await until(() => socketsOf(process.pid) <= before, 5000, 'the sockets to be closed');
  });

  it('holds no socket of ours after it took over', async () => {
    const before = socketsOf(process.pid);
    const all = await Promise.all([joined(), joined(), joined()]);
    const carried = childrenNamed('carrier.js')[0] as number;
    // The ends of the test itself stay: one of a client, one of the server for each.
    await until(() => socketsOf(process.pid) <= before + 2 * all.length + 4, 5000, 'handing over');
    assert.ok(socketsOf(carried) >= 2 * all.length);
  });
});

/** Processes that this one started with a script of that name. */
function childrenNamed(script: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid))
    .filter((pid) => {
      try {
        const parent = /^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return Number(parent) === process.pid && command.some((word) => word.endsWith(script));
      } catch {
        return false; // it has ended
      }
    });
}

function socketsOf(pid: number): number {
  return socketInodesOf(pid).size;
}

class Signal {
  fire: () => void = () => undefined;
  readonly fired = new Promise<void>((resolve) => (this.fire = resolve));
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
