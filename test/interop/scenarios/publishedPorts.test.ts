/** Ports that containers publish are theirs: they start at the first try while everything is exposed. */
import assert from 'node:assert/strict';
import { formatEndpoint } from '../../../src/model/endpoint';
import { Circuit } from '../../support/circuit';
import { Exposed } from '../../support/exposed';
import { freePort } from '../../support/freePort';
import type { LabContainer } from '../../support/lab/container';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { importImage } from '../../support/lab/image';
import { needsEngine } from '../../support/lab/needs';
import { listenersOf } from '../../support/lab/process';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';

/** `EPICS_EXPOSE_RUNS=100` for the figure in docs/benchmarks.md. */
const RUNS = Number(process.env['EPICS_EXPOSE_RUNS'] ?? 4);

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`published ports: ${kind}`, () => {
    let lab: LabEngine;
    let image: string;
    let scene: Scene;
    let port: number;
    let box: LabContainer;
    let exposed: Exposed;
    let count = 0;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
      image = await importImage(lab, 'busybox-ioc');
    });
    beforeEach(async () => {
      scene = new Scene(lab);
      port = await freePort();
      box = await scene.ioc({
        ioc: 'softIocCa',
        macros: 'P=MINE:',
        env: { EPICS_CAS_SERVER_PORT: `${port}` },
      });
      exposed = scene.expose([box]);
      const [server] = await exposedServers(exposed, box.name, 1);
      assert.deepEqual(server?.local, { host: '127.0.0.1', port });
    });
    afterEach(() => scene?.end());

    const nextName = (): string => `publisher-${process.pid}-${count++}`;

    /** `docker run -d`; throws what the engine says when the start fails. */
    async function run(publish: readonly string[], name = nextName()): Promise<string> {
      scene.atEnd(() => remove(name).catch(() => undefined));
      const ports = publish.flatMap((one) => ['-p', one]);
      await lab.cli('run', '--detach', '--name', name, ...ports, image, 'sleep', '600');
      return name;
    }

    // Podman waits ten seconds for who does not end by SIGTERM.
    const atOnce = kind === 'docker' ? [] : ['--time', '0'];
    const remove = (name: string): Promise<string> => lab.cli('rm', '--force', ...atOnce, name);
    const local = (): string =>
      formatEndpoint(exposed.server(box.name, 'ca').local ?? { host: '', port: 0 });

    const isOwn = (): boolean => local().endsWith(`:${port}`);

    it('are left to who comes, on one address or all of them, and circuits go on', async function () {
      this.timeout(60_000 + RUNS * 20_000);
      const circuit = await Circuit.open({ host: '127.0.0.1', port });
      scene.atEnd(() => circuit.close());
      let missedCount = 0;
      for (let index = 0; index < RUNS; index++) {
        const at = local();
        const publish = [`${at}:5064`, `${at}:5064/udp`];
        const name = nextName();
        // The engine binds ports some 20 ms after it tells of a container: where we are not scheduled
        // in that time, the first start fails. Then we have made room all the same, and say so.
        await run(publish, name).catch((error: unknown) => {
          assert.match(String(error), /address already in use/);
          missedCount++;
        });
        await exposed.until(() => isOwn() && local() !== at, 10_000, 'the next address');
        await lab.cli('start', name);
        // Beside others, that were removed a moment ago.
        const isTold = (): boolean =>
          /is left to container publisher-/.test(exposed.server(box.name, 'ca').note ?? '');
        await exposed.until(isTold, 10_000, `a note on ${at}`);
        await remove(name);
      }
      console.log(`      ${kind}: ${missedCount} of ${RUNS} first starts were too quick for us`);
      const everywhere = nextName();
      await run([`${port}:5064`], everywhere).catch(() => undefined);
      await exposed.until(() => !isOwn(), 10_000, 'another number');
      await lab.cli('start', everywhere);
      assert.deepEqual(await exposed.read('MINE:TEMPERATURE', ['ca']), [21.5]);
      await circuit.echo();
    });

    it('are left to who is stopped, too, and found free by a start', async () => {
      const name = nextName();
      await run([`127.0.0.1:${port}:5064`], name).catch(() => undefined);
      await exposed.until(() => local() !== `127.0.0.1:${port}`, 10_000, 'the next address');
      await lab.cli('start', name);
      await lab.cli('stop', '--time', '0', name);
      await box.restart();
      await exposed.untilReachable(box.name, 1, 20_000);
      assert.notEqual(local(), `127.0.0.1:${port}`);
      await lab.cli('start', name);
      const created = nextName();
      scene.atEnd(() => remove(created));
      await lab.cli(
        'create',
        '--name',
        created,
        '-p',
        `127.0.0.3:${port}:5064`,
        image,
        'sleep',
        '9',
      );
      await lab.cli('start', created);
    });

    // Podman does not keep why a start failed.
    const itWhereTold = kind === 'docker' ? it : undefined;
    itWhereTold?.('are told of where we were too slow: container, port, what to do', async () => {
      const name = nextName();
      process.kill(exposed.pid, 'SIGSTOP');
      await assert.rejects(run([`127.0.0.1:${port}:5064`], name), /address already in use/);
      process.kill(exposed.pid, 'SIGCONT');
      const notices = (): string => JSON.stringify(exposed.snapshot.notices ?? []);
      await exposed.until(() => /could not start because/.test(notices()), 10_000, 'the notice');
      assert.match(notices(), new RegExp(`publisher-.*127\\.0\\.0\\.1:${port}.*docker start`));
      await lab.cli('start', name);
      await exposed.until(() => exposed.snapshot.notices === undefined, 10_000, 'no notice');
    });

    it('nothing but our own name servers is held when nothing is exposed any more', async () => {
      await box.remove();
      await until(
        () =>
          listenersOf(exposed.pid).every(
            ({ port: held }) => held === 5063 || held === 5074 || held > 15_000,
          ),
        10_000,
        'only name servers',
      );
    });
  });
}

describe('other ways to publish a port: docker', () => {
  let lab: LabEngine;
  let scene: Scene;
  before(async function () {
    this.timeout(180_000);
    lab = await needsEngine(this, 'docker');
  });
  beforeEach(() => {
    scene = new Scene(lab);
  });
  afterEach(() => scene?.end());

  it('on IPv6 alone is relayed, and who reads its PVs goes on reading those of others', async function () {
    this.timeout(120_000);
    const [v6Ca, v6Pva] = [await freePort(), await freePort()];
    const ipv6 = await scene.ioc({
      macros: 'P=V6:',
      env: { EPICS_CAS_SERVER_PORT: `${v6Ca}`, EPICS_PVAS_SERVER_PORT: `${v6Pva}` },
      publish: [`[::1]:${v6Ca}:${v6Ca}`, `[::1]:${v6Pva}:${v6Pva}`],
    });
    const other = await scene.ioc({ macros: 'P=V4:' });
    const exposed = scene.expose([ipv6, other]);
    await exposedServers(exposed, ipv6.name, 2);
    await exposedServers(exposed, other.name, 2);
    for (const name of ['V6:TEMPERATURE', 'V4:TEMPERATURE', 'V6:T']) {
      assert.deepEqual(await exposed.read(name), [21.5, 21.5], name);
    }
  });

  it('one of two, while everything is exposed: that one leads straight to the server', async function () {
    this.timeout(120_000);
    const label = 'epics-expose-test=one-of-two';
    const exposed = scene.watch(Exposed.start(['--engine', lab.endpoint, '--label', label]));
    await exposed.until(() => exposed.snapshot.isSettled, 30_000, 'it to be settled');
    const port = await freePort();
    const box = await scene.ioc({
      macros: 'P=ONE:',
      env: { EPICS_CAS_SERVER_PORT: `${port}` },
      publish: [`${port}:${port}`],
      labels: { 'epics-expose-test': 'one-of-two' },
    });
    await exposed.untilReachable(box.name, 2, 30_000);
    const { way, local, note } = exposed.server(box.name, 'ca');
    assert.deepEqual([way, local, note], ['published', { host: '127.0.0.1', port }, undefined]);
    assert.equal(exposed.server(box.name, 'pva').isRelayed, true);
  });
});
