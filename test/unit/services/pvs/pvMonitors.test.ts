import assert from 'node:assert/strict';
import type { CoreApi, PvUpdate } from '../../../../src/model/coreApi';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer } from '../../../support/fakeEngine';

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
