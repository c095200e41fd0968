/** Programs in a container that stand in for our agent or for a shell, and send without measure. */
import assert from 'node:assert/strict';
import { Duplex, PassThrough } from 'node:stream';
import { AgentLink } from '../../../../src/node/containers/agentLink';
import { openShellLooker, type Looker } from '../../../../src/node/containers/insideSocketSource';
import type { EngineApi, ExecSession } from '../../../../src/node/engines/engineApi';
import { ExecStream } from '../../../../src/node/engines/execStream';
import {
  encodeFrame,
  FrameType,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  WINDOW_BYTES,
} from '../../../../src/protocol/agent/frames';
import { FakeClock, settle } from '../../../support/fakeClock';

const { signal } = new AbortController();
const MIB = 1024 * 1024;

/** The stream of an exec, the far end of which is the test's. */
function openSession(): {
  session: ExecSession;
  say: (bytes: Uint8Array) => void;
  asked: PassThrough;
} {
  const said = new PassThrough({ highWaterMark: 1024 * MIB });
  const asked = new PassThrough({ highWaterMark: 1024 * MIB });
  const stdio = Duplex.from({ readable: said, writable: asked });
  stdio.on('error', () => undefined);
  const session = { stdio, stderrText: () => '', exitCode: () => Promise.resolve(undefined) };
  return { session, say: (bytes) => void said.write(bytes), asked };
}

describe('an agent in a container that is not ours', () => {
  let link: AgentLink;
  let say: (bytes: Uint8Array) => void;
  let session: ExecSession;

  const sayFrame = (type: FrameType, connection: number, payload?: Uint8Array): void =>
    say(encodeFrame(type, connection, payload));

  beforeEach(async () => {
    ({ session, say } = openSession());
    const starting = AgentLink.start(session, new FakeClock(), signal);
    say(MAGIC);
    sayFrame(FrameType.HELLO, 0);
    link = await starting;
  });
  afterEach(() => link.dispose());

  it('sends more than its window: it is ended with a window full of bytes kept', async () => {
    const connecting = link.connect({ host: '127.0.0.1', port: 1 }, signal);
    sayFrame(FrameType.OPENED, 1);
    const stream = await connecting;
    let failure: Error | undefined;
    stream.on('error', (error) => (failure = error));
    for (let sent = 0; sent < 8 * WINDOW_BYTES; sent += MAX_PAYLOAD_BYTES) {
      sayFrame(FrameType.DATA, 1, new Uint8Array(MAX_PAYLOAD_BYTES));
      await settle();
      assert.ok(stream.readableLength <= WINDOW_BYTES, `${stream.readableLength} bytes`);
    }
    assert.match(failure?.message ?? '', /more data than it has credit for/);
    assert.equal(link.isClosed, true);
  });

  it('keeps to its window, and is read: it goes on', async () => {
    const connecting = link.connect({ host: '127.0.0.1', port: 1 }, signal);
    sayFrame(FrameType.OPENED, 1);
    const stream = await connecting;
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    for (let sent = 0; sent < 8 * WINDOW_BYTES; sent += MAX_PAYLOAD_BYTES) {
      sayFrame(FrameType.DATA, 1, new Uint8Array(MAX_PAYLOAD_BYTES));
      await settle();
    }
    assert.deepEqual([bytes, link.isClosed], [8 * WINDOW_BYTES, false]);
  });

  it('sends data for connections that do not exist', async () => {
    sayFrame(FrameType.DATA, 77, new Uint8Array(10));
    await settle();
    assert.equal(link.isClosed, true);
  });

  it('may still send what was under way for one that ended', async () => {
    const connecting = link.connect({ host: '127.0.0.1', port: 1 }, signal);
    sayFrame(FrameType.OPENED, 1);
    (await connecting).destroy();
    await settle();
    sayFrame(FrameType.DATA, 1, new Uint8Array(MAX_PAYLOAD_BYTES));
    await settle();
    assert.equal(link.isClosed, false);
  });

  it('answers a look without end', async () => {
    const looking = link.look('@m c', signal);
    const failed = assert.rejects(looking, /its answer has more than 4194304 bytes/);
    for (let part = 0; part < 10; part++) {
      sayFrame(FrameType.REPORT, 1, new Uint8Array(MAX_PAYLOAD_BYTES));
    }
    await failed;
  });

  it('answers what nobody asked', async () => {
    for (let frame = 0; frame < 2000; frame++) sayFrame(FrameType.REPORT, 5);
    await settle();
    assert.equal(link.isClosed, true);
  });
});

describe('a shell in a container that prints for ever', () => {
  async function openLooker(): Promise<{
    looker: Looker;
    say: (text: string) => void;
    stdio: Duplex;
  }> {
    const { session, say, asked } = openSession();
    const tell = (text: string): void => say(Buffer.from(text));
    asked.once('data', () => tell('a banner\n\n@first end\n'));
    const api = { exec: () => Promise.resolve(session) } as unknown as EngineApi;
    const looker = await openShellLooker(api, 'id', signal);
    return { looker, say: tell, stdio: session.stdio };
  }

  it('is ended, asked or not', async () => {
    const asked = await openLooker();
    const looking = asked.looker.look('@m c', signal);
    const failed = assert.rejects(looking, /its answer has more than 4194304 bytes/);
    for (let part = 0; part < 6; part++) asked.say('x'.repeat(MIB));
    await failed;
    assert.equal(asked.stdio.destroyed, true);
    const silent = await openLooker();
    silent.say('x'.repeat(MIB));
    await settle();
    assert.equal(silent.stdio.destroyed, true);
    await assert.rejects(silent.looker.look('@m c', signal), /its answer has more than/);
  });

  it('is understood however its answer is cut', async () => {
    const { looker, say } = await openLooker();
    const looking = looker.look('@mark c', signal);
    for (const character of '\n@mark sockstat\nTCP: inuse 3\n\n@mark end\n') {
      say(character);
      await settle();
    }
    assert.equal(await looking, '\n@mark sockstat\nTCP: inuse 3\n');
    const again = looker.look('@two c', signal);
    say(`${'y'.repeat(100_000)}\n@two end\n`);
    assert.equal((await again).length, 100_000);
    looker.dispose();
  });
});

describe('a program in a container that prints errors for ever', () => {
  it('is ended, with the last of them kept', async () => {
    const socket = new PassThrough();
    const stream = new ExecStream(socket);
    let failure: Error | undefined;
    stream.on('error', (error) => (failure = error));
    const header = Buffer.from([2, 0, 0, 0, 0, 1, 0, 0]);
    const frame = Buffer.concat([header, Buffer.alloc(65_536, 'e')]);
    for (let count = 0; count < 200; count++) {
      if (!socket.destroyed) socket.write(frame);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(failure?.message ?? '', /prints errors without end/);
    assert.equal(stream.stderrText.length, 4096);
  });
});
