/** Clients with no environment at all, which broadcast, find the PVs of containers. */
import assert from 'node:assert/strict';
import { caget, caprotoGet, p4pGet, pvaPyGet, searchAddresses } from '../support/clients';
import type { Exposed } from '../support/exposed';
import type { EngineKind } from '../support/lab/engine';
import { needsEngine, needsOwnNetwork } from '../support/lab/needs';
import { exposedServers, Scene } from '../support/scene';

const NOTHING = {};
/** As ownNetwork.sh has it. */
const NETWORK = '198.51.100.255';

for (const kind of ['rootless', 'docker'] as EngineKind[]) {
  describe(`searches by broadcast: ${kind}`, () => {
    let scene: Scene;

    before(async function () {
      this.timeout(180_000);
      needsOwnNetwork(this);
      await needsEngine(this, kind);
    });
    beforeEach(async function () {
      scene = new Scene(await needsEngine(this, kind));
    });
    afterEach(() => scene?.end());

    async function read(
      get: typeof caget,
      names: string[],
      environment: Record<string, string>,
    ): Promise<unknown[]> {
      const results = await get(names, environment, 10_000);
      return results.map((result) =>
        result.ok ? result.value : `${result.name}: ${result.error}`,
      );
    }

    async function heard(exposed: Exposed): Promise<void> {
      await exposed.until(
        () =>
          (['ca', 'pva'] as const).every((protocol) =>
            exposed.snapshot.search?.[protocol]?.broadcasts?.includes(NETWORK),
          ),
        5000,
        'broadcasts to be heard',
      );
    }

    it('every client without any environment', async () => {
      const boxes = await Promise.all([
        scene.ioc({ macros: 'P=HOSTA:' }),
        scene.ioc({ ioc: 'softIocPva', macros: 'P=HOSTB:' }),
      ]);
      const exposed = scene.expose(boxes, ['--search', 'thishost']);
      for (const { name } of boxes) await exposedServers(exposed, name, 2);
      await heard(exposed);
      const names = ['HOSTA:TEMPERATURE', 'HOSTB:TEMPERATURE'];
      for (const get of [caget, caprotoGet, p4pGet, pvaPyGet]) {
        assert.deepEqual(await read(get, names, NOTHING), [21.5, 21.5], get.name);
      }
    });

    it('an IOC of this machine keeps its own clients, and is not found twice', async () => {
      const host = await scene.ioc({ macros: 'P=OWN:', network: 'host' });
      const box = await scene.ioc({ ioc: 'softIocPva', macros: 'P=BOX:', env: PORTS });
      const exposed = scene.expose([host, box], ['--search', 'thishost']);
      for (const { name } of [host, box]) await exposedServers(exposed, name, 2);
      await heard(exposed);
      assert.match(exposed.snapshot.search?.ca?.problem?.message ?? '', /held by softIocPvx/);
      const names = ['OWN:TEMPERATURE', 'BOX:TEMPERATURE'];
      assert.deepEqual(await read(caget, names, NOTHING), [21.5, 21.5]);
      assert.deepEqual(await read(p4pGet, names, NOTHING), [21.5, 21.5]);
      const onlyHost = searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] });
      assert.deepEqual(await read(caget, ['OWN:TEMPERATURE'], onlyHost), [21.5]);
      const both = searchAddresses({ ca: ['127.255.255.255'] });
      assert.deepEqual(await read(caget, names, both), [21.5, 21.5]);
    });
  });
}

const PORTS = { EPICS_CAS_SERVER_PORT: '6064', EPICS_PVAS_SERVER_PORT: '6075' };
