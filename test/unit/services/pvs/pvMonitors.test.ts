import assert from 'node:assert/strict';
import type { CoreApi, LiveUpdate, PvUpdate } from '../../../../src/model/coreApi';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer, FakeIoc } from '../../../support/fakeEngine';

for (const protocol of ['ca', 'pva'] as const) {
  describe(`a value that is followed over ${protocol}`, () => {
    let scene: CoreScene;
    let dev: FakeContainer;
    let frontEnd: CoreApi;
    let updates: PvUpdate[];
    beforeEach(async () => {
      scene = new CoreScene();
      dev = scene.engine.run('dev');
      updates = [];
      frontEnd = await scene.open();
    });
    afterEach(() => scene.end());

    const monitor = (name = 'DEMO:COUNTER'): { dispose(): void } =>
      frontEnd.monitorPv({ name, protocol }, (update) => updates.push(update));
    const untilLast = (kind: PvUpdate['kind']): Promise<void> =>
      scene.until(() => updates.at(-1)?.kind === kind, kind);
    const circuitCount = (): number => dev.iocs.reduce((sum, ioc) => sum + ioc.circuitCount, 0);

    it('comes as it changes', async () => {
      dev.start({ name: 'IOC' });
      await scene.untilSettled();
      monitor();
      await scene.clock.advance(3000);
      const values = updates.map((update) => update.kind === 'value' && update.reading.value);
      assert.ok(values.length >= 3, JSON.stringify(values));
      assert.ok(Number(values.at(-1)) > Number(values[0]));
    });

    it('is interrupted when its IOC ends, and goes on when it is back', async () => {
      const ioc = dev.start({ name: 'IOC' });
      await scene.untilSettled();
      monitor();
      await untilLast('value');
      dev.end(ioc);
      await untilLast('interrupted');
      const { length } = updates;
      await scene.clock.advance(20_000);
      // The same reason is told once.
      assert.ok(updates.length <= length + 1, JSON.stringify(updates.slice(length)));
      assert.ok(updates.slice(length).every(({ kind }) => kind === 'interrupted'));
      dev.start({ name: 'IOC' });
      await untilLast('value');
    });

    it('is interrupted when its circuit is lost, and goes on by another one', async () => {
      const ioc = dev.start({ name: 'IOC' });
      await scene.untilSettled();
      monitor();
      await untilLast('value');
      ioc.dropCircuits();
      await untilLast('interrupted');
      await untilLast('value');
    });

    describe('in a row', () => {
      let row: LiveUpdate[];
      let ioc: FakeIoc;
      const problems = (): unknown[] => row.filter((update) => 'problem' in update);
      beforeEach(async () => {
        row = [];
        ioc = dev.start({ name: 'IOC' });
        await scene.untilSettled();
        const add = [{ id: 1, name: 'DEMO:MOTOR', protocol }];
        frontEnd.followPvs((news) => row.push(...news)).change({ add, remove: [] });
        await scene.until(() => row.length > 0, 'a value');
      });

      it('stays while its circuit is lost and comes back', async () => {
        const { length } = row;
        ioc.dropCircuits();
        await scene.until(() => row.length > length, 'the value after');
        await scene.clock.advance(10_000);
        assert.deepEqual(problems(), []);
      });

      it('is gone when its circuit does not come back in a moment', async () => {
        ioc.hang();
        ioc.dropCircuits();
        await scene.clock.advance(3000);
        assert.deepEqual(problems(), []);
        await scene.clock.advance(200);
        assert.equal(problems().length, 1, JSON.stringify(row));
        ioc.goOn();
        await scene.until(() => !('problem' in row.at(-1)!), 'the value after');
      });

      it('is gone as soon as its IOC is known to be', async () => {
        dev.end(ioc);
        await scene.until(() => problems().length > 0, 'a problem', 1500);
      });

      it('is told no more by nobody', async () => {
        ioc.hang();
        ioc.dropCircuits();
        await scene.clock.advance(1000);
        const { length } = row;
        frontEnd.dispose();
        await scene.clock.advance(10_000);
        assert.equal(row.length, length);
      });
    });

    it('is interrupted while its container is paused, and comes again', async () => {
      dev.start({ name: 'IOC' });
      await scene.untilSettled();
      monitor();
      await untilLast('value');
      dev.setPaused(true);
      await untilLast('interrupted');
      dev.setPaused(false);
      await untilLast('value');
    });

    it('is waited for where no IOC has it yet', async () => {
      monitor();
      await untilLast('interrupted');
      dev.start({ name: 'IOC' });
      await untilLast('value');
    });

    it('shares one circuit with the others of its server, which ends after the last', async () => {
      dev.start({ name: 'IOC' });
      await scene.untilSettled();
      const before = circuitCount();
      const monitors = [monitor(), monitor('DEMO:MOTOR'), monitor('DEMO:STATE')];
      await untilLast('value');
      assert.equal(circuitCount(), before + 1);
      monitors[0]?.dispose();
      monitors[1]?.dispose();
      await scene.clock.advance(100);
      assert.equal(circuitCount(), before + 1);
      monitors[2]?.dispose();
      await scene.clock.advance(100);
      assert.equal(circuitCount(), before);
      const { length } = updates;
      await scene.clock.advance(2000);
      assert.equal(updates.length, length);
    });
  });
}
