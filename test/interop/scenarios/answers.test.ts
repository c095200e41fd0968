/** Which way clients go: straight to the container where this machine reaches it, or through a relay. */
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import type { PvProtocol } from '../../../src/model/snapshot';
import { camonitor, foundTwice, type Monitor, p4pMonitor } from '../../support/clients';
import type { Exposed } from '../../support/exposed';
import type { LabContainer } from '../../support/lab/container';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { measured } from '../../support/measured';
import { exposedServers, Scene } from '../../support/scene';
import { until } from '../../support/until';

const PORTS = { ca: 5064, pva: 5075 } as const;
const PROTOCOLS = ['ca', 'pva'] as const;
const MONITORS = { ca: camonitor, pva: p4pMonitor } as const;

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`the way of clients: ${kind}`, () => {
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

    /** A client that watches, and is closed at the end. */
    async function watching(
      protocol: PvProtocol,
      name: string,
      environment: Record<string, string>,
    ): Promise<Monitor> {
      const monitor = MONITORS[protocol]([name], environment);
      scene.atEnd(() => monitor.close());
      await monitor.next(({ ok }) => ok);
      return monitor;
    }

    const direct = (exposed: Exposed, box: LabContainer): string[] =>
      PROTOCOLS.map((protocol) => {
        const { direct: own } = exposed.server(box.name, protocol);
        return own ? `${own.host}:${own.port}` : 'none';
      });

    const untilDirect = (exposed: Exposed, box: LabContainer): Promise<void> =>
      exposed.until(() => !direct(exposed, box).includes('none'), 10_000, 'the own addresses');

    if (kind === 'rootless') {
      it('is by relays, because this machine does not reach its containers', async () => {
        const box = await scene.ioc({ macros: 'P=WAY:' });
        const exposed = scene.expose([box]);
        await exposedServers(exposed, box.name, 2);
        assert.deepEqual(direct(exposed, box), ['none', 'none']);
        const monitors = await Promise.all(
          PROTOCOLS.map((protocol) => watching(protocol, 'WAY:COUNT', exposed.environment)),
        );
        assert.equal(monitors.length, 2);
      });
      return;
    }

    it("is straight, and a command that is killed ends no client's circuit", async function () {
      this.timeout(90_000);
      const box = await scene.ioc({ macros: 'P=WAY:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      const address = await box.address();
      assert.deepEqual(direct(exposed, box), [`${address}:5064`, `${address}:5075`]);
      const straight = await Promise.all(
        PROTOCOLS.map((protocol) => watching(protocol, 'WAY:COUNT', exposed.environment)),
      );
      // Who dials a relay, perhaps from afar, stays there.
      const carried = await Promise.all([
        watching('ca', 'WAY:COUNT', relaysOnly(exposed, box)),
        watching('pva', 'WAY:COUNT', relaysOnly(exposed, box)),
      ]);
      await exposed.stop('SIGKILL');
      for (const monitor of carried) await monitor.next(({ ok }) => !ok);
      const before = straight.map(({ updates }) => updates.length);
      for (const [index, { updates }] of straight.entries()) {
        const enough = (): boolean => updates.length > (before[index] ?? 0) + 20;
        await until(enough, 20_000, 'values without us');
        assert.ok(updates.slice(before[index]).every(({ ok }) => ok));
      }
      // Nor does one that comes back.
      const again = scene.expose([box]);
      await exposedServers(again, box.name, 2);
      await untilDirect(again, box);
      for (const [index, { updates }] of straight.entries()) {
        assert.ok(updates.slice(before[index]).every(({ ok }) => ok));
      }
    });

    it('is through relays where that is asked for', async () => {
      const box = await scene.ioc({ macros: 'P=WAY:' });
      const exposed = scene.expose([box], ['--answers', 'relay']);
      await exposedServers(exposed, box.name, 2);
      assert.deepEqual(direct(exposed, box), ['none', 'none']);
      const monitors = await Promise.all(
        PROTOCOLS.map((protocol) => watching(protocol, 'WAY:COUNT', exposed.environment)),
      );
      await exposed.stop('SIGKILL');
      for (const monitor of monitors) await monitor.next(({ ok }) => !ok);
    });

    it('leads to one server for who broadcasts as well', async () => {
      const box = await scene.ioc({ macros: 'P=ONCE:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      foundTwice.length = 0;
      const { EPICS_CA_NAME_SERVERS = '', EPICS_PVA_NAME_SERVERS = '' } = exposed.environment;
      const environment = { EPICS_CA_NAME_SERVERS, EPICS_PVA_NAME_SERVERS };
      for (const protocol of PROTOCOLS) {
        const monitor = await watching(protocol, 'ONCE:COUNT', environment);
        for (let count = 0; count < 20; count++) await monitor.next(({ ok }) => ok);
      }
      assert.deepEqual(foundTwice, []);
    });

    it('follows a container that gets another address when it restarts', async function () {
      this.timeout(90_000);
      const box = await scene.ioc({ macros: 'P=MOVED:' });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      const former = direct(exposed, box);
      const monitors = await Promise.all(
        PROTOCOLS.map((protocol) => watching(protocol, 'MOVED:COUNT', exposed.environment)),
      );
      await box.stop();
      // Takes the address that has become free.
      const other = await scene.ioc({ macros: 'P=TAKER:' });
      await box.start();
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      assert.equal(direct(exposed, box)[0], `${await box.address()}:5064`);
      if (former[0] === `${await other.address()}:5064`) {
        assert.notDeepEqual(direct(exposed, box), former);
      }
      for (const monitor of monitors) {
        await monitor.next(({ ok }) => !ok);
        await monitor.next(({ ok }) => ok);
      }
    });

    it('leads elsewhere when the container is taken off its network', async function () {
      this.timeout(120_000);
      const network = await lab.client.createNetwork({ Name: `way-${kind}` });
      scene.atEnd(() => network.remove());
      const box = await scene.ioc({ macros: 'P=OFF:', network: `way-${kind}` });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      const carried = await watching('ca', 'OFF:COUNT', relaysOnly(exposed, box));
      await network.disconnect({ Container: box.id });
      await exposed.until(
        () => direct(exposed, box).every((one) => one === 'none'),
        5000,
        'no direct way',
      );
      // Through a relay it goes on by another route.
      await measured(`${kind}: values again after a network disconnect, by relay`, async () => {
        await carried.next(({ ok }) => !ok, 5000);
        await carried.next(({ ok }) => ok);
      });
      await exposedServers(exposed, box.name, 2);
      const late = await watching('pva', 'OFF:COUNT', exposed.environment);
      await late.next(({ ok }) => ok);
      await network.connect({ Container: box.id });
      await exposed.until(() => !direct(exposed, box).includes('none'), 5000, 'it again');
    });

    it('leads elsewhere while a VPN has its network', async function () {
      this.timeout(240_000);
      const network = await lab.client.createNetwork({ Name: `cut-${kind}` });
      scene.atEnd(() => network.remove());
      const box = await scene.ioc({ macros: 'P=CUT:', network: `cut-${kind}` });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      const [own = ''] = direct(exposed, box);
      const [address = ''] = own.split(':');
      const carried = await watching('ca', 'CUT:COUNT', relaysOnly(exposed, box));
      const straight = await watching('pva', 'CUT:COUNT', exposed.environment);
      // What is sent to the container leaves by an interface behind which nobody is.
      ip('link add vpn0 type veth peer name vpn1');
      try {
        ip('link set vpn0 up');
        ip('link set vpn1 up');
        ip(`neigh add ${address} lladdr 02:00:00:00:00:01 dev vpn0`);
        ip(`route add ${address}/32 dev vpn0`);
        await measured(`${kind}: values again where a VPN takes the network`, async () => {
          await carried.next(({ ok }) => !ok, 60_000);
          await carried.next(({ ok }) => ok, 60_000);
          await straight.next(({ ok }) => !ok, 60_000);
          await straight.next(({ ok }) => ok, 60_000);
        });
        await exposedServers(exposed, box.name, 2);
        assert.deepEqual(direct(exposed, box), ['none', 'none']);
      } finally {
        ip('link del vpn0');
      }
      await exposed.until(
        () => !direct(exposed, box).includes('none'),
        60_000,
        'the own addresses again',
      );
      // Its relay goes on the other way, where its circuits are from and to that address, too.
      await network.disconnect({ Container: box.id });
      await measured(`${kind}: values again after a network disconnect, by an agent`, async () => {
        await carried.next(({ ok }) => !ok, 10_000);
        await carried.next(({ ok }) => ok);
      });
    });

    it('stays where it is when the container gets another network', async function () {
      this.timeout(120_000);
      const networks = await Promise.all(
        ['zz', 'aa'].map((name) => lab.client.createNetwork({ Name: `${name}-${kind}` })),
      );
      scene.atEnd(async () => {
        for (const network of networks) await network.remove();
      });
      const box = await scene.ioc({ macros: 'P=TWO:', network: `zz-${kind}` });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      const before = direct(exposed, box);
      const first = await watching('ca', 'TWO:COUNT', relaysOnly(exposed, box));
      await networks[1]?.connect({ Container: box.id });
      const second = await watching('ca', 'TWO:COUNT', relaysOnly(exposed, box));
      // Its engine reports this one, too.
      await scene.keeper();
      for (const monitor of [first, second]) {
        for (let count = 0; count < 20; count++) await monitor.next();
        assert.ok(monitor.updates.every(({ ok }) => ok));
      }
      assert.deepEqual(direct(exposed, box), before);
    });

    it('leads elsewhere when the owner of a shared network starts again', async function () {
      this.timeout(120_000);
      const owner = await scene.keeper();
      const box = await scene.ioc({ macros: 'P=SHARE:', network: `container:${owner.id}` });
      const exposed = scene.expose([box]);
      await exposedServers(exposed, box.name, 2);
      await untilDirect(exposed, box);
      // With the same address, in a new network namespace; the other one stays alone in the old one.
      await owner.restart();
      const isApart = (): boolean => direct(exposed, box).every((one) => one === 'none');
      await exposed.until(isApart, 10_000, 'no direct way');
      await exposedServers(exposed, box.name, 2);
      // Who takes its place there is not taken for it.
      await owner.startIoc({ macros: 'P=SHARE:' });
      const monitors = await Promise.all(
        PROTOCOLS.map((protocol) => watching(protocol, 'SHARE:COUNT', exposed.environment)),
      );
      for (const monitor of monitors) await monitor.next(({ ok }) => ok);
      assert.deepEqual(direct(exposed, box), ['none', 'none']);
      // Podman removes no container whose network another one uses.
      await box.remove();
    });
  });
}

function ip(words: string): void {
  execFileSync('ip', words.split(' '));
}

/** For clients that are told the relays of one container alone. */
function relaysOnly(exposed: Exposed, box: LabContainer): Record<string, string> {
  const place = (protocol: PvProtocol): string => {
    const { local } = exposed.server(box.name, protocol);
    return `${local?.host}:${local?.port ?? PORTS[protocol]}`;
  };
  return {
    ...exposed.environment,
    EPICS_CA_NAME_SERVERS: place('ca'),
    EPICS_PVA_NAME_SERVERS: place('pva'),
  };
}
