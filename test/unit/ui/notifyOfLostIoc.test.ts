import assert from 'node:assert/strict';
import { fakeVscode } from '../../support/fakeVscode';
import type { Disposable } from '../../../src/base/disposable';
import { notifyOfLostIoc } from '../../../src/ui/notifyOfLostIoc';
import { WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import type { FakeContainer } from '../../support/fakeEngine';
import { windowCore } from '../../support/windowScene';

describe('the end of an IOC', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let window: WindowExposure;
  let watching: Disposable;
  const PATIENCE_MS = 3100;

  beforeEach(async () => {
    fakeVscode.settings.clear();
    fakeVscode.settings.set('notify', true);
    fakeVscode.warnings = [];
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    scene.engine.run('other').start({ name: 'OTHER' });
    window = new WindowExposure(async () => windowCore(scene.core.openFrontEnd()), ['engine']);
    const ownContainerKey = (): string => scene.container('dev').key;
    watching = notifyOfLostIoc({ exposure: window, ownContainerKey, clock: scene.clock });
    await window.expose();
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.1:5064 12/12');
    await scene.clock.advance(1000); // until the window knows it, too
  });
  afterEach(async () => {
    watching.dispose();
    window.dispose();
    await scene.end();
  });

  it('is told once, of the window’s own container', async () => {
    dev.exit(3);
    await scene.clock.advance(PATIENCE_MS);
    assert.equal(fakeVscode.warnings.length, 1);
    assert.match(fakeVscode.warnings[0] ?? '', /^IOC IOC serves no PVs any more\. .*exit code 3/);
    await scene.clock.advance(10_000);
    assert.equal(fakeVscode.warnings.length, 1);
  });

  it('is not told when it is started again at once, nor when nobody wants to know', async () => {
    const [ioc] = dev.iocs;
    dev.end(ioc!);
    await scene.clock.advance(1000);
    dev.start({ name: 'IOC' });
    await scene.clock.advance(PATIENCE_MS);
    assert.deepEqual(fakeVscode.warnings, []);
    fakeVscode.settings.set('notify', false);
    dev.exit(0);
    await scene.clock.advance(PATIENCE_MS);
    assert.deepEqual(fakeVscode.warnings, []);
  });

  it('is not told when the user stops exposing', async () => {
    await window.stop();
    await scene.clock.advance(PATIENCE_MS);
    assert.deepEqual(fakeVscode.warnings, []);
  });
});
