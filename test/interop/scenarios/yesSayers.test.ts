/** A container that says yes to every search, beside an IOC that starts anew. */
import assert from 'node:assert/strict';
import { caget, p4pGet } from '../../support/clients';
import type { EngineKind, LabEngine } from '../../support/lab/engine';
import { needsEngine } from '../../support/lab/needs';
import { exposedServers, Scene } from '../../support/scene';

const CA_YES = `
from caproto import ChannelDouble
from caproto.server import run
class All(dict):
    def __contains__(self, name):
        return True
    def __missing__(self, name):
        self[name] = ChannelDouble(value=666.0)
        return self[name]
run(All({'YES:ONE': ChannelDouble(value=666.0)}), interfaces=['0.0.0.0'])
`;
const PVA_YES = `
from p4p.nt import NTScalar
from p4p.server import DynamicProvider, Server
from p4p.server.thread import SharedPV
class All:
    def testChannel(self, name):
        return True
    def makeChannel(self, name, peer):
        return SharedPV(nt=NTScalar('d'), initial=666.0)
Server.forever(providers=[DynamicProvider('all', All())])
`;

for (const kind of ['docker', 'rootless'] as EngineKind[]) {
  describe(`who says yes to every name: ${kind}`, () => {
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

    it('does not get the names of an IOC that starts anew', async function () {
      this.timeout(120_000);
      const yes = await scene.keeper({ image: 'py-ioc', env: { PYTHONPATH: '/opt/python' } });
      for (const script of [CA_YES, PVA_YES]) {
        await yes.exec(['sh', '-c', 'python3 -c "$1" >/dev/null 2>&1 &', 'yes', script]);
      }
      const owner = await scene.ioc({ macros: 'P=OWNER:' });
      const exposed = scene.expose([yes, owner]);
      await exposedServers(exposed, owner.name, 2);
      await exposed.until(
        () => exposed.iocs(yes.name).flatMap(({ servers }) => servers).length === 2,
        30_000,
        'both servers that say yes',
      );
      assert.deepEqual(await exposed.read('OWNER:TEMPERATURE'), [21.5, 21.5]);
      // It is there for what nobody else has, and told for what it is.
      assert.deepEqual(await exposed.read('NOBODY:HAS:THIS'), [666, 666]);
      await exposed.until(
        () =>
          exposed
            .iocs(yes.name)
            .flatMap(({ servers }) => servers)
            .every(({ note }) => note?.includes('it says yes to every name') === true),
        10_000,
        'the note',
      );

      await owner.stop();
      const [asked, asked2] = [caget, p4pGet].map((get) =>
        get(['OWNER:TEMPERATURE'], exposed.environment, 90_000),
      );
      // Both at once and not for long, since a busy machine makes it longer and names are kept a minute.
      const meanwhile = await Promise.all(
        [caget, p4pGet].map((get) => get(['OWNER:TEMPERATURE'], exposed.environment, 1000)),
      );
      for (const [result] of meanwhile) {
        assert.equal(result?.ok, false, `during the gap: ${JSON.stringify(result)}`);
      }
      await owner.start();
      for (const results of [await asked, await asked2]) {
        const values = (results ?? []).map((result) => result.ok && result.value);
        assert.ok(values.includes(21.5) && !values.includes(666), JSON.stringify(results));
      }
    });
  });
}
