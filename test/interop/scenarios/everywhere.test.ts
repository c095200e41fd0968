/**
 * What people have in their containers, side by side on one engine: every server is found, carried
 * here under its own number, and read by real clients with the environment that the command prints.
 */
import assert from 'node:assert/strict';
import type { PvProtocol } from '../../../src/model/snapshot';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import type { LabContainer } from '../../support/lab/container';
import { needsEngine } from '../../support/lab/needs';
import type { Exposed } from '../../support/exposed';
import { freePort } from '../../support/freePort';
import { exposedServers, Scene } from '../../support/scene';

const demoPrefixes = ['PLAIN:', 'TWIN:', 'INSIDE:', 'HARD:', 'COMPOSE:', 'P4P:', 'PYSOFT:'];
const WANTED: Record<PvProtocol, string[]> = {
  ca: [
    ...demoPrefixes.filter((prefix) => prefix !== 'P4P:').map((prefix) => `${prefix}TEMPERATURE`),
    ...['PAIR1:SHOTS', 'PAIR2:SHOTS', 'BARE:TEMPERATURE', 'SAME:TEMPERATURE'],
    ...['OTHER:TEMPERATURE', 'SCRIPT:X:DEMAND', 'CAPROTO:TEMPERATURE'],
  ],
  pva: [
    ...[...demoPrefixes, 'BARE:', 'PVAPY:'].map((prefix) => `${prefix}TEMPERATURE`),
    ...['PAIR1:SHOTS', 'PAIR2:SHOTS'],
  ],
};

/** Of demo.db, an alias among them. */
const DEMO_PV_COUNT = 10;

for (const kind of ['docker', 'podman', 'rootless'] as EngineKind[]) {
  describe(`everywhere: ${kind}`, () => {
    let lab: LabEngine;
    let scene: Scene;
    let exposed: Exposed;
    const boxes = new Map<string, LabContainer>();
    let samePort = 0;
    let otherPort = 0;

    before(async function () {
      this.timeout(180_000);
      lab = await needsEngine(this, kind);
      scene = new Scene(lab);
      samePort = await freePort();
      otherPort = await freePort();
      const network = await lab.client.createNetwork({ Name: `beamline_${kind}` });
      scene.atEnd(() => network.remove());
      const composeLabels = {
        'com.docker.compose.project': 'beamline',
        'com.docker.compose.service': 'stage',
        'com.docker.compose.container-number': '1',
      };
      await Promise.all(
        Object.entries({
          plain: () => scene.ioc({ macros: 'P=PLAIN:' }),
          twin: () => scene.ioc({ macros: 'P=TWIN:' }),
          pair: async () => {
            const box = await scene.keeper();
            await box.startIoc({ macros: 'P=PAIR1:', env: { IOC_NAME: 'first' } });
            await box.startIoc({ macros: 'P=PAIR2:', env: { IOC_NAME: 'second' } });
            return box;
          },
          inside: () => scene.ioc({ macros: 'P=INSIDE:', isLoopbackOnly: true }),
          bare: () => scene.ioc({ image: 'bare-ioc', ioc: 'softIocPva', macros: 'P=BARE:' }),
          hardened: () =>
            scene.ioc({
              macros: 'P=HARD:',
              user: '1000:1000',
              readOnly: true,
              hardened: true,
            }),
          same: () =>
            scene.ioc({
              macros: 'P=SAME:',
              ioc: 'softIocCa',
              env: { EPICS_CAS_SERVER_PORT: `${samePort}` },
              publish: [`127.0.0.1:${samePort}:${samePort}`],
            }),
          other: () =>
            scene.ioc({
              macros: 'P=OTHER:',
              ioc: 'softIocCa',
              publish: [`127.0.0.1:${otherPort}:5064`],
            }),
          compose: () =>
            scene.ioc({
              macros: 'P=COMPOSE:',
              network: `beamline_${kind}`,
              labels: composeLabels,
            }),
          script: () =>
            scene.ioc({ ioc: 'softIocCa', script: 'st.cmd', env: { IOC_PREFIX: 'SCRIPT:' } }),
          caproto: () => scene.ioc({ ioc: 'caproto', macros: 'P=CAPROTO:' }),
          pvaPy: () => scene.ioc({ ioc: 'pvaPy', macros: 'P=PVAPY:' }),
          p4p: () => scene.ioc({ ioc: 'p4p', macros: 'P=P4P:' }),
          pythonSoftIoc: () => scene.ioc({ ioc: 'pythonSoftIoc', macros: 'P=PYSOFT:' }),
        }).map(async ([name, start]) => boxes.set(name, await start())),
      );
      exposed = scene.expose(
        [...boxes.values()],
        [...['TEMPERATURE', 'SHOTS', 'MODE'].flatMap((name) => ['--pv', `CAPROTO:${name}`])],
      );
    });
    after(() => scene?.end());

    /** Every PV that a row wants, read by one libca and one PVXS client with all name servers set. */
    let values: Promise<Record<PvProtocol, Map<string, unknown>>> | undefined;
    async function read(name: string, protocols: PvProtocol[] = ['ca', 'pva']): Promise<unknown[]> {
      values ??= readWanted(exposed);
      const read = await values;
      return protocols.map((protocol) => read[protocol].get(name));
    }

    /** The name of a container and its servers, once all their PVs are reachable. */
    async function reached(name: string, serverCount: number) {
      const container = boxes.get(name)?.name ?? '';
      return { container, servers: await exposedServers(exposed, container, serverCount) };
    }

    async function reachesDemo(name: string, prefix: string): Promise<string> {
      const { container, servers } = await reached(name, 2);
      assert.deepEqual(
        servers.map((server) => [server.protocol, server.listening.port, server.pvs]),
        [
          ['ca', 5064, { total: DEMO_PV_COUNT, reachable: DEMO_PV_COUNT, pending: 0 }],
          ['pva', 5075, { total: DEMO_PV_COUNT, reachable: DEMO_PV_COUNT, pending: 0 }],
        ],
      );
      assert.deepEqual(await read(`${prefix}TEMPERATURE`), [21.5, 21.5]);
      return container;
    }

    it('an IOC without a published port', async () => {
      await reachesDemo('plain', 'PLAIN:');
    });

    it('the same ports again in another container, on another loopback address', async () => {
      const [plain, twin] = [
        await reachesDemo('plain', 'PLAIN:'),
        await reachesDemo('twin', 'TWIN:'),
      ];
      for (const protocol of ['ca', 'pva'] as const) {
        const [one, two] = [plain, twin].map((box) => exposed.server(box, protocol).local);
        assert.equal(one?.port, two?.port);
        assert.notEqual(one?.host, two?.host);
      }
    });

    it('two IOCs in one container, each under its own numbers', async () => {
      const { container } = await reached('pair', 4);
      assert.deepEqual(
        exposed
          .iocs(container)
          .map((ioc) => ioc.name)
          .sort(),
        ['first', 'second'],
      );
      const ports = exposed
        .iocs(container)
        .flatMap((ioc) => ioc.servers.map((server) => server.listening.port));
      assert.equal(new Set(ports).size, 4, 'the second has dynamic ports');
      assert.deepEqual(await read('PAIR1:SHOTS'), [-7, -7]);
      assert.deepEqual(await read('PAIR2:SHOTS'), [-7, -7]);
    });

    it('an IOC bound to the loopback of its container', async () => {
      const container = await reachesDemo('inside', 'INSIDE:');
      assert.equal(exposed.server(container, 'ca').listening.host, '127.0.0.1');
    });

    it('a container without shell, Python or Node', async () => {
      const { container, servers } = await reached('bare', 2);
      assert.deepEqual(
        servers.map(({ pvs }) => pvs.reachable),
        [DEMO_PV_COUNT, DEMO_PV_COUNT],
      );
      assert.deepEqual(await read('BARE:TEMPERATURE'), [21.5, 21.5]);
      // It answers no search that comes over TCP; the relay does.
      assert.equal(exposed.server(container, 'pva').implementation, 'pvAccessCPP');
    });

    it('a read-only container of an ordinary user without any capability', async () => {
      await reachesDemo('hardened', 'HARD:');
    });

    it('a port published under the same number: nothing is relayed', async () => {
      const { container, servers } = await reached('same', 1);
      assert.equal(servers[0]?.way, 'published');
      assert.deepEqual(servers[0].local, { host: '127.0.0.1', port: samePort });
      assert.deepEqual(servers[0].pvs.total, DEMO_PV_COUNT);
      assert.deepEqual(await read('SAME:TEMPERATURE', ['ca']), [21.5]);
      assert.doesNotMatch(exposed.stderr, new RegExp(`relay.*${container}`));
    });

    it('a port published under another number is relayed under its own, and that is said', async () => {
      const { servers } = await reached('other', 1);
      assert.equal(servers[0]?.local?.port, 5064);
      assert.match(servers[0].note ?? '', new RegExp(`published.*${otherPort}`));
      assert.deepEqual(await read('OTHER:TEMPERATURE', ['ca']), [21.5]);
    });

    it('a service of compose on a network of its own', async () => {
      const container = await reachesDemo('compose', 'COMPOSE:');
      const state = exposed.snapshot.containers.find(({ name }) => name === container);
      assert.equal(state?.labels['com.docker.compose.service'], 'stage');
    });

    it('Channel Access only, with names from a script, its macros and substitutions', async () => {
      const { container, servers } = await reached('script', 1);
      assert.equal(servers[0]?.pvs.total, DEMO_PV_COUNT + 4);
      assert.deepEqual(await read('SCRIPT:X:DEMAND', ['ca']), [1.25]);
      assert.equal(exposed.iocs(container)[0]?.namesNote, undefined);
    });

    it('caproto, with names that the person gives', async () => {
      const { container, servers } = await reached('caproto', 1);
      assert.deepEqual(servers[0]?.pvs, { total: 3, reachable: 3, pending: 0 });
      assert.equal(exposed.server(container, 'ca').implementation, 'caproto');
      // It would end the circuit at the second VERSION of libca; the relay takes that out.
      assert.deepEqual(await read('CAPROTO:TEMPERATURE', ['ca']), [21.5]);
    });

    it('pvaPy, which is pvAccessCPP', async () => {
      const { container, servers } = await reached('pvaPy', 1);
      assert.equal(servers[0]?.pvs.total, 5);
      assert.equal(exposed.server(container, 'pva').implementation, 'pvAccessCPP');
      assert.deepEqual(await read('PVAPY:TEMPERATURE', ['pva']), [21.5]);
    });

    it('p4p, which is PVXS', async () => {
      const { servers } = await reached('p4p', 1);
      assert.equal(servers[0]?.implementation, 'pvxs');
      assert.equal(servers[0].pvs.total, 7);
      assert.deepEqual(await read('P4P:TEMPERATURE', ['pva']), [21.5]);
    });

    it('pythonSoftIOC', async () => {
      const { servers } = await reached('pythonSoftIoc', 2);
      assert.equal(servers[0]?.pvs.total, 5);
      assert.deepEqual(await read('PYSOFT:TEMPERATURE'), [21.5, 21.5]);
    });
  });
}

async function readWanted(exposed: Exposed): Promise<Record<PvProtocol, Map<string, unknown>>> {
  await exposed.until(
    ({ snapshot }) =>
      snapshot.containers.length === 14 &&
      snapshot.containers.every((container) =>
        container.iocs.every(({ servers }) => servers.every((s) => s.pvs.reachable > 0)),
      ),
    30_000,
    'PVs of every container',
  );
  const [ca, pva] = await Promise.all([
    exposed.readAll('ca', WANTED.ca),
    exposed.readAll('pva', WANTED.pva),
  ]);
  return { ca, pva };
}
