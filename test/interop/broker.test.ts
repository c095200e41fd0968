/** A window that reloads, with a real IOC in a container and a real client outside. */
import assert from 'node:assert/strict';
import type { ExposeRequest } from '../../src/model/coreApi';
import { clientEnvironment, nameServersOf } from '../../src/present/clientEnvironment';
import { Brokers, isRunning, settled } from '../support/brokers';
import type { ServerState } from '../../src/model/snapshot';
import { epicsExpose } from '../support/command';
import { Exposed } from '../support/exposed';
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

  const requestFor = (container: string): ExposeRequest => ({
    selection: { containers: [container], labels: [] },
    engines: [lab.endpoint],
    names: [],
  });

  it('a camonitor misses nothing while the window reloads, and ends with the request', async () => {
    const box = await scene.ioc({ macros: 'P=KEEP:', env: { IOC_NAME: 'keep' } });
    // Those of clients that are sent to the container itself are not ours to end.
    const request: ExposeRequest = { ...requestFor(box.name), answers: 'relay' };
    const window = await brokers.connect({ clientId: 'window' });
    await window.setRequest(request);
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
      await reloaded.setRequest(request);
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
      await reloaded.setRequest(undefined);
      await monitor.next((update) => !update.ok, 5000);
    } finally {
      await monitor.close();
    }
  });

  it('every command tells the one environment, and get -c reads of that container only', async () => {
    const one = await scene.ioc({ macros: 'P=ONE:', name: 'broker-test-one' });
    const two = await scene.ioc({ macros: 'P=TWO:', name: 'broker-test-two' });
    const first = scene.watch(
      Exposed.start(['--engine', lab.endpoint, '--container', one.name], { env: brokers.env }),
    );
    await first.untilReachable(one.name, 2, 30_000);
    const run = (...args: string[]): ReturnType<typeof epicsExpose> =>
      epicsExpose(args, { env: brokers.env });
    const expected = first.printedEnvironment;
    assert.match(expected['EPICS_CA_NAME_SERVERS'] ?? '', /^127\.0\.0\.1:\d*5063$/);
    // No engine is where commands look by themselves.
    assert.deepEqual(JSON.parse((await run('env', '--json')).stdout), expected);
    const all = ['--engine', lab.endpoint];
    assert.deepEqual(JSON.parse((await run('env', '--json', ...all)).stdout), expected);
    const status = await run('status', '--json', ...all);
    assert.deepEqual(JSON.parse(status.stdout).environment, expected);
    const print = ['--', 'printenv', ...Object.keys(expected)];
    const exec = await run('exec', ...all, '--container', two.name, ...print);
    assert.deepEqual(exec.stdout.trim().split('\n'), Object.values(expected), exec.stderr);
    const window = await brokers.connect();
    await window.setRequest({ ...requestFor(''), selection: { containers: [], labels: [] } });
    await until(() => window.snapshot.containers.length === 2, 20_000, 'both containers');
    await settled(window);
    const other = await run('get', ...all, '--container', two.name, 'ONE:TEMPERATURE');
    assert.deepEqual([other.exitCode, other.stdout], [4, '']);
    assert.match(other.stderr, /ONE:TEMPERATURE ca: no IOC here serves it/);
    const own = await run('get', ...all, '--container', two.name, 'TWO:TEMPERATURE');
    assert.equal(own.exitCode, 0, own.stderr);
  });

  it('containers keep their addresses over a restart of the broker', async () => {
    const older = await scene.ioc({ macros: 'P=OLD:', name: 'broker-test-older' });
    const younger = await scene.ioc({ macros: 'P=NEW:', name: 'broker-test-younger' });
    const window = await brokers.connect();
    const hostOf = (name: string): string | undefined =>
      window.snapshot.containers.find((container) => container.name === name)?.iocs[0]?.servers[0]
        ?.local?.host;
    // Whoever is exposed first has the first address; after that all come at once, the older first.
    await window.setRequest(requestFor(younger.name));
    await settled(window);
    const selection = { containers: [younger.name, older.name], labels: [] };
    await window.setRequest({ ...requestFor(''), selection });
    const areThere = (): boolean => [older, younger].every(({ name }) => hostOf(name));
    await until(areThere, 20_000, 'both');
    const before = [hostOf(older.name), hostOf(younger.name)];
    assert.notEqual(before[0], before[1]);
    const { pid } = window.broker;
    await window.restart(AbortSignal.timeout(20_000));
    assert.notEqual(window.broker.pid, pid);
    await until(areThere, 20_000, 'both again');
    assert.deepEqual([hostOf(older.name), hostOf(younger.name)], before);
  });

  it('an update of the extension drops no circuit, and the newer one has the ports at once', async () => {
    const box = await scene.ioc({ macros: 'P=UPDATE:', env: { IOC_NAME: 'update' } });
    const env = { ...brokers.env, EPICS_EXPOSE_TEST_VERSION: '0.0.9' };
    const older = await brokers.connect({ env, version: '0.0.9', clientId: 'window' });
    await older.setRequest(requestFor(box.name));
    await settled(older);
    const before = nameServersOf(older.snapshot);
    const { pid } = older.broker;
    const environment = { EPICS_CA_AUTO_ADDR_LIST: 'NO', ...clientEnvironment(before) };
    const monitor = camonitor(['UPDATE:COUNT'], environment);
    try {
      await monitor.next((update) => update.ok);
      // The window reloads with the newer extension in it.
      older.leave();
      const newer = await brokers.connect({ clientId: 'window' });
      assert.notEqual(newer.broker.pid, pid);
      await newer.setRequest(requestFor(box.name));
      await settled(newer);
      const servers = newer.snapshot.containers.flatMap(({ iocs }) =>
        iocs.flatMap((ioc) => ioc.servers),
      );
      assert.ok(servers.length > 0 && servers.every(({ status }) => status === 'exposed'));
      assert.deepEqual(nameServersOf(newer.snapshot), before);
      const there = monitor.updates.length;
      const endMs = performance.now() + 5000; // longer than the grace of a front end that vanished
      await until(
        () => performance.now() > endMs && monitor.updates.length > there + 2,
        15_000,
        'updates through the older one',
      );
      const values = monitor.updates.map((update) => (update.ok ? Number(update.value) : NaN));
      const steps = values.slice(1).map((value, at) => value - (values[at] ?? NaN));
      assert.ok(
        steps.every((step) => step === 1),
        `not one by one: ${JSON.stringify(monitor.updates)}`,
      );
      assert.ok(isRunning(pid));
    } finally {
      await monitor.close();
    }
    await until(() => !isRunning(pid), 10_000, 'the end of the older one, with its last circuit');
  });

  it('a newer version takes over: circuits live for as long as the older one has a window', async () => {
    const box = await scene.ioc({ macros: 'P=OVER:', env: { IOC_NAME: 'over' } });
    const env = { ...brokers.env, EPICS_EXPOSE_TEST_VERSION: '0.0.9' };
    const older = await brokers.connect({ env, version: '0.0.9' });
    await older.setRequest({ ...requestFor(box.name), answers: 'relay' });
    await settled(older);
    const monitor = camonitor(['OVER:COUNT'], {
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      ...clientEnvironment(nameServersOf(older.snapshot)),
    });
    try {
      await monitor.next((update) => update.ok);
      const newer = await brokers.connect();
      await newer.setRequest(requestFor(box.name));
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
