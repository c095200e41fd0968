/** What happens while the command runs: IOCs and containers come, go, hang, and come back. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type Endpoint, formatEndpoint } from '../../../src/model/endpoint';
import { caget, camonitor, type Monitor, nameServers, p4pGet } from '../../support/clients';
import type { Exposed } from '../../support/exposed';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { measured } from '../../support/measured';
import { exposedServers, Scene } from '../../support/scene';
import { skip } from '../../support/skip';
import { readStalled } from '../../support/stalledReader';
import { until } from '../../support/until';

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`changes: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
    });
    beforeEach(() => {
      scene = new Scene(lab);
    });
    afterEach(() => scene?.end());

    it('an IOC restarted in its container is back, also for a client that went on watching', async () => {
      const box = await scene.keeper();
      const first = await box.startIoc({ macros: 'P=AGAIN:', env: { IOC_NAME: 'again' } });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      const local = exposed.server(box.name, 'ca').local;
      const { environment } = exposed;
      await watching(exposed, 'AGAIN:COUNT', async (monitor) => {
        await first.kill();
        await monitor.next((update) => !update.ok);
        await untilGone(exposed, box.name);
        assert.equal(await accepts(local), false);
        // What clients were told stays right.
        assert.deepEqual(exposed.environment, environment);
        await box.startIoc({ macros: 'P=AGAIN:', env: { IOC_NAME: 'again' } });
        await measured(`${kind}: PVs back after an IOC restart`, () =>
          exposedServers(exposed, box.name, 2),
        );
        assert.deepEqual(exposed.server(box.name, 'ca').local, local);
        await monitor.next((update) => update.ok);
      });
    });

    it('a container restarted, stopped and started', async () => {
      const box = await scene.ioc({ macros: 'P=BOX:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await watching(exposed, 'BOX:COUNT', async (monitor) => {
        await box.restart();
        await exposedServers(exposed, box.name, 2);
        await monitor.next((update) => !update.ok);
        await monitor.next((update) => update.ok);
        await box.stop();
        await exposed.until(
          ({ snapshot }) => snapshot.containers[0]?.status === 'stopped',
          10_000,
          'the container to be shown as stopped',
        );
        await box.start();
        await exposedServers(exposed, box.name, 2);
      });
      assert.deepEqual(await exposed.read('BOX:TEMPERATURE', ['ca']), [21.5]);
    });

    it('a paused container says so, and others go on', async function () {
      if (kind === 'rootless') skip(this, 'rootless pause needs cgroup v2', 'platform');
      // One after the other: the first one has 127.0.0.1.
      const box = await scene.ioc({ macros: 'P=PAUSED:' });
      const other = await scene.ioc({ macros: 'P=OTHER:' });
      const exposed = scene.expose([box, other]);
      await exposedServers(exposed, box.name, 2);
      await exposedServers(exposed, other.name, 2);
      const locals = (['ca', 'pva'] as const).map((p) => exposed.server(box.name, p).local);
      const state = (): string =>
        exposed.snapshot.containers.find(({ name }) => name === box.name)?.status ?? '';
      await watching(exposed, 'OTHER:COUNT', async (monitor) => {
        await box.pause();
        try {
          await exposed.until(() => state() === 'paused', 10_000, 'the pause to be shown');
          await exposed.until(
            () =>
              exposed
                .servers(box.name, 'ca')
                .every(
                  ({ pvs, problem }) => pvs.reachable === 0 && problem?.code === 'container-paused',
                ),
            5000,
            'its PVs to be unreachable',
          );
          const seenBefore = monitor.updates.length;
          await until(() => monitor.updates.length > seenBefore + 2, 5000, 'updates of the other');
          assert.deepEqual(await exposed.read('OTHER:TEMPERATURE', ['pva']), [21.5]);
          // An open port that never answers costs libca half a minute.
          await standsInOrRefuses(locals, 'OTHER:TEMPERATURE');
        } finally {
          await box.unpause();
        }
        await exposed.until(() => state() === 'running', 10_000, 'the end of the pause');
        assert.ok(monitor.updates.every((update) => update.ok));
      });
      await exposedServers(exposed, box.name, 2);
      await until(() => accepts(locals[0]), 5000, 'the relay to listen again');
      assert.deepEqual(await exposed.read('PAUSED:TEMPERATURE', ['ca']), [21.5]);
    });

    it('a container removed under a client', async () => {
      const [box, other] = await Promise.all([
        scene.ioc({ macros: 'P=REMOVED:' }),
        scene.ioc({ macros: 'P=STAYS:' }),
      ]);
      const exposed = scene.expose([box, other]);
      await exposedServers(exposed, box.name, 2);
      await exposedServers(exposed, other.name, 2);
      const locals = (['ca', 'pva'] as const).map((p) => exposed.server(box.name, p).local);
      await watching(exposed, 'REMOVED:COUNT', async (monitor) => {
        await box.remove();
        await monitor.next((update) => !update.ok);
      });
      await exposed.until(
        () => exposed.servers(box.name, 'ca').every(({ status }) => status === 'gone'),
        10_000,
        'its servers to be gone',
      );
      await standsInOrRefuses(locals, 'STAYS:TEMPERATURE');
      assert.deepEqual(await exposed.read('STAYS:TEMPERATURE', ['ca']), [21.5]);
    });

    it('an IOC killed in the middle of a large transfer ends that circuit and no other', async () => {
      const box = await scene.keeper();
      const big = 'record(aSub, "BIG:ARRAY") { field(FTVA, "DOUBLE") field(NOVA, "4000000") }';
      await box.exec(['sh', '-c', `echo '${big}' >/tmp/big.db`]);
      const ioc = await box.startIoc({
        db: ['/tmp/big.db'],
        env: { EPICS_CA_MAX_ARRAY_BYTES: '40000000' },
      });
      const other = await scene.ioc({ macros: 'P=CALM:' });
      const exposed = scene.expose([box, other]);
      await exposedServers(exposed, box.name, 2);
      await exposedServers(exposed, other.name, 2);
      await watching(exposed, 'CALM:COUNT', async (monitor) => {
        const local = exposed.server(box.name, 'ca').local ?? assert.fail();
        const reader = await readStalled(local, 'BIG:ARRAY.VALA', 4_000_000);
        await ioc.kill();
        // What the IOC had sent before is on its way, also when we know already that it is gone.
        await untilGone(exposed, box.name);
        const { receivedBytes, error } = await reader.drain();
        assert.equal(error, undefined, 'an orderly end');
        assert.ok(receivedBytes < 32_000_000, `${receivedBytes}`);
        await monitor.next((update) => update.ok);
        assert.ok(monitor.updates.every((update) => update.ok));
      });
    });
  });
}

/** A libca client that has seen the PV, watching it through what the command prints. */
async function watching(
  exposed: Exposed,
  name: string,
  use: (monitor: Monitor) => Promise<void>,
): Promise<void> {
  const monitor = camonitor([name], exposed.environment);
  try {
    await monitor.next((update) => update.ok);
    await use(monitor);
  } finally {
    await monitor.close();
  }
}

function untilGone(exposed: Exposed, container: string): Promise<void> {
  return exposed.until(
    () =>
      exposed.servers(container, 'ca').length === 1 &&
      exposed.iocs(container).every((ioc) => ioc.servers.every((s) => s.status === 'gone')),
    10_000,
    `the servers of ${container} to be gone`,
  );
}

/** Where a relay was: the ports that clients know by heart answer for others, all else is refused. */
async function standsInOrRefuses(
  locals: readonly (Endpoint | undefined)[],
  others: string,
): Promise<void> {
  for (const [index, get] of [caget, p4pGet].entries()) {
    const local = locals[index];
    if (local?.host !== '127.0.0.1') {
      assert.equal(await accepts(local), false);
      continue;
    }
    const at = [formatEndpoint(local)];
    const [result] = await get([others], nameServers({ ca: at, pva: at }), 15_000);
    assert.equal(result?.ok && result.value, 21.5, get.name);
  }
}

function accepts(endpoint: Endpoint | undefined): Promise<boolean> {
  assert.ok(endpoint);
  return new Promise((resolve) => {
    const socket = connect(endpoint);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
