/**
 * The shape of epics-containers' example-services (gateways on 5094 and 5105) and of
 * services-template-compose (on 5064 and 5075): IOCs on a network of their own, whose ports gateways
 * publish. It comes up before, while and after epics-expose runs, and its own clients find its PVs.
 * In place of ca-gateway, which is in no package, an IOC with PVs of its own has the gateway's ports.
 */
import assert from 'node:assert/strict';
import { caget, p4pGet } from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { LabEngine } from '../support/lab/engine';
import { importImage } from '../support/lab/image';
import { iocCommand, type IocOptions } from '../support/lab/ioc';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { listenersOf } from '../support/lab/process';
import { Scene } from '../support/scene';
import { until } from '../support/until';

/** libca leaves a name server that refused it alone for half a minute. */
const PATIENCE_MS = 45_000;
const SUBNET = '10.89.77';
const NETWORK = 'channel_access';

for (const [ca, repeater, pva] of [
  [5094, 5095, 5105],
  [5064, 5065, 5075],
] as const) {
  describe(`services behind gateways on ${ca} and ${pva}`, () => {
    let lab: LabEngine;
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      needsOwnNetwork(this);
      lab = await needsEngine(this, 'rootless');
    });
    beforeEach(async () => {
      scene = new Scene(lab);
      await lab.cli('network', 'create', '--subnet', `${SUBNET}.0/24`, NETWORK);
      scene.atEnd(() => lab.cli('network', 'rm', NETWORK));
      scene.atEnd(down);
    });
    afterEach(() => scene?.end());

    const PORTS = { EPICS_CA_SERVER_PORT: `${ca}`, EPICS_PVA_SERVER_PORT: `${pva}` };
    /** What their environment.sh, .env and settings of Phoebus say. */
    const THEIRS = {
      EPICS_CA_ADDR_LIST: `127.0.0.1:${ca}`,
      EPICS_CA_NAME_SERVERS: `127.0.0.1:${ca}`,
      EPICS_PVA_NAME_SERVERS: `127.0.0.1:${pva}`,
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    };
    const names = ['bl01t-ea-test-01', 'ca-gateway', 'pvagw'] as const;

    async function create(
      name: (typeof names)[number],
      options: IocOptions,
      words: readonly string[],
    ): Promise<void> {
      const image = await importImage(lab, options.ioc === 'pvagw' ? 'py-ioc' : 'busybox-ioc');
      const { command, environment } = iocCommand(options);
      const variables = Object.entries(environment).flatMap(([key, value]) => [
        '--env',
        `${key}=${value}`,
      ]);
      const placed = ['--name', name, '--network', NETWORK, '--workdir', '/opt/ioc', ...words];
      const theirs = command.map((word) =>
        word.replace('"serverport":5075', `"serverport":${pva}`),
      );
      await lab.cli('create', ...placed, ...variables, image, ...theirs);
    }

    /** As compose: all are made, then all are started. */
    async function up(): Promise<void> {
      const ip = `${SUBNET}.10`;
      await create(
        'bl01t-ea-test-01',
        { macros: 'P=BL01T:', env: { EPICS_CAS_SERVER_PORT: `${ca}` } },
        ['--ip', ip],
      );
      await create('ca-gateway', { ioc: 'softIocCa', macros: 'P=GATE:', env: PORTS }, [
        ...['-p', `127.0.0.1:${ca}:${ca}/udp`, '-p', `127.0.0.1:${ca}:${ca}`],
        ...['-p', `127.0.0.1:${repeater}:${repeater}`],
      ]);
      await create('pvagw', { ioc: 'pvagw', behind: ip }, ['-p', `127.0.0.1:${pva}:${pva}`]);
      for (const name of names) await lab.cli('start', name);
      // The engine's forwarder takes connections before there is a server: libca is refused then, and may
      // be stuck with that name server for long, with us or without.
      for (const [name, port] of [
        ['bl01t-ea-test-01', ca],
        ['ca-gateway', ca],
        ['pvagw', pva],
      ] as const) {
        const pid = Number(await lab.cli('inspect', '--format', '{{.State.Pid}}', name));
        const isServing = (): boolean => listenersOf(pid).some((one) => one.port === port);
        await until(isServing, 20_000, `${name} to listen on ${port}`);
      }
    }

    async function down(): Promise<void> {
      await lab.cli('rm', '--force', '--time', '0', '--ignore', ...names);
    }

    /** Their clients, with their environment and nothing of ours. */
    async function theirsWork(): Promise<void> {
      const [byCa] = await caget(['GATE:TEMPERATURE'], THEIRS, PATIENCE_MS);
      assert.equal(byCa?.ok && byCa.value, 21.5, JSON.stringify(byCa));
      const [byPva] = await p4pGet(['BL01T:TEMPERATURE'], THEIRS, PATIENCE_MS);
      assert.equal(byPva?.ok && byPva.value, 21.5, JSON.stringify(byPva));
    }

    async function oursWork(exposed: Exposed): Promise<void> {
      await exposed.untilReachable('bl01t-ea-test-01', 2, 30_000);
      assert.deepEqual(await exposed.read('BL01T:TEMPERATURE'), [21.5, 21.5]);
    }

    it('come up first, are exposed, go and come again meanwhile, and stay when that ends', async () => {
      await up();
      await theirsWork();
      const exposed = scene.expose([]);
      await oursWork(exposed);
      await theirsWork();
      await down();
      await exposed.until(
        () =>
          exposed.iocs().every(({ servers }) => servers.every(({ status }) => status === 'gone')),
        20_000,
        'all to be gone',
      );
      await up();
      await oursWork(exposed);
      await theirsWork();
      assert.equal(await exposed.stop(), 0);
      await theirsWork();
    });

    it('come up while another container is exposed at the ports they publish', async () => {
      const env = { EPICS_CAS_SERVER_PORT: `${ca}`, EPICS_PVAS_SERVER_PORT: `${pva}` };
      const dev = await scene.ioc({ macros: 'P=DEV:', env });
      const exposed = scene.expose([]);
      await exposed.untilReachable(dev.name, 2, 30_000);
      assert.equal(exposed.server(dev.name, 'ca').local?.host, '127.0.0.1');
      await up();
      await theirsWork();
      await oursWork(exposed);
      assert.deepEqual(await exposed.read('DEV:TEMPERATURE'), [21.5, 21.5]);
      for (const protocol of ['ca', 'pva'] as const) {
        assert.notEqual(exposed.server(dev.name, protocol).local?.host, '127.0.0.1');
      }
    });
  });
}
