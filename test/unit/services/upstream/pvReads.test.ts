/** Reads over the circuit that is held to a server, and what must not disturb what else. */
import assert from 'node:assert/strict';
import { isErrorCode } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { toDisposable } from '../../../../src/base/disposable';
import type { PvUpdate } from '../../../../src/model/coreApi';
import { NameTable } from '../../../../src/model/pvTable';
import type { PvReading } from '../../../../src/model/reading';
import type { PvProtocol } from '../../../../src/model/snapshot';
import { PvMonitors } from '../../../../src/services/pvs/pvMonitors';
import { createReachability } from '../../../../src/services/upstream/createReachability';
import type { Reachability } from '../../../../src/services/upstream/reachability';
import { FakeClock, settle } from '../../../support/fakeClock';
import { type MemoryConnection, MemoryServer } from '../../../support/memoryServer';

const PVS = Array.from({ length: 20 }, (_, at) => `PV:${at}`);
const BIG_COUNT = 512 * 1024;
/** 4 MB. */
const BIG_BYTES = BIG_COUNT * 8;
const identity = { clientName: 'test', hostName: 'here' };

class Scene {
  readonly clock = new FakeClock();
  readonly names = new NameTable();
  readonly server: MemoryServer;
  readonly reachability: Reachability;

  constructor(protocol: PvProtocol, isServing = true) {
    this.server = new MemoryServer(protocol);
    this.server.isServing = isServing;
    PVS.forEach((name, at) => this.server.set(name, at));
    this.server.set('BIG', 1, BIG_COUNT);
    this.server.set('UNLISTED', 7);
    this.names.add([...PVS, 'BIG'], { kind: 'database', file: '/x.db', line: 1 });
    this.reachability = createReachability(protocol, {
      names: this.names,
      dial: this.server.dial,
      onCircuitLost: () => undefined,
      ...{ isGateway: false, clock: this.clock, log: silentLog, ...identity },
    });
  }

  get connections(): MemoryConnection[] {
    return this.server.connections;
  }
  /** The connection of the held circuit. */
  get held(): MemoryConnection {
    const [first] = this.connections;
    assert.ok(first);
    return first;
  }
  /** Of the one element, or the number of them; or the error. */
  async read(name: string, signal = new AbortController().signal): Promise<unknown> {
    try {
      return firstOf(await this.reachability.read(name, signal));
    } catch (error) {
      return error;
    }
  }
  get isReached(): boolean {
    const { steps, problem } = this.reachability;
    return problem === undefined && steps.count('reachable') === PVS.length + 1;
  }
  end(): void {
    this.reachability.dispose();
    this.server.close();
  }
}

function firstOf({ value }: PvReading): number {
  return typeof value === 'number' ? value : ((value as Float64Array)[0] ?? NaN);
}

for (const protocol of ['ca', 'pva'] as const) {
  describe(`reads over ${protocol}`, () => {
    let scene: Scene;
    beforeEach(async () => {
      scene = new Scene(protocol);
      await settle();
    });
    afterEach(() => scene.end());

    it('of twenty PVs open no connection, and no channel', async () => {
      assert.ok(scene.isReached);
      const before = scene.server.lookCount;
      const values = await Promise.all(PVS.map((name) => scene.read(name)));
      assert.deepEqual(
        values,
        PVS.map((_, at) => at),
      );
      assert.deepEqual([scene.connections.length, scene.server.lookCount], [1, before]);
    });

    it('of a PV without a held channel leave none behind', async () => {
      const before = scene.held.channelCount;
      assert.equal(await scene.read('UNLISTED'), 7);
      await settle();
      assert.deepEqual([scene.connections.length, scene.held.channelCount], [1, before]);
    });

    it('of what is not there, or cannot be, fail alone', async () => {
      const [missing, tooLong, good] = await Promise.all([
        scene.read('MISSING'),
        scene.read('N'.repeat(20_000)),
        scene.read('PV:3'),
      ]);
      assert.match(String(missing), /no PV MISSING, or refuses it/);
      assert.ok(tooLong instanceof Error);
      assert.equal(good, 3);
      assert.deepEqual([scene.connections.length, scene.isReached], [1, true]);
    });

    it('of 4 MB over a slow line leave the circuit alive, however late its echo', async () => {
      scene.held.holdUp();
      const value = scene.read('BIG');
      for (let part = 0; part < 20; part++) {
        await scene.clock.advance(4000);
        scene.held.trickle(BIG_BYTES / 20);
      }
      assert.deepEqual([scene.connections.length, scene.isReached], [1, true]);
      scene.held.letGo();
      assert.equal(await value, 1);
      await scene.clock.advance(60_000);
      assert.deepEqual([scene.connections.length, scene.isReached], [1, true]);
    });

    it('that were given up keep no other waiting, and the circuit stays', async () => {
      scene.held.holdUp();
      const abort = new AbortController();
      const given = scene.read('BIG', abort.signal);
      await settle();
      abort.abort();
      assert.ok(isErrorCode(await given, 'cancelled'));
      assert.deepEqual(await Promise.all(['PV:1', 'PV:2'].map((name) => scene.read(name))), [1, 2]);
      assert.equal(scene.connections.length, 2, 'one for both');
      await settle();
      assert.equal(scene.connections[1]?.hasEnded, true);
      scene.held.letGo();
      await settle();
      assert.equal(await scene.read('PV:3'), 3);
      assert.deepEqual([scene.connections.length, scene.isReached], [2, true]);
    });

    it('that were given up before there was a channel are over', async () => {
      const before = scene.held.channelCount;
      scene.held.holdUp();
      const abort = new AbortController();
      const given = scene.read('UNLISTED', abort.signal);
      await settle();
      abort.abort();
      assert.ok(isErrorCode(await given, 'cancelled'));
      const next = scene.read('PV:1');
      await settle();
      scene.held.letGo();
      assert.equal(await next, 1);
      await settle();
      assert.deepEqual([scene.connections.length, scene.held.channelCount], [1, before]);
    });

    it('beside one that ends the circuit are done over the held one again', async () => {
      scene.held.holdUp();
      const both = Promise.all([scene.read('PV:5'), scene.read('PV:6')]);
      scene.held.say(Uint8Array.of(0, 0, 0, 3, ...new Uint8Array(12)));
      for (const one of await both) assert.ok(isErrorCode(one, 'remote-protocol'), String(one));
      await scene.clock.advance(30_000);
      assert.ok(scene.isReached);
      // Each alone, so that what harmed them harms nobody else; neither did.
      assert.deepEqual(await Promise.all([scene.read('PV:5'), scene.read('PV:6')]), [5, 6]);
      const before = scene.connections.length;
      assert.deepEqual(await Promise.all([scene.read('PV:5'), scene.read('PV:6')]), [5, 6]);
      assert.equal(scene.connections.length, before);
    });

    it('of a value that ends the circuit are done apart from then on', async () => {
      scene.held.holdUp();
      const broken = scene.read('PV:5');
      // A payload of three bytes for Channel Access, another magic for pvAccess.
      scene.held.say(Uint8Array.of(0, 0, 0, 3, ...new Uint8Array(12)));
      assert.ok(isErrorCode(await broken, 'remote-protocol'));
      await scene.clock.advance(1000);
      assert.deepEqual([scene.connections.length, scene.isReached], [2, true]);
      assert.equal(await scene.read('PV:5'), 5);
      assert.equal(scene.connections.length, 3);
      assert.equal(await scene.read('PV:6'), 6);
      assert.equal(scene.connections.length, 3);
    });

    it('end with the circuit', async () => {
      scene.held.holdUp();
      const value = scene.read('PV:5');
      await settle();
      scene.reachability.interrupt('its container is paused');
      assert.match(String(await value), /its container is paused/);
      await scene.clock.advance(1000);
      assert.equal(await scene.read('PV:5'), 5);
    });

    it('are apart from monitors: one that reads no updates of 4 MB holds up nothing else', async () => {
      const updates: PvUpdate[] = [];
      const monitors = new PvMonitors({
        find: async (name) => ({
          key: 'server',
          dial: scene.server.dial,
          read: (signal) => scene.reachability.read(name, signal),
        }),
        onDidChange: () => toDisposable(() => undefined),
        identity,
        clock: scene.clock,
      });
      const monitor = monitors.monitor('BIG', protocol, (update) => updates.push(update));
      await settle();
      assert.equal(updates.length, 1);
      const [, monitored] = scene.connections;
      monitored?.holdUp();
      for (let second = 0; second < 60; second += 5) {
        scene.server.set('BIG', second, BIG_COUNT);
        await scene.clock.advance(5000);
        assert.equal(await scene.read(`PV:${second % 20}`), second % 20);
      }
      assert.equal(scene.isReached, true);
      assert.equal(scene.held.hasEnded, false, 'its echoes were answered');
      monitor.dispose();
    });
  });

  it(`reads over ${protocol} before a circuit is ready share one, which lasts as long`, async () => {
    const scene = new Scene(protocol, false);
    try {
      await settle();
      scene.server.isServing = true;
      const values = await Promise.all(PVS.map((name) => scene.read(name)));
      assert.deepEqual(
        values,
        PVS.map((_, at) => at),
      );
      assert.equal(scene.connections.length, 1);
      await settle();
      assert.equal(scene.held.hasEnded, true);
    } finally {
      scene.end();
    }
  });
}
