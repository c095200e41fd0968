import assert from 'node:assert/strict';
import {
  CaClientCircuit,
  CaServerCircuit,
  DBE_VALUE,
  DBR_DOUBLE,
  DBR_LONG,
  DBR_STRING,
  dbrType,
  decodeDbr,
  Eca,
  type CaClientHandler,
} from '../../../../src/protocol/ca';
import { recordingHandler, type CaClientCall } from './recordingHandler';
import { servedPvs } from './servedPvs';

/** A client and a server joined in memory; `cut` is the largest piece that either receives. */
function join(react: Partial<CaClientHandler> = {}, cut = Number.POSITIVE_INFINITY) {
  const provider = servedPvs();
  const handler = recordingHandler(react);
  const client = new CaClientCircuit(handler, { peer: 'the server' });
  const server = new CaServerCircuit(provider, {
    peer: 'the client',
    port: 5064,
    onOutput: () => undefined,
  });
  const feed = (bytes: Uint8Array, to: { receive(chunk: Uint8Array): void }): void => {
    for (let at = 0; at < bytes.length; at += cut) to.receive(bytes.slice(at, at + cut));
  };
  /** Carries bytes until both sides are quiet. */
  const settle = (): void => {
    for (;;) {
      const toServer = client.takeOutput();
      const toClient = server.takeOutput();
      if (toServer.length === 0 && toClient.length === 0) return;
      feed(toServer, server);
      feed(toClient, client);
    }
  };
  const take = (): CaClientCall[] => handler.calls.splice(0);
  return { provider, client, server, settle, take };
}

const names = ['demo:temperature', 'demo:state', 'demo:wave', 'demo:text', 'demo:absent'];

function connectAll(session: ReturnType<typeof join>): void {
  session.client.handshake({ clientName: 'operator', hostName: 'console' });
  names.slice(0, 4).forEach((name, cid) => session.client.createChannel(cid, name));
  session.settle();
  session.take();
}

describe('CA client and server circuits in memory', () => {
  for (const cut of [Number.POSITIVE_INFINITY, 1, 7, 16, 23]) {
    it(`hold a whole session in pieces of at most ${cut} bytes`, () => {
      const session = join({}, cut);
      const { client, server, provider, settle, take } = session;

      client.handshake({ clientName: 'operator', hostName: 'console' });
      names.forEach((name, cid) => client.search(cid, name));
      settle();
      assert.deepEqual(take(), [
        ['version', 13],
        ...[0, 1, 2, 3].map((cid) => ['searchFound', cid, 5064, 0xffffffff]),
        ['searchNotFound', 4],
      ]);
      assert.equal(server.clientName, 'operator');
      assert.equal(server.hostName, 'console');
      assert.ok(client.canSearch && client.canAskForAllElements);

      names.forEach((name, cid) => client.createChannel(cid, name));
      settle();
      assert.deepEqual(take(), [
        ['accessRights', 0, true, false],
        ['channelCreated', 0, 6, 1],
        ['accessRights', 1, true, false],
        ['channelCreated', 1, 3, 1],
        ['accessRights', 2, true, false],
        ['channelCreated', 2, 5, 20_000],
        ['accessRights', 3, true, false],
        ['channelCreated', 3, 0, 1],
        ['channelFailed', 4],
      ]);
      assert.equal(server.channelCount, 4);

      client.readNotify(0, 0, dbrType('CTRL', 'DOUBLE'), 1);
      client.readNotify(1, 2, dbrType('TIME', 'LONG'), 0);
      client.readNotify(2, 0, DBR_STRING, 1);
      settle();
      const [control, wave, text] = take();
      assert.deepEqual(control!.slice(0, 5), ['readDone', 0, Eca.ECA_NORMAL, 34, 1]);
      const { timeStamp: _, ...controlled } = provider.pvs['demo:temperature']!.data;
      assert.deepEqual(decodeDbr(34, 1, control![5] as Uint8Array), controlled);
      assert.deepEqual(wave!.slice(0, 5), ['readDone', 1, Eca.ECA_NORMAL, 19, 20_000]);
      const waved = decodeDbr(19, 20_000, wave![5] as Uint8Array);
      assert.deepEqual(waved.value, provider.pvs['demo:wave']!.data.value);
      assert.deepEqual(decodeDbr(DBR_STRING, 1, text![5] as Uint8Array).value, ['21.50']);

      client.subscribe(7, 0, DBR_DOUBLE, 0, DBE_VALUE);
      settle();
      provider.pvs['demo:temperature']!.set(Float64Array.of(22));
      settle();
      assert.deepEqual(
        take().map(([name, id, eca, type, count, payload]) => [
          name,
          id,
          eca,
          decodeDbr(type as number, count as number, payload as Uint8Array).value,
        ]),
        [
          ['event', 7, 1, Float64Array.of(21.5)],
          ['event', 7, 1, Float64Array.of(22)],
        ],
      );

      assert.equal(client.cancelSubscription(7), true);
      client.echo();
      client.clearChannel(0);
      settle();
      assert.deepEqual(take(), [['subscriptionCancelled', 7], ['echo'], ['channelCleared', 0]]);
      assert.equal(provider.pvs['demo:temperature']!.subscriberCount, 0);

      client.createChannel(0, 'demo:state');
      settle();
      assert.deepEqual(take().at(-1), ['channelCreated', 0, 3, 1]);
    });
  }

  it('squash events that nobody takes, and hold them back while events are off', () => {
    const session = join();
    connectAll(session);
    const { client, provider, settle, take } = session;
    client.subscribe(0, 0, DBR_DOUBLE, 0, DBE_VALUE);
    settle();
    assert.equal(take().length, 1);
    for (let i = 0; i < 1000; i++) provider.pvs['demo:temperature']!.set(Float64Array.of(i));
    settle();
    assert.equal(take().length, 1);
    client.eventsOff();
    settle();
    provider.pvs['demo:temperature']!.set(Float64Array.of(5));
    settle();
    assert.equal(take().length, 0);
    client.eventsOn();
    settle();
    assert.equal(take().length, 1);
  });

  it('do not send events of a kind that was not asked for', () => {
    const session = join();
    connectAll(session);
    session.client.subscribe(0, 0, DBR_DOUBLE, 0, DBE_VALUE);
    session.settle();
    session.take();
    session.provider.pvs['demo:temperature']!.set(Float64Array.of(1), 4);
    session.settle();
    assert.deepEqual(session.take(), []);
  });

  it('answer what cannot be read with a status', () => {
    const session = join();
    connectAll(session);
    const { client, settle, take } = session;
    client.readNotify(0, 0, DBR_DOUBLE, 2);
    client.readNotify(1, 3, DBR_LONG, 1);
    settle();
    assert.deepEqual(take(), [
      ['readDone', 0, Eca.ECA_BADCOUNT, DBR_DOUBLE, 1, new Uint8Array(0)],
      ['readDone', 1, Eca.ECA_NOCONVERT, DBR_LONG, 1, new Uint8Array(0)],
    ]);
  });

  it('let intents be used from inside the handler', () => {
    const session = join({
      version: () => names.forEach((name, cid) => session.client.search(cid, name)),
      searchFound: (cid) => session.client.createChannel(cid, names[cid]!),
      channelCreated: (cid, nativeType) => session.client.readNotify(cid, cid, nativeType, 0),
      readDone: (ioid) => session.client.clearChannel(ioid),
    });
    session.client.handshake({ clientName: 'operator', hostName: 'console' });
    session.settle();
    const calls = session.take().map(([name]) => name);
    assert.equal(calls.filter((name) => name === 'channelCleared').length, 4);
    assert.equal(session.server.channelCount, 0);
  });

  it('stop at once when the owner closes from inside the handler', () => {
    const session = join({ version: () => session.client.close() });
    session.client.handshake({ clientName: 'operator', hostName: 'console' });
    names.forEach((name, cid) => session.client.search(cid, name));
    session.settle();
    assert.deepEqual(session.take(), [['version', 13]]);
  });

  it('carry 100,000 channels', () => {
    const count = 100_000;
    const pv = servedPvs().pvs['demo:state']!;
    let connected = 0;
    const handler = recordingHandler();
    handler.accessRights = () => undefined;
    handler.channelCreated = () => void connected++;
    const client = new CaClientCircuit(handler, { peer: 'the server' });
    const server = new CaServerCircuit(
      { find: () => pv },
      { peer: 'the client', port: 5064, onOutput: () => undefined },
    );
    client.handshake({ clientName: 'operator', hostName: 'console' });
    for (let cid = 0; cid < count; cid++) client.createChannel(cid, `demo:channel:${cid}`);
    server.receive(client.takeOutput());
    client.receive(server.takeOutput());
    assert.equal(connected, count);
    assert.equal(server.channelCount, count);
  });

  it('survive a conversation that ends at any byte', () => {
    const session = join();
    connectAll(session);
    const { client, server, provider } = session;
    client.readNotify(0, 0, 34, 1);
    client.subscribe(0, 3, 14, 1, DBE_VALUE);
    const requests = client.takeOutput();
    server.receive(requests);
    const replies = server.takeOutput();
    for (let end = 0; end < replies.length; end++) {
      const other = join();
      connectAll(other);
      other.client.readNotify(0, 0, 34, 1);
      other.client.subscribe(0, 3, 14, 1, DBE_VALUE);
      other.client.receive(replies.slice(0, end));
      other.client.close();
      assert.ok(other.take().length < 2);
    }
    for (let end = 0; end < requests.length; end++) {
      const other = join();
      connectAll(other);
      other.server.receive(requests.slice(0, end));
      other.server.dispose();
      assert.equal(other.provider.pvs['demo:text']!.subscriberCount, 0);
    }
    assert.equal(provider.pvs['demo:text']!.subscriberCount, 1);
    server.dispose();
    assert.equal(provider.pvs['demo:text']!.subscriberCount, 0);
  });
});
