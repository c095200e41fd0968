/** What a front end believes of what a broker says. */
import assert from 'node:assert/strict';
import { isErrorCode } from '../../../src/base/errors';
import type { PvUpdate } from '../../../src/model/coreApi';
import type { Snapshot } from '../../../src/model/snapshot';
import { duplexPair } from '../../../src/node/relay/duplexPair';
import { CoreClient } from '../../../src/rpc/coreClient';
import { RPC_PROTOCOL } from '../../../src/rpc/messages';
import { type MethodName, NEWS } from '../../../src/rpc/methods';
import { createRpcConnection } from '../../../src/rpc/rpcConnection';
import { FakeClock, settle } from '../../support/fakeClock';
import { snapshotWith } from '../../support/snapshots';
import { until } from '../../support/until';

const { signal } = new AbortController();
const HELLO = { protocol: RPC_PROTOCOL, version: '0.1.0', clientId: 'x', clientName: 'a test' };
const FACTS = {
  protocol: RPC_PROTOCOL,
  version: '0.1.0',
  pid: 1,
  isForeground: false,
  frontEndCount: 1,
};
const GOOD: Snapshot = {
  ...snapshotWith([{ local: { host: '127.0.0.1', port: 5064 } }]),
  nameServers: { ca: { host: '127.0.0.1', port: 5063 }, pva: { host: '::1', port: 5074 } },
};

describe('what a broker says', () => {
  /** A broker that gives these answers, and a front end that talks to it. */
  function talk(answers: Record<string, unknown>, updates: PvUpdate[] = []) {
    const [ours, theirs] = duplexPair();
    const broker = createRpcConnection(theirs);
    for (const [method, answer] of Object.entries(answers)) {
      broker.onRequest(method, () => answer);
    }
    broker.listen();
    const ends: string[] = [];
    const snapshots: Snapshot[] = [];
    const client = new CoreClient(ours, new FakeClock(), {
      onSnapshot: (snapshot) => void snapshots.push(snapshot),
      onUpdate: (_id, update) => void updates.push(update),
      onFollowed: () => undefined,
      onEnd: (reason) => void ends.push(reason),
    });
    return { broker, client, ends, snapshots };
  }

  const endpoints: unknown[] = [
    { host: '127.0.0.1$(id>file)', port: 5063 },
    { host: "127.0.0.1';id;'", port: 5063 },
    { host: '127.0.0.1 5', port: 5063 },
    { host: '\u001b]0;x\u0007', port: 5063 },
    { host: '', port: 5063 },
    { host: 'a'.repeat(300), port: 5063 },
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port: 65_536 },
    { host: '127.0.0.1', port: '5063;id' },
    { host: '127.0.0.1', port: 50.5 },
    '127.0.0.1:5063',
  ];
  const snapshots: unknown[] = [
    ...endpoints.map((ca) => ({ ...GOOD, nameServers: { ca } })),
    ...endpoints.map((local) => snapshotWith([{ local: local as never }])),
    ...endpoints.map((local) => ({ ...GOOD, search: { pva: { local } } })),
    { ...GOOD, containers: 'none' },
    { ...GOOD, containers: [{ ...GOOD.containers[0], name: ['x'] }] },
    { ...GOOD, containers: [{ ...GOOD.containers[0], name: 'x'.repeat(2_000_000) }] },
    { ...GOOD, search: { ca: { broadcasts: ['$(id)'] } } },
    { ...GOOD, isSettled: 1 },
    null,
  ];

  it('is taken where it makes sense, with what a newer one adds', async () => {
    const {
      client,
      broker,
      snapshots: told,
      ends,
    } = talk({
      hello: { broker: FACTS, snapshot: GOOD },
    });
    const { snapshot } = await client.hello(HELLO, signal);
    assert.deepEqual(snapshot, GOOD);
    const newer = { ...GOOD, mood: 'good' };
    await broker.sendNotification(NEWS.snapshot.type, { snapshot: newer });
    await until(() => told.length > 0, 5000, 'a snapshot');
    assert.deepEqual([told, ends], [[newer], []]);
    client.dispose();
  });

  it('is taken where numbers are none, as those of PVs may be', async () => {
    const updates: PvUpdate[] = [];
    const { client, broker, ends } = talk({ hello: { broker: FACTS, snapshot: GOOD } }, updates);
    await client.hello(HELLO, signal);
    const reading = { value: [NaN, Infinity], severity: 'NO_ALARM', precision: NaN };
    const update: PvUpdate = { kind: 'value', reading, range: [NaN, -Infinity] };
    await broker.sendNotification(NEWS.update.type, { monitorId: 1, update });
    await until(() => updates.length > 0, 5000, 'an update');
    assert.deepEqual([updates, ends], [[update], []]);
    client.dispose();
  });

  it('ends the connection where a snapshot makes no sense', async () => {
    for (const snapshot of snapshots) {
      const first = talk({ hello: { broker: FACTS, snapshot } });
      await assert.rejects(
        first.client.hello(HELLO, signal),
        (error) => isErrorCode(error, 'usage') && String(error).includes('broker-nonsense'),
        JSON.stringify(snapshot)?.slice(0, 500),
      );
      const later = talk({ hello: { broker: FACTS, snapshot: GOOD } });
      await later.client.hello(HELLO, signal);
      await later.broker.sendNotification(NEWS.snapshot.type, { snapshot });
      await settle();
      assert.equal(later.ends.length, 1);
      assert.deepEqual(later.snapshots, []);
    }
  });

  it('ends it where facts or answers make none either', async () => {
    for (const broker of [{ ...FACTS, pid: '1;id' }, { ...FACTS, logFile: 5 }, undefined]) {
      const { client } = talk({ hello: { broker, snapshot: GOOD } });
      await assert.rejects(client.hello(HELLO, signal), /broker-nonsense/);
    }
    const answers: [MethodName, unknown][] = [
      ['listPvs', { total: 1, reachable: 1, rows: [{ name: 5 }] }],
      ['describePv', { name: 'X', paths: [{ listening: endpoints[0] }] }],
      ['readPv', { value: 1, severity: {} }],
      ['listContainers', [{ name: null }]],
      ['listRequests', {}],
    ];
    for (const [method, answer] of answers) {
      const { client, ends } = talk({ [method]: answer });
      await assert.rejects(client.ask(method, {}, signal), /broker-nonsense/);
      assert.equal(ends.length, 1);
    }
  });

  it('is not looked at further where it is too new to be understood', async () => {
    const broker = { protocol: RPC_PROTOCOL + 1, version: '9.0.0' };
    const { client } = talk({ hello: { broker, mood: 'good' } });
    assert.equal((await client.hello(HELLO, signal)).broker.version, '9.0.0');
    client.dispose();
  });
});
