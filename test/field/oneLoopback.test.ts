/** A machine with one loopback address, as macOS: a second IOC with the same ports gets others. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { PvProtocol } from '../../src/model/snapshot';
import {
  caget,
  cajGet,
  corePvaGet,
  nameServers,
  p4pGet,
  searchAddresses,
} from '../support/clients';
import type { Exposed } from '../support/exposed';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { Scene } from '../support/scene';

describe('one loopback address', () => {
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    needsJava(this);
    scene = new Scene(await needsEngine(this, 'rootless'));
    setLoopback('127.0.0.1/32', '127.0.0.1/8');
    scene.atEnd(() => setLoopback('127.0.0.1/8', '127.0.0.1/32'));
  });
  afterEach(() => scene?.end());

  it('one of two IOCs has other numbers, told in notes; every client finds its PVs', async () => {
    const first = await scene.ioc({ macros: 'P=MACA:' });
    const second = await scene.ioc({ ioc: 'softIocPva', macros: 'P=MACB:' });
    const exposed = scene.expose([first, second]);
    for (const { name } of [first, second]) await exposed.untilReachable(name, 2, 30_000);
    // Which one is seen first is chance where both are there when it begins.
    const boxes = [first, second].sort(
      (a, b) => portOf(exposed, a.name, 'ca') - portOf(exposed, b.name, 'ca'),
    );
    const locals = boxes.map(({ name }) =>
      (['ca', 'pva'] as const).map((protocol) => portOf(exposed, name, protocol)),
    );
    assert.deepEqual(locals, [
      [5064, 5075],
      [15_064, 15_075],
    ]);
    for (const protocol of ['ca', 'pva'] as const) {
      assert.match(
        exposed.server(boxes[1]?.name ?? '', protocol).note ?? '',
        /127\.0\.0\.1:150(64|75)/,
      );
    }
    const names = ['MACA:TEMPERATURE', 'MACB:TEMPERATURE'];
    const told = [
      exposed.environment,
      nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] }),
      nameServers({ ca: ['127.0.0.1:15064'], pva: ['127.0.0.1:15075'] }),
      searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] }),
    ];
    for (const environment of told) {
      for (const get of [caget, cajGet, p4pGet, corePvaGet]) {
        const results = await get(names, environment, 15_000);
        const values = results.map((result) => (result.ok ? result.value : result.error));
        assert.deepEqual(values, [21.5, 21.5], JSON.stringify(environment));
      }
    }
  });
});

function portOf(exposed: Exposed, container: string, protocol: PvProtocol): number {
  return exposed.server(container, protocol).local?.port ?? NaN;
}

function setLoopback(now: string, former: string): void {
  execFileSync('ip', ['address', 'delete', former, 'dev', 'lo']);
  execFileSync('ip', ['address', 'add', now, 'dev', 'lo']);
}
