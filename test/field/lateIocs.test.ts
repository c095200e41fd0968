/**
 * Java's clients, which run and were told of the first IOC alone, find IOCs that start later. That
 * libca and PVXS do so is in test/interop/scenarios/search.test.ts.
 */
import assert from 'node:assert/strict';
import { cajMonitor, corePvaMonitor, nameServers } from '../support/clients';
import { needsEngine, needsJava, needsOwnNetwork } from '../support/lab/needs';
import { measured } from '../support/measured';
import { exposedServers, Scene } from '../support/scene';
import { until } from '../support/until';

const FIRST = nameServers({ ca: ['127.0.0.1:5064'], pva: ['127.0.0.1:5075'] });
/** What an IOC that starts later may take until running clients have its PVs. */
const LATE_MS = 5000;

describe('IOCs that start later: rootless', () => {
  let scene: Scene;

  before(async function () {
    this.timeout(180_000);
    needsOwnNetwork(this);
    needsJava(this);
    scene = new Scene(await needsEngine(this, 'rootless'));
  });
  afterEach(() => scene?.end());

  it('CAJ and core-pva have their PVs soon, also of other containers and on dynamic ports', async () => {
    const first = await scene.ioc({ macros: 'P=EARLY:' });
    const exposed = scene.expose([]);
    await exposedServers(exposed, first.name, 2);
    const names = ['EARLY:TEMPERATURE', 'LATE1:TEMPERATURE', 'LATE2:TEMPERATURE'];
    const clients = [
      { name: 'CAJ', monitor: cajMonitor(names, FIRST) },
      { name: 'core-pva', monitor: corePvaMonitor(names, FIRST) },
    ];
    const everyClientHas = (name: string): Promise<unknown> =>
      Promise.all(
        clients.map(async (client) => {
          const what = `${name} by ${client.name} after its IOC listens`;
          await measured(what, () =>
            client.monitor.next((update) => update.ok && update.name === name, LATE_MS),
          );
        }),
      );
    try {
      for (const { monitor } of clients) await monitor.next((update) => update.ok);
      // Long enough for both clients to ask rarely.
      const start = performance.now();
      await until(() => performance.now() - start > 8000, 10_000, 'clients to slow down');
      const second = await scene.ioc({ macros: 'P=LATE1:' });
      await everyClientHas('LATE1:TEMPERATURE');
      await second.startIoc({ macros: 'P=LATE2:' });
      await everyClientHas('LATE2:TEMPERATURE');
      const ports = exposed.iocs(second.name).flatMap((ioc) => ioc.servers.map((s) => s.local));
      assert.equal(ports.length, 4);
    } finally {
      await Promise.all(clients.map(({ monitor }) => monitor.close()));
    }
  });
});
