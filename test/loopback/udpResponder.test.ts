/** Searches by UDP on real sockets: who is answered what, and what nobody can do to us. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { DisposableStore, toDisposable } from '../../src/base/disposable';
import { type Endpoint, isLoopback } from '../../src/model/endpoint';
import type { PvProtocol } from '../../src/model/snapshot';
import { createSearchSockets } from '../../src/node/search/openSearchSockets';
import { systemClock } from '../../src/node/systemClock';
import { FrameWriter as CaWriter } from '../../src/protocol/ca';
import { NO_RESERVATIONS } from '../../src/services/localPorts/portReservations';
import { HostSearch } from '../../src/services/search/hostSearch';
import { NameService, type SearchedServer } from '../../src/services/search/nameService';
import { UdpResponder } from '../../src/services/search/udpResponder';
import { FakeClock } from '../support/fakeClock';
import { freePort } from '../support/freePort';
import { fromHex } from '../support/hex';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { said } from '../support/said';

const LOCAL = { host: '127.0.0.9', port: 9999 };
/** The server itself, for those that broadcast. */
let OWN: Endpoint | undefined;
/** Where clients of this machine are sent instead of to LOCAL. */
let direct: Endpoint | undefined;
const PVA_SEARCH =
  'ca0200032d000000010000008000000000000000000000000000ffff000000000000010374637001004130201007' +
  '54484552453a31';

describe('searches by UDP', () => {
  let store: DisposableStore;
  let reachable: Set<string>;
  const logged: string[] = [];
  beforeEach(() => {
    store = new DisposableStore();
    reachable = new Set(['THERE:1', 'THERE:2']);
    OWN = { host: '10.1.2.3', port: 5064 };
    direct = undefined;
    logged.length = 0;
  });
  afterEach(() => store.dispose());

  const parts = {
    ...{ clientName: 'test', hostName: 'here', clock: systemClock, onNote: () => undefined },
    log: (_level: unknown, _tag: unknown, message: string) => void logged.push(message),
    reservations: NO_RESERVATIONS,
  };

  function service(protocol: PvProtocol): NameService {
    const names = store.add(new NameService(protocol, parts));
    names.setServers([server()]);
    return names;
  }

  function server(): SearchedServer {
    return {
      ...{ key: 'it', label: 'it', isGateway: false, guid: 'ab'.repeat(12) },
      endpoint: () => LOCAL,
      directEndpoint: () => direct,
      broadcastEndpoint: () => OWN,
      isReachable: (name) => reachable.has(name),
      home: 'home',
      isOwn: () => false,
      reachableCount: () => reachable.size,
      dialInside: () => Promise.reject(new Error('nobody')),
    };
  }

  async function open(): Promise<{
    search: HostSearch;
    names: Record<PvProtocol, NameService>;
    at: Record<PvProtocol, Endpoint>;
  }> {
    const names = { ca: service('ca'), pva: service('pva') };
    const sockets = createSearchSockets({ ca: 0, pva: 0 });
    const search = store.add(
      new HostSearch({ ...parts, sockets, names, onChange: () => undefined }),
    );
    search.setMode('loopback');
    const { state } = search;
    assert.deepEqual(state, {});
    await until(
      () => search.state.ca?.local !== undefined && search.state.pva?.local !== undefined,
      5000,
      'both ports',
    );
    return { search, names, at: { ca: search.state.ca!.local!, pva: search.state.pva!.local! } };
  }

  async function client(): Promise<{ socket: Socket; replies: Buffer[] }> {
    const socket = createSocket('udp4');
    store.add(toDisposable(() => socket.close()));
    const replies: Buffer[] = [];
    socket.on('message', (reply) => replies.push(reply));
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return { socket, replies };
  }

  const sentBy = (send: (reply: Uint8Array, to: Endpoint) => void) => ({
    send,
    passOn: () => undefined,
  });

  function caSearch(names: readonly string[]): Uint8Array {
    const writer = new CaWriter();
    writer.message(0, 1, 13, 77, 0);
    for (const [index, name] of names.entries()) {
      writer.textMessage(6, 5, 13, index + 1, index + 1, name);
    }
    return writer.take();
  }

  it('names that are reachable are answered in one datagram, no longer than the question', async () => {
    const { at } = await open();
    const { socket, replies } = await client();
    const question = caSearch(['THERE:1', 'NOWHERE:1', 'THERE:2']);
    socket.send(question, at.ca.port, at.ca.host);
    await until(() => replies.length > 0, 5000, 'an answer');
    const reply = replies[0] as Buffer;
    assert.ok(reply.length <= question.length);
    assert.equal(reply.length, 16 + 2 * 24);
    assert.equal(reply.readUInt32BE(8), 77);
    for (const [index, cid] of [1, 3].entries()) {
      const message = reply.subarray(16 + 24 * index);
      assert.deepEqual(
        [message.readUInt16BE(0), message.readUInt16BE(4), message.readUInt32BE(8)],
        [6, LOCAL.port, 0x7f000009],
      );
      assert.equal(message.readUInt32BE(12), cid);
    }
  });

  it('each server answers in a datagram of its own', async () => {
    const { at, names } = await open();
    const elsewhere = { host: '127.0.0.8', port: 5064 };
    const other = { ...server(), key: 'other', home: 'other', endpoint: () => elsewhere };
    names.ca.setServers([
      { ...server(), isReachable: (name) => name.startsWith('THERE:') },
      { ...other, isReachable: (name) => name.startsWith('OTHER:') },
    ]);
    const { socket, replies } = await client();
    socket.send(caSearch(['THERE:1', 'OTHER:1', 'THERE:2']), at.ca.port, at.ca.host);
    await until(() => replies.length === 2, 5000, 'both answers');
    const answers = replies.map((reply) =>
      Array.from({ length: (reply.length - 16) / 24 }, (_, index) => [
        reply.readUInt32BE(16 + 24 * index + 8),
        reply.readUInt32BE(16 + 24 * index + 12),
      ]),
    );
    // caproto's threading client sends all names of a datagram to its last address.
    assert.deepEqual(answers, [
      [
        [0x7f000009, 1],
        [0x7f000009, 3],
      ],
      [[0x7f000008, 2]],
    ]);
  });

  it("are sent to the server's own address where clients are to be", async () => {
    direct = { host: '10.1.2.3', port: 5075 };
    const { at } = await open();
    const { socket, replies } = await client();
    socket.send(caSearch(['THERE:1']), at.ca.port, at.ca.host);
    socket.send(fromHex(PVA_SEARCH), at.pva.port, at.pva.host);
    await until(() => replies.length === 2, 5000, 'both answers');
    const isCa = (reply: Buffer): boolean => reply[0] === 0;
    const [ca, pva] = [replies.find(isCa)!, replies.find((reply) => !isCa(reply))!];
    assert.deepEqual([ca.readUInt16BE(20), ca.readUInt32BE(24)], [5075, 0x0a010203]);
    assert.equal(pva.subarray(36, 40).toString('hex'), '0a010203');
  });

  it('PVA is answered at the port that it names, else where it sent from', async () => {
    const { at } = await open();
    const [one, two] = [await client(), await client()];
    const question = fromHex(PVA_SEARCH);
    one.socket.send(question, at.pva.port, at.pva.host);
    await until(() => one.replies.length > 0, 5000, 'an answer');
    assert.equal(one.replies[0]?.subarray(8, 20).toString('hex'), 'ab'.repeat(12));
    assert.equal(one.replies[0]?.readUInt16LE(40), LOCAL.port);
    const port = two.socket.address().port;
    question.set([port & 0xff, port >> 8], 32);
    one.socket.send(question, at.pva.port, at.pva.host);
    await until(() => two.replies.length > 0, 5000, 'an answer at the other port');
    assert.equal(one.replies.length, 1);
  });

  it('who asked is told when the PV comes later', async () => {
    const { at, names } = await open();
    const { socket, replies } = await client();
    socket.send(caSearch(['LATE:1', 'THERE:1']), at.ca.port, at.ca.host);
    await until(() => replies.length === 1, 5000, 'the answer for the other');
    reachable.add('LATE:1');
    names.ca.setServers([server()]);
    // The first answer has used what the question allows: a client asks again anyway.
    socket.send(caSearch(['LATER:1']), at.ca.port, at.ca.host);
    socket.send(caSearch(['THERE:2']), at.ca.port, at.ca.host);
    await until(() => replies.length >= 2, 5000, 'the marker');
    reachable.add('LATER:1');
    names.ca.setServers([server()]);
    await until(
      () => replies.some((reply) => reply.length === 40 && reply.readUInt32BE(28) === 1),
      5000,
      'the late answer',
    );
  });

  it('a port that cannot be had is told, and nothing is left after the end', async () => {
    const taken = createSocket('udp4');
    store.add(toDisposable(() => taken.close()));
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    const names = { ca: service('ca'), pva: service('pva') };
    const sockets = createSearchSockets({ ca: port, pva: port });
    const search = store.add(
      new HostSearch({ ...parts, sockets, names, onChange: () => undefined }),
    );
    search.setMode('loopback');
    await until(() => Object.keys(search.state).length === 2, 5000, 'the problems');
    assert.match(said(search.state.ca?.problem), /127\.0\.0\.1:\d+/);
    assert.match(said(search.state.pva?.problem), /EADDRINUSE/);
    if (process.platform === 'linux') {
      assert.match(said(search.state.ca?.problem), new RegExp(`pid ${process.pid}`));
    }
    search.setMode('off');
    assert.deepEqual(search.state, {});
  });

  it('a flood of names that nobody has is bounded and costs one line of the log', () => {
    const names = service('ca');
    const sent: Uint8Array[] = [];
    // All of it comes within one second, however long that takes here.
    const clock = new FakeClock();
    const responder = store.add(
      new UdpResponder({ ...parts, clock, protocol: 'ca', names, isOwnAddress: isLoopback }),
    );
    const from = { host: '127.0.0.1', port: 40_000 };
    for (let round = 0; round < 600; round++) {
      const unknown = Array.from({ length: 50 }, (_, i) => `NONE:${round}:${i}`);
      const port = from.port + (round % 500);
      responder.receive(
        caSearch(unknown),
        { ...from, port },
        false,
        sentBy((reply) => sent.push(reply)),
      );
    }
    assert.ok(responder.openCount <= 20_000);
    assert.equal(sent.length, 0);
    assert.ok(
      logged.filter((line) => line.includes('more searches')).length === 1,
      logged.join('\n'),
    );
  });

  it('one client that asks for everything leaves the others their answers', () => {
    const names = service('ca');
    const clock = new FakeClock();
    const responder = store.add(
      new UdpResponder({ ...parts, clock, protocol: 'ca', names, isOwnAddress: isLoopback }),
    );
    const unknown = Array.from({ length: 50 }, (_, i) => `NONE:${i}`);
    for (let round = 0; round < 1000; round++) {
      const flood = { host: '127.0.0.1', port: 40_000 };
      responder.receive(
        caSearch(unknown),
        flood,
        false,
        sentBy(() => undefined),
      );
    }
    const sent: Uint8Array[] = [];
    const other = { host: '127.0.0.1', port: 40_001 };
    responder.receive(
      caSearch(['THERE:1']),
      other,
      false,
      sentBy((reply) => sent.push(reply)),
    );
    assert.equal(sent.length, 1);
  });

  it('nobody beyond this machine is answered', () => {
    for (const host of ['10.0.0.1', '0.0.0.0', '128.0.0.1']) {
      const sent: Uint8Array[] = [];
      const names = service('ca');
      const responder = store.add(
        new UdpResponder({ ...parts, protocol: 'ca', names, isOwnAddress: isLoopback }),
      );
      const via = sentBy((reply) => sent.push(reply));
      responder.receive(caSearch(['THERE:1']), { host, port: 5000 }, false, via);
      assert.equal(sent.length, 0);
    }
  });

  it('who broadcasts is told of the server itself; one that hears him answers alone', async function () {
    if (process.platform !== 'linux')
      skip(this, 'only Linux has broadcasts on loopback', 'platform');
    const port = await freePort();
    const names = { ca: service('ca'), pva: service('pva') };
    const sockets = createSearchSockets({ ca: port, pva: 0 });
    // As an IOC on this machine, which keeps what is sent to it.
    const ioc = createSocket({ type: 'udp4', reuseAddr: true });
    store.add(toDisposable(() => ioc.close()));
    const heard: Buffer[] = [];
    ioc.on('message', (datagram) => heard.push(datagram));
    await new Promise<void>((resolve) => ioc.bind(port, '0.0.0.0', resolve));
    const search = store.add(
      new HostSearch({ ...parts, sockets, names, onChange: () => undefined }),
    );
    search.setMode('loopback');
    await until(() => search.state.ca?.broadcasts !== undefined, 5000, 'the broadcasts');
    assert.match(said(search.state.ca?.problem), /is held by/);
    const { socket, replies } = await client();
    socket.setBroadcast(true);
    socket.send(caSearch(['THERE:1']), port, '127.255.255.255');
    await until(() => replies.length === 1 && heard.length === 1, 5000, 'the answer');
    assert.equal(replies[0]?.subarray(16 + 8, 16 + 12).toString('hex'), '0a010203');
    OWN = undefined;
    socket.send(caSearch(['THERE:2']), port, '127.255.255.255');
    await until(() => heard.length === 2, 5000, 'what the IOC hears');
    OWN = { host: '10.1.2.4', port: 5064 };
    socket.send(caSearch(['THERE:1']), port, '127.255.255.255');
    await until(() => replies.length === 2, 5000, 'the next answer');
    assert.equal(replies[1]?.subarray(16 + 8, 16 + 12).toString('hex'), '0a010204');
    socket.send(caSearch(['THERE:1']), port, '127.0.0.1');
    await until(() => heard.length === 4, 5000, 'what is sent to the IOC');
  });

  it('PVA servers that share the port get what is sent to it, and pass on what they get', async function () {
    if (process.platform === 'win32') skip(this, 'Windows binds no group address', 'platform');
    const port = await freePort();
    const names = { ca: service('ca'), pva: service('pva') };
    const sockets = createSearchSockets({ ca: 0, pva: port });
    const other = createSocket({ type: 'udp4', reuseAddr: true });
    store.add(toDisposable(() => other.close()));
    const heard: Buffer[] = [];
    other.on('message', (datagram) => heard.push(datagram));
    await new Promise<void>((resolve) => other.bind(port, '0.0.0.0', resolve));
    other.addMembership('224.0.0.128', '127.0.0.1');
    const search = store.add(
      new HostSearch({ ...parts, sockets, names, onChange: () => undefined }),
    );
    search.setMode('loopback');
    await until(() => search.state.pva?.local !== undefined, 5000, 'the port');
    const { socket, replies } = await client();
    const question = fromHex(PVA_SEARCH);
    socket.send(question, port, '127.0.0.1');
    await until(
      () => replies.length === 1 && heard.length === 1,
      5000,
      'the answer, and the other',
    );
    const [passed] = heard as [Buffer];
    assert.equal(
      passed.subarray(0, 24).toString('hex'),
      `ca02001610000000${'00'.repeat(10)}ffff7f000001`,
    );
    assert.equal(passed[24 + 12], 0);
    assert.equal(passed.subarray(24 + 26, 24 + 32).toString('hex'), 'ffff7f000001');
    assert.equal(passed.readUInt16LE(24 + 32), socket.address().port);
    // And the other way: another one got the search, and passes it on to us.
    socket.setMulticastInterface('127.0.0.1');
    socket.send(passed, port, '224.0.0.128');
    await until(
      () => replies.length === 2 && heard.length === 2,
      5000,
      'the answer to what was passed on',
    );
  });

  it('a second one leaves the CA port to the first, and shares that of PVA', async function () {
    if (process.platform !== 'linux') skip(this, 'only Linux tells who has a port', 'platform');
    const { at } = await open();
    const names = { ca: service('ca'), pva: service('pva') };
    const sockets = createSearchSockets({ ca: at.ca.port, pva: at.pva.port });
    const second = store.add(
      new HostSearch({ ...parts, sockets, names, onChange: () => undefined }),
    );
    second.setMode('loopback');
    await until(() => Object.keys(second.state).length === 2, 5000, 'the second');
    assert.equal(second.state.ca?.problem?.code, 'search-port-taken');
    assert.deepEqual(second.state.pva?.local, at.pva);
    const { socket, replies } = await client();
    socket.send(caSearch(['THERE:1']), at.ca.port, at.ca.host);
    await until(() => replies.length === 1, 5000, 'the answer of the first');
  });
});
