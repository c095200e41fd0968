/** Clients that search by TCP, and what the core tells them, whichever of its listeners they ask. */
import assert from 'node:assert/strict';
import { CoreScene } from '../../../support/coreScene';
import { openSearching, type SearchingClient } from '../../../support/searchingClient';

const protocols = [
  { protocol: 'ca', port: 5064, nameServer: 5063 },
  { protocol: 'pva', port: 5075, nameServer: 5074 },
] as const;

for (const { protocol, port, nameServer } of protocols) {
  describe(`a client that searches over ${protocol}`, () => {
    let scene: CoreScene;
    let client: SearchingClient | undefined;
    beforeEach(async () => {
      scene = new CoreScene();
      scene.engine.run('dev').start({ name: 'IOC' });
      await scene.open();
      await scene.clock.advance(100);
    });
    afterEach(async () => {
      client?.stream.destroy();
      await scene.end();
    });

    it('is sent to the relay by the name server, and told what nobody has', async () => {
      client = await openSearching(scene, protocol, nameServer);
      client.ask(1, 'DEMO:MOTOR');
      client.ask(2, 'NO:SUCH');
      await scene.until(() => client?.found.size === 1, 'an answer');
      assert.deepEqual([...client.found], [[1, `127.0.0.1:${port}`]]);
      await scene.until(() => client?.absentCount === 1, 'the other one');
    });

    it('is sent to who started first of two, by the other one, too, until that ends', async () => {
      const box = scene.engine.run('box', { startedAt: '2026-01-02T00:00:00Z' });
      box.start({ name: 'BOX' });
      await scene.untilSettled();
      await scene.clock.advance(100);
      client = await openSearching(scene, protocol, port, '127.0.0.2');
      client.ask(1, 'DEMO:STATE');
      await scene.until(() => client?.found.size === 1, 'an answer');
      const [dev] = scene.engine.all;
      for (const ioc of dev?.iocs ?? []) dev?.end(ioc);
      // For a minute the name is kept for who had it.
      await scene.clock.advance(70_000);
      client.ask(2, 'DEMO:STATE');
      await scene.until(() => client?.found.size === 2, 'an answer');
      assert.deepEqual([...client.found.values()], [`127.0.0.1:${port}`, `127.0.0.2:${port}`]);
    });

    // Our own CA client takes no other answer after "nowhere".
    if (protocol === 'ca') return;
    it('is told later of a PV whose IOC starts later', async () => {
      const [dev] = scene.engine.all;
      for (const ioc of scene.engine.iocs) dev?.end(ioc);
      await scene.clock.advance(70_000);
      client = await openSearching(scene, protocol, nameServer);
      client.ask(1, 'DEMO:STATE');
      await scene.clock.advance(5000);
      assert.equal(client.found.size, 0);
      dev?.start({ name: 'IOC' });
      await scene.until(() => client?.found.size === 1, 'an answer');
    });
  });
}
