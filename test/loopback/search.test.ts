/** A relay that answers searches, on real sockets: what its client and its server see of it. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { DisposableStore, toDisposable } from '../../src/base/disposable';
import { silentLog } from '../../src/base/log';
import { Carrier } from '../../src/node/relay/carrier';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { openTcpRelay } from '../../src/node/relay/tcpRelay';
import { systemClock } from '../../src/node/systemClock';
import type { Relay } from '../../src/services/host/connection';
import { NameService } from '../../src/services/search/nameService';
import { circuitSearches } from '../../src/services/search/circuitSearches';
import { FrameReader, FrameWriter } from '../../src/protocol/ca';
import { startServer, type TestServer } from '../support/patternServer';
import { until } from '../support/until';

const ELSEWHERE = { host: '127.0.0.9', port: 9999 };
const FILL = 0x5a;
const HOWS = ['with a static buffer', "by 'data'", 'by the carrier'] as const;
type How = (typeof HOWS)[number];

describe('a relay that answers searches', () => {
  const carrier = new Carrier(silentLog);
  after(() => carrier.dispose());
  let store: DisposableStore;
  let names: NameService;
  let server: TestServer;
  beforeEach(async () => {
    store = new DisposableStore();
    server = await startServer();
    store.add(toDisposable(() => server.close()));
    names = store.add(
      new NameService('ca', {
        clientName: 'test',
        hostName: 'here',
        clock: systemClock,
        log: silentLog,
        onNote: () => undefined,
      }),
    );
    names.setServers([
      {
        key: 'elsewhere',
        label: 'elsewhere',
        isGateway: false,
        guid: undefined,
        endpoint: () => ELSEWHERE,
        directEndpoint: () => undefined,
        broadcastEndpoint: () => undefined,
        isReachable: (name) => name.startsWith('THERE:'),
        home: 'elsewhere',
        isOwn: () => false,
        reachableCount: () => 1,
        dialInside: () => Promise.reject(new Error('nobody')),
      },
    ]);
  });
  afterEach(() => store.dispose());

  async function open(how: How): Promise<{ relay: Relay; near: Socket; far: Socket }> {
    const searches = circuitSearches('ca', 'relay', names);
    const usesOnread = how === 'with a static buffer';
    const result = await openTcpRelay(
      { host: '127.0.0.1', port: 0 },
      async (signal, onread) => ({
        stream: await connectTcp(
          { host: '127.0.0.1', port: server.port },
          signal,
          usesOnread ? onread : undefined,
        ),
        usesOnread,
      }),
      {
        searches,
        ...(how === 'by the carrier' && { carrier }),
      },
    );
    assert.equal(result.kind, 'listening');
    const relay = store.add(result.relay);
    const near = connect({ ...relay.local, allowHalfOpen: true });
    near.on('error', () => undefined);
    store.add(toDisposable(() => near.destroy()));
    return { relay, near, far: await server.accepted() };
  }

  function searches(from: number, count: number): Uint8Array {
    const writer = new FrameWriter();
    if (from === 0) writer.message(0, 0, 13, 0, 0);
    for (let cid = from; cid < from + count; cid++) {
      writer.textMessage(6, 5, 13, cid, cid, `THERE:${cid}`);
    }
    return writer.take();
  }

  for (const how of HOWS) {
    it(`answers in the middle of a stream of large messages, every byte of which arrives, ${how}`, async () => {
      const { near, far } = await open(how);
      const reader = new FrameReader('the relay', () => 1 << 26);
      const answered = new Set<number>();
      let events = 0;
      let isSlow = true;
      near.on('data', (bytes: Buffer) => {
        reader.push(bytes);
        while (reader.next()) {
          if (reader.command === 6) {
            assert.deepEqual([reader.dataType, reader.parameter1], [ELSEWHERE.port, 0x7f000009]);
            answered.add(reader.parameter2);
          } else {
            assert.equal(reader.command, 1);
            assert.ok(reader.payload.every((byte) => byte === FILL));
            events++;
          }
        }
        if (!isSlow) return;
        near.pause();
        setImmediate(() => near.resume());
      });
      const event = Buffer.alloc(24 + 300_000, FILL);
      event.writeUInt32BE(0x0001ffff, 0);
      event.writeUInt32BE(0, 4);
      event.writeUInt32BE(300_000, 16);
      event.writeUInt32BE(1, 20);
      const writer = (async () => {
        for (let sent = 0; sent < 200; sent++) {
          if (!far.write(event)) await new Promise((resolve) => far.once('drain', resolve));
        }
      })();
      for (let from = 0; from < 5000; from += 100) {
        near.write(searches(from, 100));
        await new Promise((resolve) => setImmediate(resolve));
      }
      isSlow = false;
      await writer;
      await until(
        () => events === 200,
        10_000,
        () => `200 events, ${events} came`,
      );
      await until(
        () => answered.size === 5000,
        10_000,
        () => `answers, ${answered.size} came`,
      );
      assert.equal(far.bytesRead, 16, 'the server saw the first VERSION alone');
    });

    it(`what a client had begun to say is passed on with its end, ${how}`, async () => {
      const { near, far } = await open(how);
      let text = '';
      far.on('data', (bytes: Buffer) => (text += bytes.toString('hex')));
      far.resume();
      near.end(Buffer.from('000000000000000d00000000000000000006', 'hex'));
      await until(() => far.readableEnded, 5000, 'the end');
      assert.equal(text, '000000000000000d00000000000000000006');
    });

    it(`other protocols pass as they are, ${how}`, async () => {
      const { near, far } = await open(how);
      let asked = '';
      let answered = '';
      far.on('data', (bytes: Buffer) => (asked += bytes.toString('latin1')));
      near.on('data', (bytes: Buffer) => (answered += bytes.toString('latin1')));
      far.resume();
      near.write('G');
      await until(() => asked === 'G', 5000, 'the first byte');
      near.write('ET /\r\n');
      far.write('HTTP/1.1 200 OK');
      await until(() => asked === 'GET /\r\n' && answered === 'HTTP/1.1 200 OK', 5000, 'both');
    });
  }

  it('a client that searches and never reads costs a bounded memory', async () => {
    const { near } = await open('with a static buffer');
    near.pause();
    const before = process.memoryUsage().rss;
    for (let from = 0; from < 2_000_000 && near.writable; from += 1000) {
      if (!near.write(searches(from, 1000))) {
        await new Promise((resolve) => near.once('drain', resolve));
      }
    }
    const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
    assert.ok(grown < 200, `${grown} MiB`);
  }).timeout(60_000);
});
