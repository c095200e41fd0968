/** Our agents as real processes over pipes: what an engine's exec does, without an engine. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { createServer } from 'node:net';
import { Duplex } from 'node:stream';
import type { Clock } from '../../src/base/clock';
import { DisposableStore, toDisposable } from '../../src/base/disposable';
import { isErrorCode } from '../../src/base/errors';
import { AgentLink } from '../../src/node/containers/agentLink';
import { NODE_AGENT, PYTHON_AGENT } from '../../src/node/containers/execAgent';
import type { MuxStream } from '../../src/node/relay/muxLink';
import { systemClock } from '../../src/node/systemClock';
import {
  FrameType,
  MAGIC,
  WINDOW_BYTES,
  encodeFrame,
  encodeOpen,
} from '../../src/protocol/agent/frames';
import {
  parseLookSections,
  socketsOf,
  descriptorsOf,
} from '../../src/services/discovery/detect/parseLook';
import {
  failureOf,
  readPattern,
  readText,
  startServer,
  writePattern,
  type TestServer,
} from '../support/patternServer';
import { until } from '../support/until';

const signal = new AbortController().signal;
setMaxListeners(0, signal);
const BULK_BYTES = 16 * 1024 * 1024;
const STUCK_BYTES = 64 * 1024 * 1024;

for (const program of [NODE_AGENT, PYTHON_AGENT]) {
  describe(`agent in ${program.interpreter}`, function () {
    const store = { current: new DisposableStore() };
    before(function () {
      if (spawnSync(program.interpreter, ['--version']).status !== 0) this.skip();
    });
    afterEach(() => {
      store.current.dispose();
      store.current = new DisposableStore();
    });

    function spawnAgent(): ChildProcess {
      const [command = '', ...parameters] = program.commands()[0] ?? [];
      const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
      store.current.add(toDisposable(() => child.kill('SIGKILL')));
      return child;
    }

    async function start(child = spawnAgent(), clock: Clock = systemClock): Promise<AgentLink> {
      const { stdin, stdout } = child;
      assert.ok(stdin && stdout);
      const stdio = Duplex.from({ readable: stdout, writable: stdin });
      const session = { stdio, stderrText: () => '', exitCode: () => Promise.resolve(undefined) };
      return store.current.add(await AgentLink.start(session, clock, signal));
    }

    async function serve(...parameters: Parameters<typeof startServer>): Promise<TestServer> {
      const server = await startServer(...parameters);
      store.current.add(toDisposable(() => server.close()));
      return server;
    }

    const dial = (link: AgentLink, port: number): Promise<MuxStream> =>
      link.connect({ host: '127.0.0.1', port }, signal);

    it('carries every byte both routes at once', async () => {
      const [link, server] = [await start(), await serve()];
      const near = await dial(link, server.port);
      const far = await server.accepted();
      const sending = [near, far].map(async (stream) => {
        await writePattern(stream, BULK_BYTES);
        stream.end();
      });
      const lengths = await Promise.all([readPattern(near), readPattern(far), ...sending]);
      assert.deepEqual(lengths.slice(0, 2), [BULK_BYTES, BULK_BYTES]);
    });

    it('passes ends on one by one', async () => {
      const [link, server] = [await start(), await serve()];
      const near = await dial(link, server.port);
      const far = await server.accepted();
      near.end('question');
      assert.equal(await readText(far), 'question');
      far.write('late ');
      far.end('answer');
      assert.equal(await readText(near), 'late answer');
      await until(() => near.destroyed && far.destroyed, 5_000, 'both to be closed');
    });

    it('loses nothing of a server that speaks first and closes at once', async () => {
      const server = await serve(
        (socket) => void writePattern(socket, 500_000).then(() => socket.end()),
      );
      const link = await start();
      for (let round = 0; round < 20; round++) {
        const near = await dial(link, server.port);
        assert.equal(await readPattern(near), 500_000);
        near.end();
      }
    });

    it('passes resets on, both routes', async () => {
      const [link, server] = [await start(), await serve()];
      const first = await dial(link, server.port);
      (await server.accepted()).resetAndDestroy();
      assert.match(await failureOf(first), /reset|transport/);
      const second = await dial(link, server.port);
      const far = await server.accepted();
      second.destroy();
      assert.equal(await failureOf(far), 'ECONNRESET');
    });

    it('takes what we still write after the far end has closed', async () => {
      const [link, server] = [await start(), await serve()];
      const near = await dial(link, server.port);
      const far = await server.accepted();
      await writePattern(far, 300_000);
      far.destroySoon();
      assert.equal(await readPattern(near), 300_000);
      const failure = failureOf(near);
      // More than credit allows, so that it must be given for bytes that go nowhere.
      await writePattern(near, 2 * WINDOW_BYTES);
      near.end();
      assert.equal(await failure, '');
    });

    it('stops one that is not read, and goes on for the others', async () => {
      const [link, server] = [await start(), await serve()];
      const stuck = await dial(link, server.port);
      const stuckFar = await server.accepted();
      void writePattern(stuckFar, STUCK_BYTES).catch(() => undefined);
      await until(() => stuckFar.writableNeedDrain, 5_000, 'the sender to be held up');
      const near = await dial(link, server.port);
      const far = await server.accepted();
      void writePattern(far, BULK_BYTES).then(() => far.end());
      assert.equal(await readPattern(near), BULK_BYTES);
      assert.ok(stuckFar.writableNeedDrain);
      stuck.destroy();
      near.end();
    });

    it('stops us when the server does not read, and goes on for the others', async () => {
      const [link, server] = [await start(), await serve()];
      const stuck = await dial(link, server.port);
      (await server.accepted()).pause();
      void writePattern(stuck, STUCK_BYTES).catch(() => undefined);
      await until(() => stuck.writableNeedDrain, 5_000, 'us to be held up');
      const near = await dial(link, server.port);
      const far = await server.accepted();
      void writePattern(near, BULK_BYTES).then(() => near.end());
      assert.equal(await readPattern(far), BULK_BYTES);
      assert.ok(stuck.writableNeedDrain);
      stuck.destroy();
      near.destroy();
    });

    it('keeps a hundred connections apart', async () => {
      const server = await serve((socket) => socket.pipe(socket));
      const link = await start();
      const lengths = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const near = await dial(link, server.port);
          const writing = writePattern(near, 200_000).then(() => near.end());
          const length = await readPattern(near);
          await writing;
          return length;
        }),
      );
      assert.deepEqual(new Set(lengths), new Set([200_000]));
    });

    it('says why it cannot connect', async () => {
      const link = await start();
      const port = await closedPort();
      await assert.rejects(dial(link, port), (error: Error) => {
        return (
          isErrorCode(error, 'transport') &&
          error.message === `nothing listens on 127.0.0.1:${port}`
        );
      });
      await assert.rejects(link.connect({ host: 'no-address', port: 1 }, signal), /no-address/);
    });

    it('reaches IPv6 listeners', async function () {
      const server = await serve(undefined, '::1').catch(() => undefined);
      if (!server) return this.skip(); // no IPv6 here
      const link = await start();
      const near = await link.connect({ host: '::1', port: server.port }, signal);
      (await server.accepted()).end('six');
      assert.equal(await readText(near), 'six');
      near.end();
    });

    it('does not keep a connection that was given up', async () => {
      const [link, server] = [await start(), await serve()];
      const giveUp = new AbortController();
      const dialled = link.connect({ host: '127.0.0.1', port: server.port }, giveUp.signal);
      giveUp.abort();
      await assert.rejects(dialled, (error) => isErrorCode(error, 'cancelled'));
      assert.equal(await failureOf(await server.accepted()), 'ECONNRESET');
    });

    it('that is killed resets all its connections', async () => {
      const child = spawnAgent();
      const [link, server] = [await start(child), await serve()];
      const streams = [await dial(link, server.port), await dial(link, server.port)];
      const failures = streams.map(failureOf);
      child.kill('SIGKILL');
      for (const failure of await Promise.all(failures)) assert.notEqual(failure, '');
      await assert.rejects(dial(link, server.port));
      assert.ok(link.isClosed);
    });

    it('ends with its input, and its connections with it', async () => {
      const child = spawnAgent();
      const [link, server] = [await start(child), await serve()];
      await dial(link, server.port);
      const far = await server.accepted();
      const exited = once(child, 'exit');
      const closed = once(far.resume(), 'end').catch(() => undefined);
      link.dispose();
      assert.deepEqual(await exited, [0, null]);
      await closed;
    });

    it('looks at its namespace', async () => {
      const [link, server] = [await start(), await serve()];
      const ask = async (command: string) =>
        parseLookSections(await link.look(`@m ${command}`, signal), '@m');
      const ours = socketsOf(await ask('s')).find(({ port }) => port === server.port);
      assert.equal(ours?.host, '127.0.0.1');
      const { inodesOfPid } = descriptorsOf(await ask('f'));
      assert.ok(inodesOfPid.get(process.pid)?.includes(ours.inode));
      const counters = (await ask('c')).map(({ text }) => text).join('');
      assert.match(counters, /TCP: inuse \d+/);
      const names = (await ask(`p ${process.pid}`)).map(({ name, pid }) => `${name} ${pid}`);
      const wanted = ['stat', 'cmdline', 'environ', 'cwd'].map((name) => `${name} ${process.pid}`);
      assert.deepEqual(names, wanted);
    });

    it('understands frames however they are cut', async () => {
      const server = await serve((socket) => socket.pipe(socket));
      const child = spawnAgent();
      const { stdin, stdout } = child;
      assert.ok(stdin && stdout);
      let answer = Buffer.alloc(0);
      stdout.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
      const write = (...frames: Uint8Array[]): void => {
        for (const byte of Buffer.concat(frames)) stdin.write(Buffer.of(byte));
      };
      write(
        encodeFrame(FrameType.TICK, 0),
        encodeFrame(FrameType.OPEN, 7, encodeOpen('127.0.0.1', server.port)),
      );
      const opened = Buffer.from(encodeFrame(FrameType.OPENED, 7));
      await until(() => answer.includes(opened), 5_000, 'the connection');
      const ofLaterVersion = encodeFrame(FrameType.TICK, 7, Buffer.from('something'));
      ofLaterVersion[0] = 99;
      write(
        encodeFrame(FrameType.DATA, 7, Buffer.from('abc')),
        ofLaterVersion,
        encodeFrame(FrameType.DATA, 7, Buffer.from('def')),
        encodeFrame(FrameType.EOF, 7),
      );
      const end = Buffer.from(encodeFrame(FrameType.EOF, 7));
      await until(() => answer.includes(end), 5_000, 'the echo to end');
      assert.ok(answer.subarray(0, MAGIC.length).equals(MAGIC));
      assert.match(answer.toString('latin1'), /abc.*def/s);
      stdin.end();
      await once(child, 'exit');
    });
  });
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
