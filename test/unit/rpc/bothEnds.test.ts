/** A front end and the core with both ends of the connection in between, over streams in memory. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { type LogLevel } from '../../../src/base/log';
import type { LiveUpdate, PvUpdate } from '../../../src/model/coreApi';
import type { Snapshot } from '../../../src/model/snapshot';
import { duplexPair } from '../../../src/node/relay/duplexPair';
import { CoreClient } from '../../../src/rpc/coreClient';
import { type FrontEndHost, type Leaving, serveFrontEnd } from '../../../src/rpc/coreServer';
import { RPC_PROTOCOL } from '../../../src/rpc/messages';
import { CoreScene, EVERYTHING } from '../../support/coreScene';

const { signal } = new AbortController();
const HELLO = { protocol: RPC_PROTOCOL, version: '0.1.0', clientId: 'x', clientName: 'a test' };
const MOTOR = { name: 'DEMO:MOTOR', protocol: 'ca' } as const;

class Connected {
  readonly scene = new CoreScene();
  readonly snapshots: Snapshot[] = [];
  readonly updates: [number, PvUpdate][] = [];
  readonly followed: [number, LiveUpdate][] = [];
  readonly ends: string[] = [];
  readonly left: Leaving[] = [];
  readonly logged: [LogLevel, string][] = [];
  readonly calls: string[] = [];
  readonly client: CoreClient;
  readonly stream: Duplex;

  constructor() {
    const { scene } = this;
    const { clock } = scene;
    const host: FrontEndHost = {
      facts: {
        ...{ protocol: RPC_PROTOCOL, version: '0.1.0', pid: 1 },
        ...{ isForeground: false, frontEndCount: 1 },
      },
      get requests() {
        return scene.core.requests;
      },
      attach: () => {
        const core = scene.core.openFrontEnd();
        return {
          core,
          request: undefined,
          setRequest: (request) => core.setRequest(request),
          detach: (how) => {
            this.left.push(how);
            core.dispose();
          },
        };
      },
      handOver: async () => void this.calls.push('handOver'),
      stop: () => void this.calls.push('stop'),
    };
    const [ours, theirs] = duplexPair();
    this.stream = ours;
    // As sockets do.
    for (const end of [ours, theirs]) end.on('end', () => end.end());
    serveFrontEnd(theirs, host, clock, (level, _tag, text) => this.logged.push([level, text]));
    this.client = new CoreClient(ours, clock, {
      onSnapshot: (snapshot) => void this.snapshots.push(snapshot),
      onUpdate: (id, update) => void this.updates.push([id, update]),
      onFollowed: (id, updates) => {
        for (const update of updates) this.followed.push([id, update]);
      },
      onEnd: (reason) => void this.ends.push(reason),
    });
  }

  /** Moves the clock on until the answer is there. */
  async answer<T>(asked: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    asked.then(done, done);
    await this.scene.until(() => isDone, 'an answer', 70_000);
    return asked;
  }

  async greet(): Promise<Snapshot> {
    return (await this.answer(this.client.hello(HELLO, signal))).snapshot;
  }

  /** With an IOC, exposed. */
  async expose(): Promise<void> {
    this.scene.engine.run('dev').start({ name: 'IOC' });
    await this.greet();
    await this.answer(this.client.setRequest(EVERYTHING, signal));
    await this.scene.untilSettled();
    await this.scene.clock.advance(100);
  }
}

describe('a front end and the core, with a connection in between', () => {
  let connected: Connected;
  beforeEach(() => (connected = new Connected()));
  afterEach(async () => {
    connected.client.dispose();
    await connected.scene.end();
  });

  it('greet each other with what is known', async () => {
    assert.deepEqual(await connected.greet(), connected.scene.snapshot);
  });

  it('say nothing to each other before that', async () => {
    const listing = connected.answer(connected.client.ask('listContainers', {}, signal));
    await assert.rejects(listing, { code: 'transport' });
    await connected.greet();
    await assert.rejects(connected.greet(), { code: 'transport' });
  });

  it('know the same: the snapshot comes when it changes', async () => {
    const { snapshots, scene } = connected;
    await connected.expose();
    assert.deepEqual(snapshots.at(-1), scene.snapshot);
    scene.engine.setStatus('unreachable');
    await scene.clock.advance(100);
    assert.equal(snapshots.at(-1)?.engines[0]?.status, 'unreachable');
    assert.deepEqual(await connected.answer(connected.client.ask('listRequests', {}, signal)), [
      EVERYTHING,
    ]);
  });

  it('know a new request before it is answered', async () => {
    const { scene, client, snapshots } = connected;
    await connected.expose();
    const { length } = snapshots;
    await client.setRequest(undefined, signal);
    assert.ok(snapshots.length > length);
    assert.deepEqual(snapshots.at(-1)?.containers, []);
    assert.deepEqual(scene.core.requests, []);
  });

  it('carry questions and answers, and what went wrong by its code', async () => {
    const { client } = connected;
    await connected.expose();
    const page = await connected.answer(client.ask('listPvs', { offset: 0, limit: 50 }, signal));
    assert.equal(page.rows.length, 24);
    const reading = await connected.answer(client.ask('readPv', MOTOR, signal));
    assert.equal(typeof reading.value, 'number');
    const unknown = client.ask('readPv', { name: 'NO:SUCH', protocol: 'ca' }, signal);
    await assert.rejects(connected.answer(unknown), { code: 'not-found' });
    const { paths } = await connected.answer(
      client.ask('describePv', { name: MOTOR.name, maxWaitMs: 0 }, signal),
    );
    assert.equal(paths.length, 2);
    const [container] = await connected.answer(client.ask('listContainers', {}, signal));
    assert.equal(container?.name, 'dev');
  });

  it('follow values until they are no longer wanted', async () => {
    const { client, updates, scene } = connected;
    await connected.expose();
    await connected.answer(client.ask('startMonitor', { monitorId: 5, ...MOTOR }, signal));
    await scene.clock.advance(2000);
    assert.ok(
      updates.length > 1 && updates.every(([id, { kind }]) => id === 5 && kind === 'value'),
    );
    const again = client.ask('startMonitor', { monitorId: 5, ...MOTOR }, signal);
    await assert.rejects(connected.answer(again), { code: 'transport' });
    await connected.answer(client.ask('stopMonitor', { monitorId: 5 }, signal));
    const { length } = updates;
    await scene.clock.advance(2000);
    assert.equal(updates.length, length);
  });

  it('follow many values in batches, the newest of each', async () => {
    const { client, followed, scene } = connected;
    await connected.expose();
    const counter = { id: 2, name: 'DEMO:COUNTER', protocol: 'pva' } as const;
    const add = [{ id: 1, ...MOTOR }, counter, { ...MOTOR, id: 3, name: 'NO:SUCH' }];
    const change = { followerId: 7, add, remove: [] };
    await connected.answer(client.ask('changeFollowed', change, signal));
    await scene.clock.advance(3000);
    const of = (id: number): LiveUpdate[] =>
      followed.flatMap(([follower, update]) =>
        follower === 7 && update.id === id ? [update] : [],
      );
    const texts = of(2).map((update) => 'reading' in update && update.reading.text);
    assert.ok(new Set(texts).size >= 3, texts.join());
    assert.ok(of(1).every((update) => 'reading' in update && / mm$/.test(update.reading.text)));
    assert.ok(of(3).every((update) => 'problem' in update) && of(3).length === 1);

    const subscriptions = of(2).length;
    const less = { followerId: 7, add: [], remove: [1, 3] };
    await connected.answer(client.ask('changeFollowed', less, signal));
    const before = of(1).length;
    await scene.clock.advance(2000);
    assert.equal(of(1).length, before);
    assert.ok(of(2).length > subscriptions);

    await connected.answer(client.ask('endFollower', { followerId: 7 }, signal));
    const { length } = followed;
    await scene.clock.advance(2000);
    assert.equal(followed.length, length);
  });

  it('leave out what is old by the time that a slow front end reads', async () => {
    const { client, updates, scene, stream } = connected;
    await connected.expose();
    const counter = { name: 'DEMO:SPECTRUM', protocol: 'ca' } as const;
    await connected.answer(client.ask('startMonitor', { monitorId: 1, ...counter }, signal));
    await scene.clock.advance(1000);
    stream.pause();
    const before = updates.length;
    await scene.clock.advance(100_000);
    stream.resume();
    const isNew = (): boolean => {
      const update = updates.at(-1)?.[1];
      const time = update?.kind === 'value' ? update.reading.time : undefined;
      return time !== undefined && scene.clock.wallMs() - Date.parse(time) < 1000;
    };
    await scene.until(isNew, 'the newest value', 1000);
    // 200 values came meanwhile: those that were under way, and the newest.
    const late = updates.length - before;
    assert.ok(late > 1 && late < 50, `${late} updates`);
  });

  it('leave out of batches what is old by the time that a slow front end reads', async () => {
    const { client, followed, scene, stream } = connected;
    await connected.expose();
    const names = ['COUNTER', 'MOTOR', 'BEAM:X', 'BEAM:Y', 'TEMPERATURE', 'MESSAGE', 'SPECTRUM'];
    const add = names.map((name, id) => ({ id, name: `DEMO:${name}`, protocol: 'ca' as const }));
    const change = { followerId: 1, add, remove: [] };
    await connected.answer(client.ask('changeFollowed', change, signal));
    await scene.clock.advance(1000);
    stream.pause();
    const before = followed.length;
    await scene.clock.advance(100_000);
    stream.resume();
    const ageMs = ([, update]: [number, LiveUpdate]): number =>
      scene.clock.wallMs() - ('reading' in update ? (update.reading.timeMs ?? 0) : 0);
    const isNew = (): boolean => followed.slice(-names.length).every((one) => ageMs(one) < 1000);
    await scene.until(isNew, 'the newest values', 1000);
    // 200 of each came meanwhile: those that were under way, and the newest.
    const late = (followed.length - before) / names.length;
    assert.ok(late < 100, `${late} of each`);
  });

  it('give up together what nobody waits for any more', async () => {
    const { client, scene } = connected;
    const [ioc] = (await connected.expose(), scene.engine.iocs);
    assert.ok(ioc);
    ioc.hang();
    const before = ioc.circuitCount;
    const abort = new AbortController();
    const reading = client.ask('readPv', MOTOR, abort.signal);
    await scene.until(() => ioc.unreadBytes > 0, 'the question');
    abort.abort();
    await assert.rejects(connected.answer(reading), { code: 'cancelled' });
    // The answer is still to come, so the next one goes another way, which ends with it.
    const next = new AbortController();
    const another = client.ask('readPv', MOTOR, next.signal);
    await scene.until(() => ioc.circuitCount === before + 1, 'another circuit');
    next.abort();
    await assert.rejects(connected.answer(another), { code: 'cancelled' });
    ioc.goOn();
    await scene.until(() => ioc.circuitCount === before, 'its end', 100);
  });

  it('part with a goodbye, for a newer broker, or without a word', async () => {
    await connected.expose();
    await connected.answer(connected.client.ask('goodbye', {}, signal));
    assert.deepEqual(connected.left, ['goodbye']);
    assert.deepEqual(connected.scene.core.requests, []);

    const moving = new Connected();
    await moving.expose();
    await moving.answer(moving.client.ask('handOver', {}, signal));
    assert.deepEqual([moving.left, moving.calls], [['moved'], ['handOver']]);

    const vanishing = new Connected();
    await vanishing.expose();
    vanishing.client.dispose();
    await vanishing.scene.clock.advance(0);
    assert.deepEqual([vanishing.left, vanishing.ends], [['vanished'], []]);
    for (const { scene } of [moving, vanishing]) await scene.end();
  });

  it('may end the broker, after the answer to that', async () => {
    await connected.expose();
    assert.equal(await connected.client.ask('stop', {}, signal), null);
    assert.deepEqual(connected.calls, []);
    await connected.scene.clock.advance(1);
    assert.deepEqual(connected.calls, ['stop']);
  });

  it('are parted where one of them says nothing sensible in time', async () => {
    await connected.scene.clock.advance(5000);
    assert.equal(connected.ends.length, 1);
    await assert.rejects(connected.client.ask('listRequests', {}, signal), { code: 'transport' });

    const loud = new Connected();
    loud.stream.write('x'.repeat(100_000));
    await loud.scene.clock.advance(0);
    assert.equal(loud.ends.length, 1);
    await loud.scene.end();
  });

  it('are parted by what is no message, which is logged', async () => {
    await connected.greet();
    connected.stream.write('Content-Length: 3\r\n\r\nxyz');
    await connected.scene.clock.advance(0);
    assert.deepEqual([connected.ends.length, connected.left], [1, ['vanished']]);
    assert.ok(connected.logged.some(([level]) => level === 'info'));
  });
});
