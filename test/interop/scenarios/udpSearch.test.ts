/** Clients that search by UDP, and were told of 127.0.0.1 alone, find the PVs of containers. */
import assert from 'node:assert/strict';
import type { SnapshotJson } from '../../../src/cli/snapshotJson';
import {
  caget,
  caprotoGet,
  caprotoThreading,
  p4pGet,
  pvaPyGet,
  searchAddresses,
} from '../../support/clients';
import type { Exposed } from '../../support/exposed';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { exposedServers, Scene } from '../../support/scene';

const LOOPBACK = searchAddresses({ ca: ['127.0.0.1'], pva: ['127.0.0.1'] });
const PATIENCE_MS = 15_000;

for (const kind of ['docker', 'rootless'] as EngineKind[]) {
  describe(`searches by UDP: ${kind}`, () => {
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

    async function searchState(exposed: Exposed): Promise<NonNullable<SnapshotJson['search']>> {
      const state = (): NonNullable<SnapshotJson['search']> => exposed.snapshot.search ?? {};
      const isOpen = (): boolean =>
        Object.values(state()).filter(({ broadcasts }) => broadcasts).length === 2;
      await exposed.until(isOpen, 5000, 'both search ports');
      return state();
    }

    async function read(get: typeof caget, names: string[]): Promise<unknown[]> {
      const results = await get(names, LOOPBACK, PATIENCE_MS);
      return results.map((result) =>
        result.ok ? result.value : `${result.name}: ${result.error}`,
      );
    }

    it('every client reads every kind of server', async () => {
      const [base, qsrv1, pvaPy] = await Promise.all([
        scene.ioc({ macros: 'P=UDPA:' }),
        scene.ioc({ ioc: 'softIocPva', macros: 'P=UDPB:' }),
        scene.ioc({ ioc: 'pvaPy', macros: 'P=UDPC:' }),
      ]);
      const exposed = scene.expose([base, qsrv1, pvaPy]);
      await exposedServers(exposed, base.name, 2);
      await exposedServers(exposed, qsrv1.name, 2);
      await exposedServers(exposed, pvaPy.name, 1);
      // Of the loopback alone, which reach no other machine.
      const broadcasts = ['127.255.255.255'];
      assert.deepEqual(await searchState(exposed), {
        ca: { local: { host: '127.0.0.1', port: 5064 }, broadcasts },
        pva: { local: { host: '127.0.0.1', port: 5076 }, broadcasts },
      });
      const ca = ['UDPA:', 'UDPB:'].map((prefix) => `${prefix}TEMPERATURE`);
      const pva = [...ca, 'UDPC:TEMPERATURE'];
      assert.deepEqual(
        await Promise.all([read(caprotoGet, ca), read(caprotoThreading, ca), read(caget, ca)]),
        [ca, ca, ca].map((names) => names.map(() => 21.5)),
      );
      assert.deepEqual(
        await Promise.all([read(pvaPyGet, pva), read(p4pGet, pva)]),
        [pva, pva].map((names) => names.map(() => 21.5)),
      );
    });

    it('with --search off nothing listens', async () => {
      const box = await scene.ioc({ macros: 'P=UDPOFF:' });
      const exposed = scene.expose([box], ['--search', 'off']);
      await exposedServers(exposed, box.name, 2);
      assert.equal(exposed.snapshot.search, undefined);
      const [result] = await caprotoGet(['UDPOFF:TEMPERATURE'], LOOPBACK, 1500);
      assert.equal(result?.ok, false);
    });
  });
}
