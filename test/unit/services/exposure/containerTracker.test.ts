import assert from 'node:assert/strict';
import { CoreScene } from '../../../support/coreScene';
import type { FakeContainer, FakeIoc } from '../../../support/fakeEngine';

const EXPOSED_CA = 'exposed 127.0.0.1:5064 12/12';
/** How long an IOC that ended is still shown. */
const SHOWN_MS = 60_000;

describe('a container that is followed', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  let ioc: FakeIoc;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    ioc = dev.start({ name: 'IOC' });
    await scene.open();
  });
  afterEach(() => scene.end());

  it('shows an IOC that ended for a minute, and listens for it no longer', async () => {
    dev.end(ioc);
    assert.equal(scene.server('dev', 'ca').status, 'gone');
    assert.equal(scene.server('dev', 'ca').problem?.code, 'ioc-gone');
    await scene.clock.advance(100);
    // Name servers stay, where clients wait for it.
    assert.deepEqual(scene.machine.listening, ['127.0.0.1:5063', '127.0.0.1:5074']);
    await scene.clock.advance(SHOWN_MS - 200);
    assert.equal(scene.container('dev').iocs.length, 1);
    await scene.clock.advance(200);
    assert.equal(scene.container('dev').iocs.length, 0);
  });

  it('has one IOC where the same one is started again, at its place', async () => {
    dev.end(ioc);
    await scene.clock.advance(1000);
    dev.start({ name: 'IOC' });
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
    assert.equal(scene.container('dev').iocs.length, 1);
    await scene.clock.advance(SHOWN_MS);
    assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
  });

  it('shows two IOCs side by side, one of which ended', async () => {
    dev.start({ name: 'OTHER', servers: { 40_001: 'ca', 40_002: 'pva' } });
    await scene.until(() => scene.container('dev').iocs.length === 2, 'two IOCs');
    await scene.untilSettled();
    dev.end(ioc);
    const states = scene
      .container('dev')
      .iocs.map(({ name, servers }) => [name, servers[0]?.status]);
    assert.deepEqual(states, [
      ['IOC', 'gone'],
      ['OTHER', 'exposed'],
    ]);
  });

  it('looks again at once when a circuit ends', async () => {
    dev.crash(ioc);
    await scene.until(() => scene.server('dev', 'ca').status === 'gone', 'gone', 200);
    assert.equal(scene.server('dev', 'pva').status, 'gone');
  });

  it('is connected to again when only its circuits end', async () => {
    ioc.dropCircuits();
    await scene.until(() => scene.server('dev', 'ca').pvs.reachable === 0, 'disconnected');
    assert.equal(scene.server('dev', 'ca').problem?.code, 'disconnected');
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
  });

  describe('whose sockets cannot be seen', () => {
    it('keeps what was seen, says so, and takes what is there when they can', async () => {
      dev.failWatch('no shell');
      assert.equal(scene.container('dev').problem?.code, 'cannot-look-inside');
      assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
      dev.failWatch('no shell');
      dev.seeAgain();
      assert.equal(scene.container('dev').problem, undefined);
      assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
      dev.failWatch('no shell');
      dev.end(ioc);
      assert.equal(scene.container('dev').problem, undefined);
      assert.equal(scene.server('dev', 'ca').status, 'gone');
    });

    it('holds up nothing: that it cannot be seen settles it', async () => {
      const hidden = scene.engine.run('hidden');
      assert.equal(scene.snapshot.isSettled, false);
      hidden.failWatch('no shell');
      assert.equal(scene.snapshot.isSettled, true);
    });
  });

  it('has no IOC left when its first process is gone', () => {
    dev.endWatch();
    assert.equal(scene.server('dev', 'ca').status, 'gone');
    assert.equal(scene.server('dev', 'pva').status, 'gone');
  });
});

describe('the routes into a container', () => {
  it('are tried in their order, and what led to one server goes before for the next', async () => {
    const scene = new CoreScene();
    const dev = scene.engine.run('dev');
    dev.routeKinds = ['published', 'address', 'exec-node', 'exec-python'];
    dev.blocked.set('published', 'port 5064 is not published');
    dev.blocked.set('address', 'no route to host');
    dev.start({ name: 'IOC', servers: { 5064: 'ca' } });
    await scene.open({ names: ['DEMO:MOTOR'] });
    assert.deepEqual(dev.dialled.slice(0, 3), ['published', 'address', 'exec-node']);
    dev.dialled.length = 0;
    dev.start({ name: 'OTHER', servers: { 40_001: 'ca' } });
    await scene.until(() => dev.dialled.length > 2, 'the other IOC');
    // What leads straight to this machine is another matter for each server.
    assert.deepEqual(dev.dialled.slice(0, 2), ['published', 'exec-node']);
    assert.ok(!dev.dialled.includes('address'));
    await scene.end();
  });

  it('tell what an IOC of another number is published as', async () => {
    const scene = new CoreScene();
    const published = {
      transport: 'tcp',
      containerPort: 5064,
      hostIp: '',
      hostPort: 6064,
    } as const;
    const dev = scene.engine.run('dev', { publishedPorts: [published, published] });
    dev.start({ name: 'IOC' });
    await scene.open();
    assert.deepEqual(
      scene.server('dev', 'ca').notes?.map(({ code }) => code),
      ['published-elsewhere'],
    );
    assert.equal(scene.server('dev', 'pva').notes, undefined);
    await scene.end();
  });
});
