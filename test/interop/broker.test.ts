/** A window that reloads, with a real IOC in a container and a real client outside. */
import assert from 'node:assert/strict';
import type { Wish } from '../../src/model/exposure';
import { clientEnvironment, nameServersOf } from '../../src/model/nameServers';
import { Brokers, settled } from '../support/brokers';
import type { ServerState } from '../../src/model/snapshot';
import { camonitor } from '../support/clients';
import type { LabEngine } from '../support/lab/engine';
import { needsEngine } from '../support/lab/needs';
import { Scene } from '../support/scene';
import { until } from '../support/until';

describe('the broker: docker', () => {
  let lab: LabEngine;
  let scene: Scene;
  let brokers: Brokers;

  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
  });
  beforeEach(() => {
    scene = new Scene(lab);
    brokers = new Brokers(3000);
  });
  afterEach(async () => {
    await brokers?.end();
    await scene?.end();
  });

  const wishFor = (container: string): Wish => ({
    selection: { containers: [container], labels: [] },
    engines: [lab.endpoint],
    names: [],
  });

  it('a camonitor misses nothing while the window reloads, and ends with the wish', async () => {
    const box = await scene.ioc({ macros: 'P=KEEP:', env: { IOC_NAME: 'keep' } });
    const wish = wishFor(box.name);
    const window = await brokers.connect({ clientId: 'window' });
    await window.setWish(wish);
    await settled(window);
    const [ioc] = window.snapshot.containers.flatMap(({ iocs }) => iocs);
    const ageMs = Date.now() - Date.parse(ioc?.startedAt ?? '');
    assert.ok(ageMs > 0 && ageMs < 120_000, `started ${ageMs} ms ago: ${ioc?.startedAt}`);
    const environment = {
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      ...clientEnvironment(nameServersOf(window.snapshot)),
    };
    const monitor = camonitor(['KEEP:COUNT'], environment);
    try {
      await monitor.next((update) => update.ok);
      const before = monitor.updates.length;
      window.leave();
      await until(() => monitor.updates.length > before + 2, 10_000, 'updates without a window');
      const reloaded = await brokers.connect({ clientId: 'window' });
      await reloaded.setWish(wish);
      assert.equal(reloaded.broker.pid, window.broker.pid);
      const returned = monitor.updates.length;
      const endMs = performance.now() + 4000; // longer than the grace of the window that left
      await until(
        () => performance.now() > endMs && monitor.updates.length > returned + 2,
        15_000,
        'updates with the window back',
      );
      const values = monitor.updates.map((update) => (update.ok ? Number(update.value) : NaN));
      const steps = values.slice(1).map((value, at) => value - (values[at] ?? NaN));
      assert.ok(
        steps.every((step) => step === 1),
        `not one by one: ${JSON.stringify(monitor.updates)}`,
      );
      await reloaded.setWish(undefined);
      await monitor.next((update) => !update.ok, 5000);
    } finally {
      await monitor.close();
    }
  });

  it('a newer version takes over: circuits live for as long as the older one has a window', async () => {
    const box = await scene.ioc({ macros: 'P=OVER:', env: { IOC_NAME: 'over' } });
    const env = { ...brokers.env, EPICS_EXPOSE_TEST_VERSION: '0.0.9' };
    const older = await brokers.connect({ env, version: '0.0.9' });
    await older.setWish(wishFor(box.name));
    await settled(older);
    const monitor = camonitor(['OVER:COUNT'], {
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      ...clientEnvironment(nameServersOf(older.snapshot)),
    });
    try {
      await monitor.next((update) => update.ok);
      const newer = await brokers.connect();
      await newer.setWish(wishFor(box.name));
      await settled(newer);
      const serverOf = ({ snapshot }: typeof newer): ServerState | undefined =>
        snapshot.containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers))[0];
      assert.equal(serverOf(newer)?.status, 'shared', JSON.stringify(newer.snapshot));
      assert.deepEqual(serverOf(newer)?.local, serverOf(older)?.local);
      assert.ok(monitor.updates.every((update) => update.ok));
      const { local } = serverOf(older) ?? {};
      await older.close();
      await until(
        () => serverOf(newer)?.status === 'exposed',
        10_000,
        () => `a relay of its own: ${JSON.stringify(newer.snapshot)}`,
      );
      assert.deepEqual(serverOf(newer)?.local, local);
      await monitor.next((update) => !update.ok);
      await monitor.next((update) => update.ok);
    } finally {
      await monitor.close();
    }
  });
});
