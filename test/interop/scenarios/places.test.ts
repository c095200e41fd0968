/** IOCs in other places than a plain container: this machine's network, a devcontainer, far away. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { epicsExpose } from '../../support/command';
import { Exposed } from '../../support/exposed';
import { freePort } from '../../support/freePort';
import { devcontainerUp } from '../../support/lab/devcontainer';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine, needsJava } from '../../support/lab/needs';
import { exposedServers, Scene } from '../../support/scene';
import { skip } from '../../support/skip';
import { missingForSshd, startSshd } from '../../support/sshd';

const kinds: EngineKind[] = ['docker', 'podman'];

for (const kind of kinds) {
  describe(`places: ${kind}`, () => {
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

    it('host network: nothing is relayed', async () => {
      const [ca, pva] = [await freePort(), await freePort()];
      const box = await scene.ioc({
        macros: 'P=HOST:',
        network: 'host',
        isLoopbackOnly: true,
        env: { EPICS_CAS_SERVER_PORT: `${ca}`, EPICS_PVAS_SERVER_PORT: `${pva}` },
      });
      const exposed = scene.expose([box]);
      const servers = await exposedServers(exposed, box.name, 2);
      assert.deepEqual(
        servers.map(({ way, local }) => [way, local]),
        [
          ['host-network', { host: '127.0.0.1', port: ca }],
          ['host-network', { host: '127.0.0.1', port: pva }],
        ],
      );
      assert.deepEqual(await exposed.read('HOST:TEMPERATURE'), [21.5, 21.5]);
    });

    it('published under the same number: p4p finds a pvAccessCPP server that is not relayed', async () => {
      const port = await freePort();
      const box = await scene.ioc({
        ioc: 'softIocPva',
        macros: 'P=QSRVPUB:',
        env: { EPICS_PVAS_SERVER_PORT: `${port}` },
        publish: [`127.0.0.1:${port}:${port}`],
      });
      const exposed = scene.expose([box]);
      await exposed.untilReachable(box.name, 2, 20_000);
      await exposed.until(() => !!exposed.snapshot.nameServers?.pva, 5000, 'the name server');
      const { way, isRelayed, note } = exposed.server(box.name, 'pva');
      assert.deepEqual([way, isRelayed, note], ['published', false, undefined]);
      assert.deepEqual(await exposed.read('QSRVPUB:TEMPERATURE', ['pva']), [21.5]);
    });

    it('core-pva, which lists no PVs and looks up who asks', async function () {
      needsJava(this);
      const box = await scene.ioc({ ioc: 'corePva', macros: 'P=JAVA:', knowsNoHost: true });
      const exposed = scene.expose([box], ['--pv', 'JAVA:TEMPERATURE']);
      await exposed.untilReachable(box.name, 1, 10_000);
      await exposed.until(() => exposed.snapshot.isSettled, 3000, 'all to be settled');
      const { namesNote } = exposed.iocs(box.name)[0] ?? {};
      assert.match(namesNote ?? '', /core-pva servers have no list/);
      const { stdout } = await epicsExpose([
        ...['get', '--json', '--engine', lab.endpoint, '--container', box.name],
        ...['pva://JAVA:TEMPERATURE'],
      ]);
      assert.match(stdout, /21\.5/);
    });

    it('an IOC behind a pvAccess gateway: the gateway is named, and a PV that one names is read', async () => {
      const ioc = await scene.ioc({ macros: 'P=BEHIND:' });
      const gateway = await scene.ioc({ ioc: 'pvagw', behind: await ioc.address() });
      const exposed = scene.expose([gateway], ['--pv', 'BEHIND:TEMPERATURE']);
      await exposedServers(exposed, gateway.name, 1);
      const [{ role, servers } = assert.fail()] = exposed.iocs(gateway.name);
      assert.deepEqual(
        [role, servers.map(({ implementation, pvs }) => [implementation, pvs.reachable])],
        ['gateway', [['pvxs', 1]]],
      );
      assert.deepEqual(await exposed.read('BEHIND:TEMPERATURE', ['pva']), [21.5]);
      // A PV that nobody named: the gateway looks for it when it is asked.
      const words = ['--engine', lab.endpoint, '--container', gateway.name];
      const get = await epicsExpose(['get', ...words, 'pva://BEHIND:SHOTS']);
      assert.match(get.stdout, /^BEHIND:SHOTS {2}pva {2}-7 /, get.stderr);
    });

    it('a devcontainer of the Dev Containers CLI, found by its folder', async () => {
      const dev = await devcontainerUp(lab, { name: `dev-${kind}` });
      const box = await scene.own(Promise.resolve(dev.container));
      const other = await scene.ioc({ ioc: 'softIocCa', macros: 'P=OTHER:' });
      await box.startIoc({ macros: 'P=DEV:', env: { IOC_NAME: 'DEV_TEST_IOC' } });
      const exposed = scene.expose([], ['--workspace', dev.workspaceFolder]);
      await exposedServers(exposed, box.name, 2);
      assert.deepEqual(
        exposed.iocs().map(({ name }) => name),
        ['DEV_TEST_IOC'],
        `not ${other.name}`,
      );
      assert.deepEqual(await exposed.read('DEV:TEMPERATURE'), [21.5, 21.5]);
    });
  });
}

describe('places: a machine without IPv6', () => {
  let scene: Scene;
  afterEach(() => scene?.end());

  it('relays all the same', async function () {
    scene = new Scene(await needsEngine(this, 'docker'));
    const box = await scene.ioc({ macros: 'P=V4:' });
    // A network of its own, with nothing but a loopback: the container is entered from there.
    const withoutIpv6 =
      'ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec "$@"';
    const exposed = scene.expose([box], [], {
      within: ['unshare', '--net', 'sh', '-c', withoutIpv6, 'sh'],
    });
    const servers = await exposedServers(exposed, box.name, 2);
    assert.deepEqual(
      servers.map(({ way, local }) => [way, local?.host]),
      [
        ['entered', '127.0.0.1'],
        ['entered', '127.0.0.1'],
      ],
    );
    const ipv6 = readFileSync(`/proc/${exposed.pid}/net/if_inet6`, 'utf8');
    assert.equal(ipv6, '', 'it has no IPv6 address');
  });
});

describe('places: an engine far away', () => {
  let lab: LabEngine;
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    const missing = missingForSshd();
    if (missing !== undefined) skip(this, missing, 'engines');
    lab = await needsEngine(this, 'docker');
    scene = new Scene(lab);
  });
  afterEach(() => scene?.end());

  it('by ssh: everything goes through its exec', async () => {
    const sshd = await startSshd();
    scene.atEnd(() => sshd.stop());
    const box = await scene.ioc({ image: 'py-ioc', macros: 'P=FAR:' });
    const address = `ssh://root@127.0.0.1:${sshd.port}${lab.endpoint.replace('unix://', '')}`;
    const exposed = scene.watch(
      Exposed.start(['--engine', address, '--container', box.name], {
        env: { ...process.env, EPICS_EXPOSE_SSH_OPTIONS: sshd.sshOptions },
        // The far machine is this one in truth: what hides its processes makes it far.
        within: ['unshare', '--pid', '--fork', '--mount-proc'],
      }),
    );
    const servers = await exposedServers(exposed, box.name, 2);
    for (const { way } of servers) assert.match(way ?? '', /^exec-/);
    assert.deepEqual(await exposed.read('FAR:TEMPERATURE'), [21.5, 21.5]);
  });
});
