/** Our client and our server, joined in memory: a whole conversation in either byte order. */
import assert from 'node:assert/strict';
import { LocalProtocolError } from '../../../../src/base/errors';
import {
  type BitSet,
  isSuccess,
  NT_ENUM_TYPE,
  ntScalarArrayType,
  ntScalarType,
  PvaClientConnection,
  type PvaClientHandler,
  type PvaServedPv,
  PvaServerConnection,
  type PvaStructureValue,
  pvRequest,
  readChannelNames,
  readPv,
  readServerInfo,
  SERVER_CHANNEL,
  serverChannelRequest,
  StoredPv,
} from '../../../../src/protocol/pva/index';

const GUID = '0123456789abcdef01234567';

class Session {
  readonly client: PvaClientConnection;
  readonly server: PvaServerConnection;
  outputCalls = 0;

  constructor(
    handler: PvaClientHandler,
    pvs: ReadonlyMap<string, PvaServedPv>,
    isLittleEndian: boolean,
  ) {
    const identity = { user: 'someone', host: 'somewhere' };
    this.client = new PvaClientConnection(handler, { identity });
    this.server = new PvaServerConnection(
      { names: () => [...pvs.keys()], find: (name) => pvs.get(name) },
      {
        guid: GUID,
        tcpPort: 5075,
        version: '1.2.3',
        isLittleEndian,
        onOutput: () => this.outputCalls++,
      },
    );
  }

  /** Carries bytes both ways until nobody has anything to say. */
  run(): void {
    for (;;) {
      const fromServer = this.server.takeOutput();
      const fromClient = this.client.takeOutput();
      if (fromServer.length + fromClient.length === 0) return;
      this.client.receive(fromServer);
      this.server.receive(fromClient);
    }
  }
}

function makePvs(): Map<string, StoredPv> {
  return new Map([
    [
      'temperature',
      new StoredPv(ntScalarType('double'), {
        value: 21.5,
        alarm: { severity: 2, status: 3, message: 'HIHI' },
        timeStamp: { secondsPastEpoch: 1_700_000_000n, nanoseconds: 7 },
        display: { units: 'C', precision: 1, limitLow: -5, limitHigh: 40 },
        control: { limitLow: 0, limitHigh: 30 },
      }),
    ],
    ['mode', new StoredPv(NT_ENUM_TYPE, { value: { index: 1, choices: ['off', 'on'] } })],
    ['wave', new StoredPv(ntScalarArrayType('short'), { value: Int16Array.of(1, -2) })],
  ]);
}

for (const isLittleEndian of [true, false]) {
  describe(`pvAccess session in memory, ${isLittleEndian ? 'little' : 'big'} endian`, () => {
    let log: unknown[][];
    let handler: Required<PvaClientHandler>;
    let pvs: Map<string, StoredPv>;
    let session: Session;

    beforeEach(() => {
      log = [];
      handler = recorder(log);
      pvs = makePvs();
      session = new Session(handler, pvs, isLittleEndian);
      session.run();
      assert.deepEqual(log.shift()?.[0], 'onValidated');
    });

    function create(name: string): number {
      const cid = session.client.createChannel(name);
      session.run();
      const [event, created, status] = log.pop() ?? [];
      assert.deepEqual([event, created], ['onChannelCreated', cid]);
      assert.deepEqual((status as { type: string }).type, 'ok');
      return cid;
    }

    it('shows who the server is', () => {
      assert.deepEqual(session.client.observations, {
        isLittleEndian,
        byteOrderHint: 0,
        version: 2,
        receiveBufferBytes: 32768,
        registrySize: 0x7fff,
        authNames: ['anonymous', 'ca'],
      });
    });

    it('searches', () => {
      session.client.search([
        { id: 10, name: 'mode' },
        { id: 11, name: 'missing' },
        { id: 12, name: 'wave' },
      ]);
      session.client.search([], { mustReply: true });
      session.client.search([{ id: 13, name: 'missing' }]);
      session.run();
      const answers = log.map(
        ([, answer]) => answer as { guid: string; port: number; ids: number[] },
      );
      assert.deepEqual(
        answers.map(({ guid, port, ids }) => ({ guid, port, ids })),
        [
          { guid: GUID, port: 5075, ids: [10, 12] },
          { guid: GUID, port: 5075, ids: [] },
        ],
      );
    });

    it('searches many names in several messages', () => {
      const names = Array.from({ length: 2500 }, (_, id) => ({ id, name: id % 2 ? 'mode' : 'no' }));
      session.client.search(names);
      session.run();
      const ids = log.flatMap(([, answer]) => (answer as { ids: number[] }).ids);
      assert.equal(log.length, 3);
      assert.deepEqual(
        ids,
        names.filter(({ id }) => id % 2).map(({ id }) => id),
      );
    });

    it('creates and destroys channels, and uses their cids again', () => {
      const first = create('mode');
      const missing = session.client.createChannel('missing');
      session.run();
      assert.equal((log.pop()?.[2] as { type: string }).type, 'error');
      assert.equal(create('wave'), missing);
      session.client.destroyChannel(first);
      session.run();
      assert.deepEqual(log.pop(), ['onChannelDestroyed', first]);
      assert.equal(session.client.channelCount, 1);
      assert.equal(session.server.channelCount, 1);
      assert.equal(create('mode'), first);
    });

    it('destroys a channel that is still being created', () => {
      const cid = session.client.createChannel('mode');
      session.client.destroyChannel(cid);
      session.run();
      assert.deepEqual(log, [['onChannelDestroyed', cid]]);
      assert.equal(session.server.channelCount, 0);
    });

    it('lists the channels and tells about the server', () => {
      const cid = create(SERVER_CHANNEL);
      const list = session.client.rpc(cid, serverChannelRequest('channels'));
      const info = session.client.rpc(cid, serverChannelRequest('info'));
      session.run();
      const [listed, told] = log as [string, number, { type: string }, never][];
      assert.deepEqual([listed?.[1], told?.[1]], [list, info]);
      assert.deepEqual(readChannelNames(listed?.[3]), ['temperature', 'mode', 'wave']);
      assert.deepEqual(readServerInfo(told?.[3]), { implLang: 'javascript', version: '1.2.3' });
      assert.equal(session.client.operationCount, 0);
    });

    it('gets the whole, a part, and again', () => {
      const cid = create('temperature');
      session.client.get(cid);
      session.run();
      assert.deepEqual(log.pop()?.[3], pvs.get('temperature')?.value);
      session.client.get(cid, pvRequest(['alarm.severity', 'display.units']));
      session.run();
      const part = log.pop()?.[3] as PvaStructureValue;
      assert.equal(part['value'], 0);
      assert.deepEqual(part['alarm'], { severity: 2, status: 0, message: '' });
      const kept = session.client.get(cid, undefined, { isKept: true });
      session.run();
      pvs.get('temperature')?.post({ value: 5 });
      session.client.getAgain(kept);
      session.run();
      const values = log.map(([, ioid, , value]) => [ioid, (value as PvaStructureValue)['value']]);
      assert.deepEqual(values, [
        [kept, 21.5],
        [kept, 5],
      ]);
      session.client.destroyRequest(kept);
      session.run();
      assert.equal(session.client.operationCount, 0);
      assert.throws(() => session.client.getAgain(kept), LocalProtocolError);
    });

    it('reads a value for people', () => {
      const cids = [...pvs.keys()].map(create);
      for (const cid of cids) session.client.get(cid);
      session.run();
      const [temperature, mode, wave] = log.map(([, , , value]) =>
        readPv(value as PvaStructureValue),
      );
      assert.deepEqual(temperature, {
        value: 21.5,
        units: 'C',
        precision: 1,
        alarm: { severity: 'major', status: 3, message: 'HIHI' },
        timeStamp: { secondsPastEpoch: 1_700_000_000, nanoseconds: 7 },
        displayLimits: { low: -5, high: 40 },
        controlLimits: { low: 0, high: 30 },
      });
      assert.equal(mode?.value, 'on');
      assert.deepEqual(mode?.choices, ['off', 'on']);
      assert.deepEqual(wave?.value, Int16Array.of(1, -2));
      assert.equal(wave?.timeStamp, undefined);
    });

    it('gets types of fields', () => {
      const cid = create('mode');
      session.client.getField(cid);
      session.client.getField(cid, 'value.choices');
      session.client.getField(cid, 'nonsense');
      session.run();
      assert.deepEqual(log[0]?.[3], NT_ENUM_TYPE);
      assert.equal((log[1]?.[3] as { kind: string }).kind, 'scalar-array');
      assert.deepEqual([(log[2]?.[2] as { type: string }).type, log[2]?.[3]], ['error', undefined]);
    });

    it('monitors: first the whole, then what changed, overruns when the client is slow', () => {
      const cid = create('temperature');
      const ioid = session.client.monitor(cid);
      session.run();
      assert.equal(log[0]?.[0], 'onMonitorStarted');
      assert.deepEqual(log[1]?.[2], pvs.get('temperature')?.value);
      log.length = 0;
      pvs.get('temperature')?.post({ value: 1 });
      assert.ok(session.outputCalls > 0);
      session.run();
      pvs.get('temperature')?.post({ value: 2 });
      pvs.get('temperature')?.post({ value: 3, alarm: { severity: 0 } });
      session.run();
      assert.deepEqual(
        log.map(([, id, value, changed, overrun]) => [
          id,
          (value as PvaStructureValue)['value'],
          [...(changed as BitSet)],
          [...(overrun as BitSet)],
        ]),
        [
          [ioid, 1, [1], []],
          [ioid, 3, [1, 3], [1]],
        ],
      );
    });

    it('monitors only what was asked for', () => {
      const cid = create('temperature');
      session.client.monitor(cid, { request: pvRequest(['alarm']) });
      session.run();
      log.length = 0;
      pvs.get('temperature')?.post({ value: 1 });
      session.run();
      assert.deepEqual(log, []);
      pvs.get('temperature')?.post({ alarm: { message: 'now' } });
      session.run();
      assert.equal(log.length, 1);
    });

    it('pauses, resumes and ends monitors', () => {
      const cid = create('temperature');
      const ioid = session.client.monitor(cid);
      session.run();
      session.client.pauseMonitor(ioid);
      session.run();
      log.length = 0;
      pvs.get('temperature')?.post({ value: 1 });
      session.run();
      assert.deepEqual(log, []);
      session.client.resumeMonitor(ioid);
      session.run();
      assert.equal(log.length, 1);
      session.client.destroyRequest(ioid);
      pvs.get('temperature')?.post({ value: 2 });
      session.run();
      pvs.get('temperature')?.post({ value: 3 });
      session.run();
      assert.equal(log.length, 1);
      assert.equal(session.client.operationCount, 0);
    });

    it('sends a pipelined monitor no more than was allowed', () => {
      const cid = create('temperature');
      const ioid = session.client.monitor(cid, { pipelineWindow: 2 });
      session.run();
      log.length = 0;
      for (let i = 0; i < 5; i++) {
        pvs.get('temperature')?.post({ value: i });
        session.run();
      }
      assert.equal(log.length, 1);
      session.client.acknowledgeMonitor(ioid, 1);
      session.run();
      assert.equal(log.length, 2);
      assert.equal((log[1]?.[2] as PvaStructureValue)['value'], 4);
      assert.deepEqual([...(log[1]?.[4] as BitSet)], [1]);
    });

    it('answers echoes, skips unknown commands and control messages', () => {
      session.client.echo(Uint8Array.of(1, 2));
      session.run();
      assert.deepEqual(log.pop(), ['onEcho', Uint8Array.of(1, 2)]);
      const order = isLittleEndian ? 0x40 : 0xc0;
      const sizeOf = (n: number): number[] => (isLittleEndian ? [n, 0, 0, 0] : [0, 0, 0, n]);
      session.client.receive(Uint8Array.of(0xca, 2, order, 99, ...sizeOf(3), 1, 2, 3));
      assert.deepEqual(log.pop(), ['onSkipped', 99, 3]);
      session.client.receive(Uint8Array.of(0xca, 2, order | 1, 77, ...sizeOf(3)));
      session.client.receive(Uint8Array.of(0xca, 2, order | 1, 3, ...sizeOf(9)));
      const answer = Uint8Array.of(0xca, 2, (order & 0x80) | 1, 4, ...sizeOf(9));
      assert.deepEqual(session.client.takeOutput(), answer);
      session.client.receive(Uint8Array.of(0xca, 2, order | 1, 0, ...sizeOf(5)));
      assert.equal(session.client.takeOutput()[3], 1);
      const clientOrder = order & 0x80;
      session.server.receive(Uint8Array.of(0xca, 2, clientOrder, 99, ...sizeOf(1), 0));
      session.server.receive(Uint8Array.of(0xca, 2, clientOrder | 1, 3, ...sizeOf(9)));
      assert.equal(session.server.takeOutput()[3], 4);
    });

    it('goes on after one side answered for an operation that the other has ended', () => {
      const cid = create('temperature');
      const ioid = session.client.get(cid);
      session.client.destroyRequest(ioid);
      session.client.monitor(cid);
      session.run();
      session.client.destroyChannel(cid);
      session.run();
      assert.deepEqual(log.pop(), ['onChannelDestroyed', cid]);
      assert.equal(session.client.operationCount, 0);
    });

    it('refuses misuse before anything is sent', () => {
      const fresh = new PvaClientConnection({});
      assert.throws(() => fresh.createChannel('mode'), LocalProtocolError);
      const { client } = session;
      assert.throws(() => client.get(5), LocalProtocolError);
      assert.throws(() => client.createChannel(''), LocalProtocolError);
      assert.throws(() => client.createChannel('ü'.repeat(2001)), LocalProtocolError);
      const cid = create('temperature');
      const ioid = client.monitor(cid);
      session.run();
      assert.throws(() => client.acknowledgeMonitor(ioid, 1), LocalProtocolError);
      assert.equal(client.takeOutput().length, 0);
    });

    it('drops its subscriptions when disposed', () => {
      session.client.monitor(create('temperature'));
      session.run();
      session.server.dispose();
      const before = session.outputCalls;
      pvs.get('temperature')?.post({ value: 9 });
      assert.equal(session.outputCalls, before);
    });
  });
}

describe('pvAccess client of many channels', () => {
  it('connects 20,000 of them on one connection', () => {
    const pv = new StoredPv(ntScalarType('double'));
    let createdCount = 0;
    const handler: PvaClientHandler = {
      onChannelCreated: (_cid, status) => {
        if (isSuccess(status)) createdCount++;
      },
    };
    const session = new Session(handler, { get: () => pv, keys: () => [].values() } as never, true);
    session.run();
    for (let i = 0; i < 20_000; i++) session.client.createChannel(`pv:${i}`);
    session.run();
    assert.equal(createdCount, 20_000);
    assert.equal(session.client.channelCount, 20_000);
  });
});

/** A handler that writes down every call. */
function recorder(log: unknown[][]): Required<PvaClientHandler> {
  return new Proxy({} as Required<PvaClientHandler>, {
    get:
      (_target, name) =>
      (...values: unknown[]) =>
        void log.push([name, ...values]),
  });
}
