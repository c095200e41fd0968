/** Servers that say yes to every search, and the names of IOCs that are away for a moment. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { silentLog } from '../../../../src/base/log';
import { createDemoCa } from '../../../../src/demo/demoCa';
import { createDemoPva } from '../../../../src/demo/demoPva';
import { DEMO_PVS, DemoValues } from '../../../../src/demo/demoPvs';
import type { PvProtocol } from '../../../../src/model/snapshot';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { attachServer } from '../../../../src/node/relay/attachServer';
import { CaServerCircuit } from '../../../../src/protocol/ca';
import { PvaServerConnection } from '../../../../src/protocol/pva';
import { NameService, type SearchedServer } from '../../../../src/services/search/nameService';
import { FakeClock } from '../../../support/fakeClock';

const [PV = '', OTHER_PV = ''] = DEMO_PVS.map(({ name }) => name);

class Scene {
  readonly clock = new FakeClock();
  readonly values = new DemoValues(this.clock);
  readonly service: NameService;
  notes = 0;
  #started = 0;

  constructor(readonly protocol: PvProtocol) {
    const identity = { clientName: 'test', hostName: 'here' };
    this.service = new NameService(protocol, {
      ...identity,
      ...{ clock: this.clock, log: silentLog, onNote: () => this.notes++ },
    });
  }

  /** One that has some of the demo's names, or says that it has every name; each is another start. */
  server(
    home: string,
    has: (name: string) => boolean,
    change: Partial<SearchedServer> = {},
  ): SearchedServer {
    return {
      key: `${home} ${this.#started++}`,
      ...{ home, label: home, isGateway: false, guid: undefined },
      endpoint: () => ({ host: '127.0.0.1', port: portOf(home) }),
      directEndpoint: () => undefined,
      broadcastEndpoint: () => undefined,
      isReachable: () => false,
      isOwn: () => false,
      reachableCount: () => 0,
      dialInside: () => {
        const [client, server] = duplexPair();
        client.pause();
        server.on('error', () => undefined);
        this.#serve(server, has);
        return Promise.resolve(client);
      },
      ...change,
    };
  }

  #serve(stream: Duplex, has: (name: string) => boolean): void {
    const [ca, pva] = [createDemoCa(this.values), createDemoPva(this.values)];
    attachServer(stream, (onOutput) =>
      this.protocol === 'ca'
        ? new CaServerCircuit(
            { ...ca, find: (name) => (has(name) ? ca.find(PV) : undefined) },
            { peer: 'client', port: 5064, onOutput },
          )
        : new PvaServerConnection(
            { ...pva, find: (name) => (has(name) ? pva.find(PV) : undefined) },
            { guid: '0'.repeat(24), tcpPort: 5075, version: '0', onOutput },
          ),
    );
  }

  ask(name: string): (number | 'absent')[] {
    const told: (number | 'absent')[] = [];
    this.service.ask(name, {
      found: ({ endpoint }) => told.push(endpoint.port),
      absent: () => told.push('absent'),
      dropped: () => assert.fail('dropped'),
    });
    return told;
  }

  end(): void {
    this.service.dispose();
    this.values.dispose();
  }
}

const portOf = (home: string): number => 5000 + home.charCodeAt(0);
const everything = (): boolean => true;
const itsOwn = (name: string): boolean => name === PV;

for (const protocol of ['ca', 'pva'] as const) {
  describe(`who says yes to every name, over ${protocol}`, () => {
    let scene: Scene;
    beforeEach(() => {
      scene = new Scene(protocol);
    });
    afterEach(() => scene.end());

    it('is asked last: who has the name is told, though the other started first', async () => {
      scene.service.setServers([scene.server('yes', everything), scene.server('a', itsOwn)]);
      const told = scene.ask(PV);
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('a')]);
      assert.deepEqual(scene.ask(PV), [portOf('a')], 'also from memory');
    });

    it('does not get a name that is in the list of another, though it started first', async () => {
      let isUp = true;
      const owner = scene.server('b', itsOwn, {
        isReachable: (name) => isUp && itsOwn(name),
        isOwn: itsOwn,
        endpoint: () => (isUp ? { host: '127.0.0.1', port: portOf('b') } : undefined),
      });
      // It says yes to that name alone, so nothing gives it away.
      const claimant = scene.server('a', itsOwn);
      scene.service.setServers([claimant, owner]);
      isUp = false;
      const told = scene.ask(PV);
      await scene.clock.advance(70_000);
      assert.deepEqual(told, [portOf('a')], 'a minute without its owner');
      isUp = true;
      assert.deepEqual(scene.ask(PV), [portOf('b')]);
      await scene.clock.advance(120_000);
      assert.deepEqual(scene.ask(PV), [portOf('b')], 'and for good');
    });

    it('is found out although it looks for names that nobody has', async () => {
      const seen: string[] = [];
      const looksOut = (name: string): boolean => {
        seen.push(name);
        return seen.length > 1 && !/^[A-Z]{6}:[A-Z]{10}$/.test(name);
      };
      scene.service.setServers([scene.server('sly', looksOut), scene.server('a', itsOwn)]);
      // It may know the first name that it is asked; then chance says when the next one comes.
      for (let at = 0; at < 25; at++) {
        scene.ask(`LIN${at}:BPM:X`);
        await scene.clock.advance(100);
      }
      const told = scene.ask(PV);
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('a')]);
      assert.ok(seen.every((name) => /^([A-Z]{3}\d+:[A-Z]{3}:[A-Z]|[\w:]{17})/.test(name)));
    });

    it('is told for what nobody else has, and what it does is noted', async () => {
      const yes = scene.server('yes', everything);
      scene.service.setServers([yes, scene.server('a', itsOwn)]);
      const told = scene.ask('WHATEVER');
      await scene.clock.advance(100);
      assert.deepEqual(told, [portOf('yes')]);
      assert.deepEqual(scene.service.notesAbout(yes.key), [{ code: 'says-yes' }]);
      assert.ok(scene.notes > 0);
    });

    for (const [how, change] of [
      ['by its yes', {}],
      ['by its list', { isReachable: itsOwn, isOwn: itsOwn }],
    ] as const) {
      it(`does not get the name of an IOC that starts anew, known ${how}`, async () => {
        const yes = scene.server('yes', everything);
        const owner = scene.server('a', itsOwn, change);
        scene.service.setServers([yes, owner]);
        const before = scene.ask(PV);
        await scene.clock.advance(1000);
        assert.deepEqual(before, [portOf('a')]);
        scene.service.setServers([yes]);
        const told = scene.ask(PV);
        await scene.clock.advance(50_000);
        assert.deepEqual(told, []);
        assert.deepEqual(scene.ask(PV), [], 'who asks meanwhile');
        // Its list is not read yet.
        scene.service.setServers([yes, scene.server('a', itsOwn)]);
        await scene.clock.advance(1000);
        assert.deepEqual(told, [portOf('a')]);
      });
    }

    it('does not get the name of an IOC that is shown and cannot be reached', async () => {
      const yes = scene.server('yes', everything);
      let isUp = true;
      const owner = scene.server('a', itsOwn, {
        isReachable: (name) => isUp && itsOwn(name),
        isOwn: itsOwn,
        endpoint: () => (isUp ? { host: '127.0.0.1', port: portOf('a') } : undefined),
      });
      scene.service.setServers([yes, owner]);
      assert.deepEqual(scene.ask(PV), [portOf('a')]);
      isUp = false;
      const told = scene.ask(PV);
      await scene.clock.advance(30_000);
      scene.service.setServers([yes]); // shown no more
      await scene.clock.advance(25_000);
      assert.deepEqual(told, []);
      await scene.clock.advance(10_000);
      assert.deepEqual(told, [portOf('yes')], 'a minute from the beginning');
    });

    it('gets it when the owner is back without it', async () => {
      const yes = scene.server('yes', everything);
      scene.service.setServers([yes, scene.server('a', itsOwn)]);
      scene.ask(PV);
      await scene.clock.advance(1000);
      scene.service.setServers([yes, scene.server('a', (name) => name === OTHER_PV)]);
      scene.ask(PV);
      await scene.clock.advance(1000);
      assert.deepEqual(scene.ask(PV), [portOf('yes')]);
    });

    it('a gateway neither, but who has the name in a list of its own, at once', async () => {
      const gateway = scene.server('g', everything, { isGateway: true });
      scene.service.setServers([gateway, scene.server('a', itsOwn)]);
      scene.ask(PV);
      await scene.clock.advance(1000);
      scene.service.setServers([gateway]);
      const told = scene.ask(PV);
      await scene.clock.advance(10_000);
      assert.deepEqual(told, []);
      const moved = scene.server('b', itsOwn, {
        ...{ isReachable: itsOwn, isOwn: itsOwn, reachableCount: () => 1 },
      });
      scene.service.setServers([gateway, moved]);
      await scene.clock.advance(1000);
      assert.deepEqual(told, [portOf('b')]);
    });

    it('who had it all the time has it at once; who says so only now, after a minute', async () => {
      const [had, owner] = [scene.server('b', itsOwn), scene.server('a', itsOwn)];
      scene.service.setServers([owner, had]);
      scene.ask(PV);
      await scene.clock.advance(1000);
      scene.service.setServers([had]);
      assert.deepEqual(scene.ask(PV), [portOf('b')]);
      const fresh = scene.server('c', itsOwn);
      scene.service.setServers([fresh]);
      const told = scene.ask(PV);
      await scene.clock.advance(55_000);
      assert.deepEqual(told, []);
      await scene.clock.advance(10_000);
      assert.deepEqual(told, [portOf('c')]);
    });
  });
}
