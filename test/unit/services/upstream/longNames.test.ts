/** A name that a server does not survive, or does not have, must not harm its neighbours. */
import assert from 'node:assert/strict';
import { silentLog } from '../../../../src/base/log';
import { NameTable } from '../../../../src/model/pvTable';
import { attachServer } from '../../../../src/node/relay/attachServer';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import { type CaServedPv, CaServerCircuit } from '../../../../src/protocol/ca';
import { createReachability } from '../../../../src/services/upstream/createReachability';
import { fitsName, longestName } from '../../../../src/services/upstream/nameLimits';
import type { Reachability } from '../../../../src/services/upstream/reachability';
import { FakeClock } from '../../../support/fakeClock';

const PV = { element: 'DOUBLE', maxCount: 1 } as CaServedPv;
const good = Array.from({ length: 20 }, (_, i) => `GOOD:${i}`);

describe('a CA server that ends the circuit for some names', () => {
  let reachability: Reachability;
  let circuits = 0;
  let clock: FakeClock;
  let names: NameTable;

  function open(listed: readonly string[], isHarmful: (name: string) => boolean, software: string) {
    circuits = 0;
    clock = new FakeClock();
    names = new NameTable();
    names.add(listed, { kind: 'database', file: '/x.db', line: 1 });
    reachability = createReachability('ca', {
      ...{ names, isGateway: false, clientName: 'test', hostName: 'here' },
      ...{ clock, log: silentLog, onCircuitLost: () => undefined, software: () => software },
      dial: () => {
        circuits++;
        const [client, server] = duplexPair();
        client.pause();
        server.on('error', () => undefined);
        const find = (name: string): CaServedPv | undefined => {
          if (isHarmful(name)) server.destroy();
          return listed.includes(name) ? PV : undefined;
        };
        attachServer(
          server,
          (onOutput) => new CaServerCircuit({ find }, { peer: 'client', port: 5064, onOutput }),
        );
        return Promise.resolve(client);
      },
    });
  }
  const step = (name: string): string => reachability.steps.get(names.indexOf(name) ?? -1);
  afterEach(() => reachability.dispose());

  it('keeps the others reachable, and names those that end it', async () => {
    const harmful = ['X'.repeat(600), 'Y'];
    const all = [...good.slice(0, 7), ...harmful, ...good.slice(7)];
    open(all, (name) => harmful.includes(name), 'unknown');
    await clock.advance(30_000);
    assert.deepEqual(harmful.map(step), ['ends-circuit', 'ends-circuit']);
    assert.ok(good.every((name) => step(name) === 'reachable'));
    assert.equal(reachability.problem, undefined);
    const settled = circuits;
    await clock.advance(60_000);
    assert.equal(circuits, settled, 'and asks for them no more');
  });

  it('is asked for the others when some are no longer wanted', async () => {
    const harmful = 'X'.repeat(600);
    const all = [...good.slice(0, 7), harmful, ...good.slice(7)];
    open(all, (name) => name === harmful, 'unknown');
    for (let index = 0; index < 5; index++) reachability.setWanted(index, false);
    await clock.advance(30_000);
    assert.equal(step(harmful), 'ends-circuit');
    assert.ok(good.slice(5).every((name) => step(name) === 'reachable'));
  });

  it('is not asked for what its software does not survive', async () => {
    const long = 'Z'.repeat(496);
    open([...good, long, 'V'.repeat(495)], (name) => name.length > 495, 'pcas');
    await clock.advance(1000);
    assert.equal(step(long), 'name-too-long');
    assert.equal(step('V'.repeat(495)), 'reachable');
    assert.ok(good.every((name) => step(name) === 'reachable'));
    assert.equal(circuits, 1);
  });
});

describe('the longest name to ask for', () => {
  it('is that of the server, of all servers if nothing is to be risked', () => {
    const of = (software?: string): number => longestName('pva', software);
    assert.deepEqual([of('pvAccessCPP'), of('pvxs'), of('unknown'), of()], [500, 4000, 4000, 500]);
    assert.deepEqual([longestName('ca', 'pcas'), longestName('ca', undefined)], [495, 495]);
  });
  it('is counted in bytes', () => {
    assert.equal(fitsName('é'.repeat(250), 500), true);
    assert.equal(fitsName('é'.repeat(251), 500), false);
    assert.equal(fitsName('', 500), false);
  });
});
