import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { TransportError } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { DemoServers } from '../../../../src/demo/demoServers';
import { DEMO_PVS, DemoValues } from '../../../../src/demo/demoPvs';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import type { PvProtocol } from '../../../../src/model/snapshot';
import { NameService, type SearchedServer } from '../../../../src/services/search/nameService';
import { FakeClock, settle } from '../../../support/fakeClock';
import { noted } from '../../../support/said';

const PV = 'DEMO:TEMPERATURE';
const [FIRST_PV = ''] = DEMO_PVS.map(({ name }) => name);

/** Servers in memory: the demo's roles, silent ones, and such that cannot be reached. */
class Scene {
  readonly clock = new FakeClock();
  readonly values = new DemoValues(this.clock);
  readonly roles = new DemoServers(this.values);
  readonly connections: Duplex[] = [];
  readonly dials: string[] = [];
  /** Bytes that servers were sent, by label. */
  readonly sentBytes = new Map<string, number>();
  notes = 0;
  /** Names that no server has, each with whether a client still waits. */
  readonly vain = new Map<string, () => boolean>();
  readonly service: NameService;

  constructor(readonly protocol: PvProtocol) {
    this.service = new NameService(protocol, {
      clientName: 'test',
      hostName: 'here',
      clock: this.clock,
      log: silentLog,
      onNote: () => this.notes++,
      vain: {
        sought: (name, isOpen) => this.vain.set(name, isOpen),
        found: (name) => this.vain.delete(name),
      },
    });
  }

  server(
    key: string,
    mode: 'serving' | 'silent' | 'refusing',
    change: Partial<SearchedServer> = {},
  ): SearchedServer {
    return {
      key,
      label: `ioc ${key}`,
      isGateway: false,
      guid: undefined,
      endpoint: () => ({ host: '127.0.0.1', port: 5000 + key.charCodeAt(0) }),
      directEndpoint: () => undefined,
      broadcastEndpoint: () => undefined,
      isReachable: () => false,
      home: key,
      isOwn: () => false,
      reachableCount: () => 0,
      dialInside: () => {
        this.dials.push(key);
        if (mode === 'refusing') return Promise.reject(new TransportError('refused'));
        const [client, server] = duplexPair();
        client.pause();
        this.connections.push(server);
        server.on('error', () => undefined);
        server.on('data', (bytes: Buffer) =>
          this.sentBytes.set(key, (this.sentBytes.get(key) ?? 0) + bytes.length),
        );
        if (mode === 'serving') this.roles.serve(this.protocol === 'ca' ? 5064 : 5075, server);
        return Promise.resolve(client);
      },
      ...change,
    };
  }

  /** What was told about a name so far: the port where it is, or 'absent'. */
  ask(name: string, client?: unknown): (number | 'absent' | 'dropped')[] {
    const told: (number | 'absent' | 'dropped')[] = [];
    this.service.ask(name, {
      client,
      found: ({ endpoint }) => told.push(endpoint.port),
      absent: () => told.push('absent'),
      dropped: () => told.push('dropped'),
    });
    return told;
  }

  end(): void {
    this.service.dispose();
    this.values.dispose();
    for (const connection of this.connections) connection.destroy();
  }
}

const portOf = (key: string): number => 5000 + key.charCodeAt(0);

for (const protocol of ['ca', 'pva'] as const) {
  describe(`name service of ${protocol}`, () => {
    let scene: Scene;
    beforeEach(() => {
      scene = new Scene(protocol);
    });
    afterEach(async () => {
      scene.end();
      await settle();
      assert.equal(scene.clock.pendingCount, 0, 'timers left');
    });

    it('tells which names nobody has, for no longer than a client may wait', async () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      scene.ask('NO:SUCH:PV');
      scene.ask(PV);
      await scene.clock.advance(1000);
      assert.deepEqual([...scene.vain.keys()], ['NO:SUCH:PV']);
      assert.equal(scene.vain.get('NO:SUCH:PV')?.(), true);
      // One that searches by UDP never says that it has given up.
      await scene.clock.advance(7 * 60_000);
      assert.equal(scene.vain.get('NO:SUCH:PV')?.(), false);
    });

    it('tells at once what is known to be reachable, and asks nobody', () => {
      scene.service.setServers([
        scene.server('a', 'serving'),
        scene.server('b', 'serving', { isReachable: (name) => name === 'KNOWN' }),
      ]);
      assert.deepEqual(scene.ask('KNOWN'), [portOf('b')]);
      assert.deepEqual(scene.dials, []);
    });

    it('tells where a long name is that is reachable, and asks nobody for others', () => {
      const long = 'L'.repeat(2000);
      scene.service.setServers([
        scene.server('a', 'serving', { isReachable: (name) => name === long }),
      ]);
      assert.deepEqual(scene.ask(long), [portOf('a')]);
      assert.deepEqual(scene.ask('M'.repeat(496)), ['absent']);
      assert.deepEqual(scene.dials, []);
    });

    it('asks every server at once for what is not known; a stuck one delays nobody', async () => {
      scene.service.setServers([
        scene.server('a', 'silent'),
        scene.server('b', 'refusing'),
        scene.server('c', 'serving'),
      ]);
      const told = scene.ask(FIRST_PV);
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('c')]);
      assert.deepEqual(scene.dials.sort(), ['a', 'b', 'c']);
      assert.deepEqual(scene.ask(FIRST_PV), [portOf('c')], 'remembered');
    });

    it('says that a name is nowhere when all have said so, and remembers it for a while', async () => {
      scene.service.setServers([scene.server('a', 'serving'), scene.server('b', 'serving')]);
      const told = scene.ask('NOBODYS');
      await scene.clock.advance(100);
      assert.deepEqual(told, ['absent']);
      const bytes = scene.sentBytes.get('a');
      assert.deepEqual(scene.ask('NOBODYS'), ['absent'], 'from memory');
      await scene.clock.advance(100);
      assert.equal(scene.sentBytes.get('a'), bytes);
      await scene.clock.advance(6000);
      scene.ask('NOBODYS');
      await scene.clock.advance(100);
      assert.ok((scene.sentBytes.get('a') ?? 0) > (bytes ?? 0), 'asked again');
    });

    it('does not say that a name is nowhere while a server could not be asked', async () => {
      scene.service.setServers([scene.server('a', 'serving'), scene.server('b', 'refusing')]);
      const told = scene.ask('NOBODYS');
      await scene.clock.advance(10_000);
      assert.deepEqual(told, []);
    });

    it('tells who still waits as soon as a server with the name comes', async () => {
      scene.service.setServers([scene.server('a', 'serving', { isReachable: () => false })]);
      const known = scene.ask('LATER');
      const asked = new Scene(protocol);
      await scene.clock.advance(60_000);
      const isReachable = (name: string): boolean => name === 'LATER';
      scene.service.setServers([
        scene.server('a', 'serving'),
        scene.server('b', 'serving', { isReachable }),
      ]);
      await scene.clock.advance(500);
      assert.deepEqual(known, ['absent', portOf('b')]);
      asked.end();
    });

    it('asks a server that comes later for what is still waited for', async () => {
      scene.service.setServers([]);
      const told = scene.ask(FIRST_PV);
      assert.deepEqual(told, ['absent']);
      scene.service.setServers([scene.server('a', 'serving')]);
      await scene.clock.advance(1000);
      assert.deepEqual(told, ['absent', portOf('a')]);
    });

    it('tells once that a name is nowhere, however often others ask', async () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      const first = scene.ask('NOBODYS');
      await scene.clock.advance(200);
      const others = Array.from({ length: 1000 }, () => scene.ask('NOBODYS'));
      assert.deepEqual(first, ['absent']);
      assert.ok(others.every((told) => told.length === 1));
    });

    it('holds so many who wait and no more; who is dropped hears of it', () => {
      scene.service.setServers([scene.server('a', 'silent')]);
      const first = scene.ask('NOBODYS:0');
      for (let i = 0; i < 60_000; i++) scene.ask(`NOBODYS:${i % 10}`);
      assert.deepEqual(first, ['dropped']);
    });

    it('asks for thousands of names in many turns, and answers what is known meanwhile', async () => {
      const known = { isReachable: (name: string) => name === PV };
      const servers = ['a', 'b', 'c', 'd'].map((key) => scene.server(key, 'serving', known));
      scene.service.setServers(servers);
      const nobodys = Array.from({ length: 3000 }, (_, index) => scene.ask(`NOBODYS:${index}`));
      const other = scene.ask(FIRST_PV);
      const [told] = scene.ask(PV);
      assert.equal(typeof told, 'number');
      for (let turn = 0; turn < 60 && other.length === 0; turn++) await scene.clock.advance(100);
      assert.equal(typeof other[0], 'number');
      for (let turn = 0; turn < 60 && !nobodys.every((told) => told.length > 0); turn++) {
        await scene.clock.advance(200);
      }
      assert.ok(nobodys.every((told) => told[0] === 'absent'));
    });

    it('tells nothing to who does not wait any more', async () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      const told: string[] = [];
      const asking = scene.service.ask(FIRST_PV, {
        found: () => told.push('found'),
        absent: () => told.push('absent'),
        dropped: () => told.push('dropped'),
      });
      asking.dispose();
      await scene.clock.advance(1000);
      assert.deepEqual(told, []);
    });

    it('of two servers with a name always tells the first, and notes it', async () => {
      const servers = [scene.server('a', 'serving'), scene.server('b', 'serving')];
      scene.service.setServers(servers);
      const told = scene.ask(FIRST_PV);
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('a')]);
      for (let i = 0; i < 10; i++) assert.deepEqual(scene.ask(FIRST_PV), [portOf('a')]);
      assert.equal(noted(scene.service.notesAbout('b')), `PV ${FIRST_PV} is also served by ioc a`);
      assert.equal(noted(scene.service.notesAbout('a')), `PV ${FIRST_PV} is also served by ioc b`);
      assert.ok(scene.notes > 0);
      scene.service.setServers(servers.slice(1));
      assert.deepEqual(scene.ask(FIRST_PV), [portOf('b')]);
      // The one that is gone has no note; what is told of the other ends with it as well.
      assert.equal(noted(scene.service.notesAbout('a')), '');
      assert.equal(noted(scene.service.notesAbout('b')), '');
    });

    it('forgets yes when the circuit ends', async () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      scene.ask(FIRST_PV);
      await scene.clock.advance(100);
      for (const connection of scene.connections) connection.destroy();
      await settle();
      assert.deepEqual(scene.ask(FIRST_PV), [], 'not told from memory');
      await scene.clock.advance(3000);
      const told = scene.ask(FIRST_PV);
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('a')]);
    });

    it('asks a gateway last, and not at all for what a server has', async () => {
      scene.service.setServers([
        scene.server('g', 'serving', { isGateway: true }),
        scene.server('a', 'serving'),
      ]);
      const told = scene.ask(FIRST_PV);
      await scene.clock.advance(200);
      assert.deepEqual(told, [portOf('a')]);
      assert.deepEqual(scene.dials, ['a']);
      scene.ask('NOBODYS');
      await scene.clock.advance(200);
      assert.deepEqual(scene.dials, ['a', 'g']);
    });

    it('a flood of unknown names reaches a server at a bounded pace, a gateway at a slower one', async () => {
      scene.service.setServers([
        scene.server('a', 'serving'),
        scene.server('g', 'serving', { isGateway: true }),
      ]);
      for (let tenth = 0; tenth < 20; tenth++) {
        for (let i = 0; i < 1000; i++) scene.ask(`FLOOD:${tenth}:${i}`, 'flood');
        await scene.clock.advance(100);
      }
      // 20,000 names in 2 s: at most 5000 a second to a server, and 1000 to a gateway.
      const perName = protocol === 'ca' ? 32 : 23;
      assert.ok((scene.sentBytes.get('a') ?? 0) < 11_000 * perName, `${scene.sentBytes.get('a')}`);
      assert.ok((scene.sentBytes.get('g') ?? 0) < 500 + 2200 * 100, `${scene.sentBytes.get('g')}`);
      // Who asks for one name has it as soon as without the flood.
      const told = scene.ask(FIRST_PV, 'another');
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('a')]);
    }).timeout(30_000);

    it('asks an equal question once', async () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      for (let i = 0; i < 1000; i++) scene.ask('NOBODYS');
      await scene.clock.advance(1000);
      assert.ok((scene.sentBytes.get('a') ?? 0) < 600, `${scene.sentBytes.get('a')}`);
    });

    it('names that no server can have are nowhere', () => {
      scene.service.setServers([scene.server('a', 'serving')]);
      assert.deepEqual(scene.ask(''), ['absent']);
      assert.deepEqual(scene.ask('X'.repeat(10_000)), ['absent']);
      assert.deepEqual(scene.dials, []);
    });

    it('is quiet after its end', async () => {
      scene.service.setServers([scene.server('a', 'silent'), scene.server('b', 'serving')]);
      const told = scene.ask('NOBODYS');
      await settle();
      scene.service.dispose();
      await scene.clock.advance(10_000);
      assert.deepEqual(told, []);
      assert.deepEqual(scene.ask(PV), ['absent']);
    });
  });
}
