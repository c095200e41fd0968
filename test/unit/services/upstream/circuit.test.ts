import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { TransportError } from '../../../../src/base/errors';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { Circuit, type CircuitAdapter } from '../../../../src/services/upstream/circuit';
import { FakeClock, settle } from '../../../support/fakeClock';

/** Says hello, is ready when it hears "ready", and asks for signs of life by "?". */
class Adapter implements CircuitAdapter {
  #output = 'hello ';

  constructor(readonly ready: () => void) {}

  receive(chunk: Uint8Array): void {
    if (Buffer.from(chunk).toString() === 'ready') this.ready();
  }
  takeOutput(): Uint8Array {
    const output = Buffer.from(this.#output);
    this.#output = '';
    return output;
  }
  ping(): void {
    this.#output += '?';
  }
}

describe('a circuit', () => {
  const clock = new FakeClock();
  let server: Duplex;
  let said = '';
  let readyCount = 0;
  let circuit: Circuit<Adapter>;
  let end: Promise<Error | undefined>;

  function open(dial?: (signal: AbortSignal) => Promise<Duplex>, mostBytes = 100): void {
    said = '';
    readyCount = 0;
    circuit = new Circuit({
      dial:
        dial ??
        (() => {
          const [client, other] = duplexPair();
          client.pause();
          server = other;
          server.on('error', () => undefined);
          server.on('data', (bytes: Buffer) => (said += String(bytes)));
          return Promise.resolve(client);
        }),
      createAdapter: (ready) => new Adapter(ready),
      onReady: () => readyCount++,
      onBytes(lengthBytes) {
        if (lengthBytes > mostBytes) throw new TransportError('too much');
      },
      dialTimeoutMs: 3000,
      handshakeTimeoutMs: 5000,
      clock,
    });
    end = circuit.run();
  }
  afterEach(async () => {
    clock.load = 1;
    circuit.dispose();
    await settle();
    assert.equal(clock.pendingCount, 0, 'timers left');
  });

  it('says what its adapter says, is ready once, and asks for signs of life', async () => {
    open();
    await settle();
    assert.deepEqual([said, circuit.isReady], ['hello ', false]);
    server.write('ready');
    await settle();
    assert.deepEqual([readyCount, circuit.isReady], [1, true]);
    for (let second = 0; second < 60; second++) {
      server.write('.');
      await clock.advance(1000);
    }
    assert.match(said, /^hello \?{3,4}$/);
  });

  it('is never silent for as long as pvAccess servers allow, however busy the machine is', async () => {
    clock.load = 10;
    open();
    await settle();
    server.write('ready');
    let silentMs = 0;
    for (let second = 0; second < 100; second++) {
      said = '';
      server.write('.');
      await clock.advance(1000);
      silentMs = said === '' ? silentMs + 1000 : 0;
      assert.ok(silentMs < 30_000, `silent for ${silentMs} ms after ${second} s`);
    }
  });

  it('asks for a sign of life as soon as its process goes on after a stop', async () => {
    open();
    await settle();
    server.write('ready');
    await clock.advance(16_000);
    server.write('.');
    await clock.advance(5000);
    said = '';
    clock.stop(18_000);
    await clock.advance(0);
    assert.equal(said, '?');
    server.write('.');
    await clock.advance(1000);
    assert.equal(circuit.isReady, true);
  });

  it('ends when the server closes it', async () => {
    open();
    await settle();
    server.end();
    assert.equal(await end, undefined);
    assert.deepEqual(
      [circuit.signal.aborted, circuit.adapter, circuit.flush()],
      [true, undefined, false],
    );
  });

  it('ends without a handshake, and without a sign of life', async () => {
    open();
    await settle();
    await clock.advance(5000);
    assert.match(String(await end), /no handshake within 5 s/);
    open();
    await settle();
    server.write('ready');
    await clock.advance(40_000);
    assert.match(String(await end), /no sign of life/);
  });

  it('ends for what its owner, or a rule of his, says', async () => {
    open();
    await settle();
    circuit.end(new TransportError('its container is paused'));
    assert.match(String(await end), /is paused/);
    open(undefined, 3);
    await settle();
    server.write('far more');
    assert.match(String(await end), /too much/);
  });

  it('ends with its owner, whenever that is', async () => {
    open();
    await settle();
    circuit.dispose();
    assert.equal(await end, undefined);
    await settle();
    assert.equal(server.readableEnded || server.destroyed, true);
    open(() => new Promise(() => undefined));
    circuit.dispose();
    await assert.rejects(end, { code: 'cancelled' });
  });

  it('closes a connection that comes too late', async () => {
    const [client, other] = duplexPair();
    other.on('error', () => undefined).resume();
    let connect: (stream: Duplex) => void = () => undefined;
    open(() => new Promise((resolve) => (connect = resolve)));
    const rejected = assert.rejects(end, /no connection within 3 s/);
    await clock.advance(3000);
    await rejected;
    connect(client);
    await settle();
    assert.equal(client.destroyed, true);
  });
});
