/** The names of an IOC whose server lists more, or other, than names. */
import assert from 'node:assert/strict';
import { Limit } from '../../../../src/base/limit';
import { silentLog } from '../../../../src/base/log';
import type { Slices } from '../../../../src/base/slices';
import type { IocState } from '../../../../src/model/snapshot';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { attachServer } from '../../../../src/node/relay/attachServer';
import { ntScalarType, PvaServerConnection, StoredPv } from '../../../../src/protocol/pva';
import type { Route } from '../../../../src/services/host/connection';
import { IocTracker } from '../../../../src/services/exposure/iocTracker';
import {
  type ContainerNames,
  NamesAllowance,
} from '../../../../src/services/exposure/namesAllowance';
import { LocalPorts } from '../../../../src/services/localPorts/localPorts';
import { NO_RESERVATIONS } from '../../../../src/services/localPorts/portReservations';
import { systemClock } from '../../../../src/node/systemClock';
import { iocProcess } from '../../../support/iocProcess';
import { quickSlices } from '../../../support/quickSlices';
import { until } from '../../../support/until';
import { noted } from '../../../support/said';

/** An IOC with a pvAccess server that lists these names, and has them all. */
class Scene {
  readonly slices: Slices = quickSlices();
  readonly ioc: IocTracker;

  constructor(
    names: readonly string[],
    namesAllowance: ContainerNames = new NamesAllowance().openContainer(),
  ) {
    const pv = new StoredPv(ntScalarType('double'), {});
    const provider = { names: () => names, find: () => pv };
    const options = { guid: '0'.repeat(24), tcpPort: 5075, version: 'test' };
    const route: Route = {
      kind: 'host-network',
      label: 'the test',
      directEndpoint: (target) => target,
      ownEndpoint: (target) => target,
      async dial() {
        const [client, server] = duplexPair();
        client.pause();
        client.on('error', () => undefined);
        server.on('error', () => undefined);
        attachServer(
          server,
          (onOutput) => new PvaServerConnection(provider, { ...options, onOutput }),
        );
        return client;
      },
      openRelay: () => Promise.reject(new Error('there is nothing to relay')),
      dispose: () => undefined,
    };
    this.ioc = new IocTracker(
      {
        key: '1@1',
        name: 'ioc',
        role: 'ioc',
        process: iocProcess({}),
        listeners: [{ endpoint: { host: '0.0.0.0', port: 5075 }, inode: 1, expected: 'pva' }],
        hasCaUdp: false,
        searchPorts: { ca: [], pva: [] },
      },
      {
        ...{ containerKey: 'c', opensRelays: false, isPaused: false, extraNames: [] },
        turns: new Limit(1),
        readEnvironment: async () => ({}),
        ...{ routes: () => [route], publishedAs: () => [], slices: this.slices },
        namesAllowance,
        localPorts: new LocalPorts({
          findHolder: () => Promise.resolve(undefined),
          mayShareNumbers: false,
          reservations: NO_RESERVATIONS,
          log: silentLog,
        }),
        searches: () => assert.fail('nothing is relayed'),
        dialHost: () => route.dial({ host: '127.0.0.1', port: 5075 }, new AbortController().signal),
        files: { readFile: () => Promise.reject(new Error('no files')) },
        ...{ answers: () => 'direct' as const, notesAbout: () => [], hasNameServer: () => true },
        ...{ clientName: 'test', hostName: 'here', onCircuitLost: () => undefined },
        ...{ clock: systemClock, log: silentLog },
      },
    );
  }

  async settled(): Promise<IocState> {
    const tell = (): string => JSON.stringify(this.ioc.state());
    await until(() => this.ioc.isSettled, 60_000, tell);
    return this.ioc.state();
  }
}

describe('names that a pvAccess server lists', () => {
  let scene: Scene;
  afterEach(() => scene.ioc.dispose());

  it('one that is too long is left out alone, and said', async () => {
    scene = new Scene(['A', 'n'.repeat(4001), 'B', 'é'.repeat(2001), 'ok'.repeat(2000)]);
    const { servers, namesNotes, isNamesCut } = await scene.settled();
    assert.deepEqual(servers[0]?.pvs, { total: 3, reachable: 3, pending: 0 });
    assert.match(noted(namesNotes), /^2 names are left out: longer than 4000 bytes/);
    assert.equal(isNamesCut, true);
  });

  it('more than an IOC is taken for: the first of them, in slices, and it is said', async () => {
    scene = new Scene(Array.from({ length: 210_000 }, (_, at) => `N:${at}`));
    const { servers, namesNotes } = await scene.settled();
    assert.equal(servers[0]?.pvs.total, 200_000);
    assert.match(noted(namesNotes), /^stopped after 200000 names: it lists 210000/);
    assert.ok(scene.slices.count > 50, `${scene.slices.count} slices`);
  });

  it('more than its container may have: as many as that, and it is said', async () => {
    let left = 100;
    let given = 0;
    const refusal = 'its container has more than 100 names';
    const allowance: ContainerNames = {
      take: () => (left-- > 0 ? undefined : refusal),
      give: (count) => (given += count),
    };
    scene = new Scene(
      Array.from({ length: 300 }, (_, at) => `N:${at}`),
      allowance,
    );
    const { servers, namesNotes } = await scene.settled();
    assert.equal(servers[0]?.pvs.total, 100);
    assert.equal(noted(namesNotes), `stopped after 100 names: ${refusal}`);
    scene.ioc.dispose();
    scene.ioc.dispose();
    assert.equal(given, 100);
  });

  it('more than can be a list: none of them, and it is said', async () => {
    scene = new Scene(new Array<string>(2_000_001).fill('N'));
    const { servers, namesNotes } = await scene.settled();
    assert.equal(servers[0]?.pvs.total, 0);
    assert.match(noted(namesNotes), /2000001 strings, more than the 2000000 that we take/);
  });
});
