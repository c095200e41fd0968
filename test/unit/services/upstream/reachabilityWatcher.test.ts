import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { TransportError } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { DemoServers } from '../../../../src/demo/demoServers';
import { DEMO_PVS, DemoValues } from '../../../../src/demo/demoPvs';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { attachServer } from '../../../../src/node/relay/attachServer';
import { type CaServedPv, CaServerCircuit } from '../../../../src/protocol/ca';
import { NameTable } from '../../../../src/model/pvTable';
import type { PvProtocol } from '../../../../src/model/snapshot';
import { createReachability } from '../../../../src/services/upstream/createReachability';
import type { Reachability } from '../../../../src/services/upstream/reachability';
import { FakeClock, settle } from '../../../support/fakeClock';
import { said } from '../../../support/said';

function takeEverything(stream: Duplex): void {
  const write = stream.write.bind(stream) as (bytes: Uint8Array) => boolean;
  const on = stream.on.bind(stream) as (event: string, listener: () => void) => Duplex;
  Object.assign(stream, {
    write: (bytes: Uint8Array) => write(bytes) || true,
    on: (event: string, listener: () => void) => (event === 'drain' ? stream : on(event, listener)),
  });
}

/** A server's answer to an ECHO. */
const ECHO = {
  ca: Buffer.from('00170000000000000000000000000000', 'hex'),
  pva: Buffer.from('ca02400200000000', 'hex'),
};

/** A server in memory: the demo's roles, or none at all. */
class Scene {
  readonly clock = new FakeClock();
  readonly names = new NameTable();
  readonly values = new DemoValues(this.clock);
  readonly servers = new DemoServers(this.values);
  readonly connections: Duplex[] = [];
  lostCircuits = 0;
  dials = 0;
  readonly reachability: Reachability;

  constructor(
    protocol: PvProtocol,
    public mode: 'serving' | 'silent' | 'refusing' = 'serving',
    /** Whether connections never ask to wait, as with a server that reads as fast as we write. */
    readonly takesEverything = false,
  ) {
    this.names.add(
      DEMO_PVS.map((pv) => pv.name),
      { kind: 'pva-list' },
    );
    this.names.add(['DEMO:NOT:THERE'], { kind: 'database', file: '/x.db', line: 1 });
    this.names.add(['OTHER:IOC'], { kind: 'user' });
    this.reachability = createReachability(protocol, {
      names: this.names,
      dial: () => {
        this.dials++;
        if (this.mode === 'refusing') return Promise.reject(new TransportError('refused'));
        const [client, server] = duplexPair();
        client.pause();
        this.connections.push(server);
        server.on('error', () => undefined);
        if (this.takesEverything) takeEverything(client);
        if (this.mode === 'serving') this.servers.serve(protocol === 'ca' ? 5064 : 5075, server);
        return Promise.resolve(client);
      },
      onCircuitLost: () => {
        this.lostCircuits++;
      },
      isGateway: false,
      clientName: 'test',
      hostName: 'here',
      clock: this.clock,
      log: silentLog,
    });
  }

  step(name: string): string {
    return this.reachability.steps.get(this.names.indexOf(name) ?? -1);
  }
  get counts(): [number, number] {
    return [this.reachability.steps.count('reachable'), this.reachability.steps.total];
  }
  end(): void {
    this.reachability.dispose();
    this.values.dispose();
    for (const connection of this.connections) connection.destroy();
  }
}

describe('held reachability over ca: a gateway', () => {
  /** It looks behind itself when searched, and not when a channel is wanted. */
  for (const [step, hasNext] of [
    ['reachable', [false, true, true]],
    ['create-refused', [false, true, false, true]],
  ] as const) {
    it(`is asked once more for a channel after it found the name: ${step}`, async () => {
      const answers: boolean[] = [...hasNext];
      const pv = { element: 'DOUBLE', maxCount: 1 } as CaServedPv;
      const names = new NameTable();
      names.add(['BEHIND:1'], { kind: 'user' });
      const [client, server] = duplexPair();
      client.pause();
      server.on('error', () => undefined);
      const isPv = (name: string): boolean => name === 'BEHIND:1' && answers.shift() === true;
      const find = (name: string): CaServedPv | undefined => (isPv(name) ? pv : undefined);
      attachServer(
        server,
        (onOutput) => new CaServerCircuit({ find }, { peer: 'client', port: 5064, onOutput }),
      );
      const reachability = createReachability('ca', {
        ...{ names, isGateway: true, clientName: 'test', hostName: 'here' },
        ...{ clock: new FakeClock(), log: silentLog, onCircuitLost: () => undefined },
        dial: () => Promise.resolve(client),
      });
      try {
        await settle();
        assert.equal(reachability.steps.get(0), step);
        assert.deepEqual(answers, []);
      } finally {
        reachability.dispose();
        server.destroy();
      }
    });
  }
});

for (const protocol of ['ca', 'pva'] as const) {
  describe(`held reachability over ${protocol}`, () => {
    let scene: Scene;
    beforeEach(() => {
      scene = new Scene(protocol);
    });
    afterEach(() => scene.end());

    it('tells what each PV is: reachable, not found, or not for this server', async () => {
      await settle();
      assert.deepEqual(scene.counts, [12, 13]);
      assert.equal(scene.step('DEMO:NOT:THERE'), 'not-found');
      assert.equal(scene.step('OTHER:IOC'), 'not-served');
      assert.equal(scene.reachability.problem, undefined);
    });

    it('asks names that come later on the same circuit', async () => {
      await settle();
      scene.names.add(['LATER'], { kind: 'database', file: '/x.db', line: 2 });
      scene.reachability.namesAdded();
      await settle();
      assert.equal(scene.step('LATER'), 'not-found');
      assert.equal(scene.dials, 1);
    });

    it('hears the answer also about names that were added and not told of yet', async () => {
      // As from a long list: in slices, and told at its end. The circuit is ready in between.
      const late = 'OTHER:IOC:LATE';
      scene.names.add([late], { kind: 'database', file: '/x.db', line: 2 });
      await settle();
      scene.reachability.namesAdded();
      await settle();
      assert.equal(scene.step(late), 'not-found');
      assert.equal(scene.reachability.steps.count('pending'), 0);
    });

    it('counts a name for as long as somebody wants it, and asks for it once', async () => {
      const [name = ''] = DEMO_PVS.map((pv) => `${pv.name}.DESC`);
      await settle();
      scene.names.add([name, 'NOBODYS'], { kind: 'user' });
      scene.reachability.namesAdded();
      await settle();
      const [given, nobodys] = [name, 'NOBODYS'].map((one) => scene.names.indexOf(one) ?? -1);
      assert.ok(given !== undefined && nobodys !== undefined);
      const before = scene.counts;
      const step = scene.step(name);
      for (const index of [given, nobodys]) scene.reachability.setWanted(index, false);
      await scene.clock.advance(60_000);
      assert.equal(scene.step(name), 'not-served');
      assert.deepEqual(scene.counts, [12, 13]);
      scene.connections.at(-1)?.destroy();
      await scene.clock.advance(6000);
      assert.deepEqual(scene.counts, [12, 13], 'also on the next circuit');
      for (const index of [given, nobodys]) scene.reachability.setWanted(index, true);
      await scene.clock.advance(1000);
      assert.deepEqual([scene.step(name), scene.counts], [step, before]);
    });

    it('knows at once when the circuit ends, and comes back', async () => {
      await settle();
      scene.mode = 'refusing';
      scene.connections[0]?.destroy();
      await settle();
      assert.deepEqual([scene.step('DEMO:COUNTER'), scene.lostCircuits], ['disconnected', 1]);
      assert.match(said(scene.reachability.problem), /closed the circuit/);
      await scene.clock.advance(1000);
      assert.ok(scene.dials > 2, 'it keeps trying');
      scene.mode = 'serving';
      await scene.clock.advance(6000);
      assert.deepEqual(scene.counts, [12, 13]);
      assert.equal(scene.reachability.problem, undefined);
    });

    it('asks a quiet server for a sign of life, and keeps one that gives it', async () => {
      await settle();
      await scene.clock.advance(120_000);
      assert.deepEqual([scene.dials, scene.counts], [1, [12, 13]]);
    });

    it('is heard by the server every 15 s, however busy this machine and whatever the server sends', async () => {
      await settle();
      scene.clock.load = 16;
      const [connection] = scene.connections;
      let heardMs = scene.clock.nowMs();
      let longestMs = 0;
      connection?.on('data', () => {
        longestMs = Math.max(longestMs, scene.clock.nowMs() - heardMs);
        heardMs = scene.clock.nowMs();
      });
      for (let second = 0; second < 180; second++) {
        connection?.write(ECHO[protocol]);
        await scene.clock.advance(1000);
      }
      longestMs = Math.max(longestMs, scene.clock.nowMs() - heardMs);
      assert.ok(longestMs <= 16_000, `${longestMs} ms without a word`);
      assert.equal(scene.dials, 1);
    });

    it('gives up a server that stopped answering', async () => {
      await settle();
      // Nobody reads any more, as in a paused container: the circuit stays open, silent.
      const [connection] = scene.connections;
      connection?.removeAllListeners('data');
      connection?.pause();
      scene.mode = 'silent';
      await scene.clock.advance(30_000);
      assert.equal(scene.step('DEMO:COUNTER'), 'disconnected');
      assert.match(said(scene.reachability.problem), /no sign of life|no handshake/);
    });

    it('asks for few names in one turn of the event loop, and for the rest soon', async () => {
      scene.end();
      scene = new Scene(protocol, 'serving', true);
      await settle();
      const names = Array.from({ length: 700 }, (_, at) => `MANY:${at}`);
      scene.names.add(names, { kind: 'database', file: '/x.db', line: 1 });
      scene.reachability.namesAdded();
      await settle();
      assert.equal(scene.reachability.steps.count('not-found'), 1 + 256);
      await scene.clock.advance(1);
      await settle();
      assert.equal(scene.reachability.steps.count('not-found'), 1 + 700);
    });

    it('a name that nobody can be asked for is left out alone', async () => {
      const long = 'N'.repeat(protocol === 'ca' ? 20_000 : 501);
      scene.names.add([long, '', 'LATER'], { kind: 'user' });
      scene.reachability.namesAdded();
      await settle();
      assert.deepEqual([scene.step(long), scene.step('')], ['not-served', 'not-served']);
      assert.equal(scene.step('LATER'), 'not-served');
      assert.deepEqual([scene.counts, scene.dials], [[12, 13], 1]);
      assert.equal(scene.reachability.steps.count('pending'), 0);
      const index = scene.names.indexOf(long) ?? -1;
      scene.reachability.setWanted(index, false);
      scene.reachability.setWanted(index, true);
      assert.deepEqual([scene.step(long), scene.dials], ['not-served', 1]);
    });

    it('what is not answered is told, whatever else the server says', async () => {
      await settle();
      // From now on it answers nothing, and greets without end.
      const [connection] = scene.connections;
      connection?.removeAllListeners('data');
      connection?.pause();
      scene.names.add(['LATER'], { kind: 'user' });
      scene.reachability.namesAdded();
      for (let second = 0; second < 30; second++) {
        connection?.write(ECHO[protocol]);
        await scene.clock.advance(1000);
      }
      assert.equal(scene.step('LATER'), 'no-answer');
      assert.equal(scene.step('DEMO:COUNTER'), 'reachable');
      assert.equal(scene.dials, 1);
    });

    it('a server that sends without being asked is sent away, and asked ever more seldom', async () => {
      await settle();
      for (let second = 0; second < 60; second++) {
        const flood = Buffer.concat(new Array<Buffer>(100_000).fill(ECHO[protocol]));
        scene.connections.at(-1)?.write(flood);
        await scene.clock.advance(1000);
      }
      assert.ok(scene.dials > 1 && scene.dials < 20, `${scene.dials} dials`);
    });

    it('ends with nothing left', async () => {
      await settle();
      scene.end();
      assert.equal(scene.clock.pendingCount, 0);
      await settle();
      assert.equal(scene.connections[0]?.readableEnded, true);
    });
  });

  it(`${protocol}: a server without a handshake is a problem, not a wait`, async () => {
    const scene = new Scene(protocol, 'silent');
    try {
      await scene.clock.advance(6000);
      assert.match(said(scene.reachability.problem), /no handshake/);
    } finally {
      scene.end();
    }
  });
}
