import assert from 'node:assert/strict';
import '../../support/fakeVscode';
import type { CoreApi, FollowChange, PvAddress } from '../../../src/model/coreApi';
import { LiveValues } from '../../../src/ui/liveValues';
import { WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import type { FakeContainer } from '../../support/fakeEngine';
import { type WindowCore, windowCore } from '../../support/windowScene';

const COUNTER: PvAddress = { name: 'DEMO:COUNTER', protocol: 'ca' };
const MOTOR: PvAddress = { name: 'DEMO:MOTOR', protocol: 'pva' };

describe('the values of PVs that a window shows', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let window: WindowExposure;
  let values: LiveValues;
  /** What the core was told, each time. */
  let changes: { add: number; remove: number }[];
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    changes = [];
    window = new WindowExposure(async () => {
      const core = windowCore(scene.core.openFrontEnd());
      const counted: Pick<CoreApi, 'followPvs'> = {
        followPvs(onUpdates) {
          const follower = core.followPvs(onUpdates);
          const change = (asked: FollowChange): void => {
            changes.push({ add: asked.add.length, remove: asked.remove.length });
            follower.change(asked);
          };
          return { change, dispose: () => follower.dispose() };
        },
      };
      return Object.create(core, Object.getOwnPropertyDescriptors(counted)) as WindowCore;
    }, []);
    values = new LiveValues(window, scene.clock);
    await window.expose();
    await scene.untilSettled();
  });
  afterEach(async () => {
    values.dispose();
    window.dispose();
    await scene.end();
  });
  const textOf = (pv: PvAddress): string | undefined => values.latest(pv)?.reading?.text;
  const untilSome = (pv: PvAddress): Promise<void> =>
    scene.until(() => values.latest(pv)?.reading !== undefined, 'a value');

  it('come as they change, with the time of their arrival', async () => {
    let told = 0;
    values.follow(COUNTER, () => told++);
    assert.equal(values.latest(COUNTER), undefined);
    await untilSome(COUNTER);
    const first = textOf(COUNTER);
    await scene.clock.advance(3000);
    assert.notEqual(textOf(COUNTER), first);
    assert.ok(told > 1 && told < 31);
    const ageMs = scene.clock.wallMs() - (values.latest(COUNTER)?.readAtMs ?? 0);
    assert.ok(ageMs >= 0 && ageMs <= 1100, `${ageMs} ms`);
  });

  it('are followed once for all who want them, in one message for many', async () => {
    let told = '';
    const one = values.follow(COUNTER, () => (told += 'a'));
    values.follow({ ...COUNTER }, () => (told += 'b'));
    values.follow(MOTOR, () => undefined);
    await untilSome(COUNTER);
    assert.deepEqual(changes, [{ add: 2, remove: 0 }]);
    assert.match(told, /^(ab)+$/);
    one.dispose();
    told = '';
    await scene.clock.advance(3000);
    assert.match(told, /^b+$/);
    assert.equal(changes.length, 1);
  });

  it('stay while a row is drawn anew, and end a moment after the last', async () => {
    const one = values.follow(COUNTER, () => undefined);
    await untilSome(COUNTER);
    one.dispose();
    const two = values.follow(COUNTER, () => undefined);
    await scene.clock.advance(2000);
    assert.equal(changes.length, 1);
    two.dispose();
    await scene.clock.advance(2000);
    assert.deepEqual(changes.at(-1), { add: 0, remove: 1 });
    assert.equal(values.latest(COUNTER), undefined);
  });

  it('tell why there are none, and stay to be seen beside that', async () => {
    values.follow(COUNTER, () => undefined);
    await untilSome(COUNTER);
    for (const ioc of scene.engine.iocs) dev.end(ioc);
    await scene.until(() => values.latest(COUNTER)?.problem !== undefined, 'a problem');
    assert.ok(textOf(COUNTER) !== undefined);
    dev.start({ name: 'IOC' });
    await scene.until(() => values.latest(COUNTER)?.problem === undefined, 'a value');
  });

  it('end with Stop, and come again with Expose', async () => {
    let told = 0;
    values.follow(COUNTER, () => told++);
    await untilSome(COUNTER);
    told = 0;
    await window.stop();
    assert.deepEqual([told, values.latest(COUNTER)], [1, undefined]);
    await window.expose();
    await untilSome(COUNTER);
  });
});
