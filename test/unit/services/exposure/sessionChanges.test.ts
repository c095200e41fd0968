/** What a session makes of engines and containers that come, stop and go. */
import assert from 'node:assert/strict';
import type { PortPublisher } from '../../../../src/services/host/engine';
import { CoreScene } from '../../../support/coreScene';
import { type FakeContainer, FakeEngine } from '../../../support/fakeEngine';

const EXPOSED_CA = 'exposed 127.0.0.1:5064 12/12';
const NAME_SERVERS = ['127.0.0.1:5063', '127.0.0.1:5074'];
/** How long a container that stopped is still shown. */
const SHOWN_MS = 60_000;

describe('the session', () => {
  let scene: CoreScene;
  let dev: FakeContainer;
  beforeEach(async () => {
    scene = new CoreScene();
    dev = scene.engine.run('dev');
    dev.start({ name: 'IOC' });
    await scene.open();
  });
  afterEach(() => scene.end());

  it('shows since when a container is paused', async () => {
    const since = (): string => scene.server('dev', 'ca').since ?? '';
    const exposed = since();
    await scene.clock.advance(60_000);
    assert.equal(since(), exposed);
    dev.setPaused(true);
    await scene.clock.advance(100);
    assert.ok(Date.parse(since()) - Date.parse(exposed) >= 60_000);
  });

  it('shows a container that ended for a minute, and that it cannot be started when it is removed', async () => {
    dev.exit(3);
    await scene.clock.advance(100);
    const problem = { code: 'container-stopped', container: 'dev', exitCode: 3 };
    assert.deepEqual(scene.container('dev').problem, problem);
    dev.stop();
    await scene.clock.advance(100);
    assert.equal(scene.container('dev').problem?.code, 'container-removed');
    await scene.clock.advance(SHOWN_MS);
    assert.deepEqual(scene.snapshot.containers, []);
  });

  it('shows a container that was removed for a minute, and listens for it no longer', async () => {
    dev.stop();
    await scene.clock.advance(100);
    assert.equal(scene.container('dev').status, 'stopped');
    assert.equal(scene.container('dev').problem?.code, 'container-removed');
    assert.equal(scene.server('dev', 'ca').status, 'gone');
    assert.deepEqual(scene.machine.listening, NAME_SERVERS);
    await scene.clock.advance(SHOWN_MS);
    assert.deepEqual(scene.snapshot.containers, []);
  });

  it('shows nothing of a stopped container that had no IOC', async () => {
    const idle = scene.engine.run('idle');
    await scene.clock.advance(100);
    assert.equal(scene.container('idle').status, 'running');
    idle.stop();
    assert.deepEqual(
      scene.snapshot.containers.map(({ name }) => name),
      ['dev'],
    );
  });

  it('exposes anew what was restarted, at its place', async () => {
    dev.restart('2026-01-02T00:00:00Z');
    const { pid } = dev.start({ name: 'IOC' });
    await scene.until(() => scene.container('dev').iocs[0]?.pid === pid, 'the new run');
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
    assert.equal(scene.container('dev').status, 'running');
    assert.equal(scene.snapshot.containers.length, 1);
  });

  it('shows a container that was made anew under its name in place of the former one', async () => {
    dev.stop();
    await scene.clock.advance(100);
    scene.engine.run('dev', { id: 'another' }).start({ name: 'IOC' });
    await scene.untilLine('dev', 'ca', EXPOSED_CA);
    assert.deepEqual(
      scene.snapshot.containers.map(({ id, status }) => [id, status]),
      [['another', 'running']],
    );
  });

  it('keeps all that runs while its engine is away', async () => {
    scene.engine.setStatus('unreachable');
    await scene.clock.advance(1000);
    assert.equal(scene.snapshot.engines[0]?.status, 'unreachable');
    assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
    dev.stop();
    scene.engine.setStatus('connected');
    await scene.clock.advance(100);
    assert.equal(scene.container('dev').status, 'stopped');
  });

  it('follows an engine that comes, and ends what it had when it goes', async () => {
    const later = new FakeEngine(scene.clock, scene.machine, 'later');
    later.run('box').start({ name: 'BOX' });
    scene.engines.setEngines(scene.engine, later);
    await scene.untilLine('box', 'ca', 'exposed 127.0.0.2:5064 12/12');
    scene.engines.setEngines(later);
    await scene.clock.advance(100);
    assert.equal(scene.container('dev').status, 'stopped');
    assert.equal(scene.line('box', 'ca'), 'exposed 127.0.0.2:5064 12/12');
    scene.engine.run('unseen');
    assert.ok(!scene.snapshot.containers.some(({ name }) => name === 'unseen'));
  });

  it('is settled when an engine has been asked, whatever it said', async () => {
    scene.engine.setStatus('connecting');
    assert.equal(scene.snapshot.isSettled, false);
    scene.engine.setStatus('unreachable');
    assert.equal(scene.snapshot.isSettled, true);
  });

  it('listens nowhere any more when it retires, and circuits go on', async () => {
    // Ours do not count, neither while they are open nor after.
    assert.equal(scene.core.circuitCount, 0);
    const pv = { name: 'DEMO:MOTOR', protocol: 'ca' } as const;
    await scene.core.reader.read(pv, new AbortController().signal);
    await scene.clock.advance(100);
    const client = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
    await scene.clock.advance(100);
    assert.equal(scene.core.circuitCount, 1);
    scene.core.retire();
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, []);
    assert.equal(scene.core.circuitCount, 1);
    // Nothing is opened for what comes now either.
    scene.engine.run('late').start({ name: 'LATE' });
    await scene.clock.advance(10_000);
    assert.deepEqual(scene.machine.listening, []);
    client.destroy();
    await scene.until(() => scene.core.circuitCount === 0, 'no circuit');
  });

  it('listens on no port that a container might want while one is made, and on all again after', async () => {
    const client = await scene.machine.dial({ host: '127.0.0.1', port: 5064 });
    scene.engine.isMakingContainer = true;
    scene.engine.notify();
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, NAME_SERVERS);
    assert.equal(scene.line('dev', 'ca'), EXPOSED_CA);
    scene.engine.isMakingContainer = false;
    scene.engine.notify();
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, [
      ...['127.0.0.1:5063', '127.0.0.1:5064', '127.0.0.1:5074', '127.0.0.1:5075'],
    ]);
    assert.equal(client.destroyed, false);
    client.destroy();
  });

  it('tells of a container that could not start because of a port of ours', async () => {
    const gateway: PortPublisher = {
      ...{
        id: 'g',
        name: 'gateway',
        state: 'created',
        restartsAutomatically: false,
        finishedAt: '',
      },
      startError: 'listen tcp4 127.0.0.1:5064: bind: address already in use',
      ports: [{ transport: 'tcp', containerPort: 5064, hostIp: '127.0.0.1', hostPort: 5064 }],
    };
    scene.engine.publishers = [gateway];
    scene.engine.notify();
    await scene.untilLine('dev', 'ca', 'exposed 127.0.0.2:5064 12/12');
    const codes = (): string[] => (scene.snapshot.notices ?? []).map(({ code }) => code);
    assert.ok(codes().includes('port-given-back'));
    scene.engine.publishers = [{ ...gateway, state: 'running', startError: '' }];
    scene.engine.notify();
    await scene.clock.advance(100);
    assert.ok(!codes().includes('port-given-back'));
  });
});

describe('where clients look that know one address only', () => {
  let scene: CoreScene;
  beforeEach(() => (scene = new CoreScene()));
  afterEach(() => scene.end());
  const codes = (): string[] => (scene.snapshot.notices ?? []).map(({ code }) => code);

  it('somebody answers who has no PVs, as long as there is something to find', async () => {
    const dev = scene.engine.run('dev');
    const ioc = dev.start({ name: 'IOC', servers: { 40_001: 'ca' } });
    await scene.open({ names: ['DEMO:MOTOR'] });
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, [
      ...['127.0.0.1:40001', '127.0.0.1:5063', '127.0.0.1:5064', '127.0.0.1:5074'],
    ]);
    assert.deepEqual(scene.snapshot.nameServers, {
      ...{ ca: { host: '127.0.0.1', port: 5063 }, pva: { host: '127.0.0.1', port: 5074 } },
    });
    dev.end(ioc);
    await scene.clock.advance(100);
    assert.deepEqual(scene.machine.listening, NAME_SERVERS);
  });

  it('room is made for an IOC that comes to that port later', async () => {
    const dev = scene.engine.run('dev');
    dev.start({ name: 'IOC', servers: { 40_001: 'ca' } });
    await scene.open({ names: ['DEMO:MOTOR'] });
    await scene.clock.advance(100);
    dev.start({ name: 'OTHER', servers: { 5064: 'ca' } });
    await scene.until(
      () => scene.container('dev').iocs.some(({ servers }) => servers[0]?.local?.port === 5064),
      'its own number',
    );
    assert.deepEqual(codes(), []);
  });

  it('it is said who is there instead, until that one goes', async () => {
    scene.machine.take('127.0.0.1:5064', { command: 'softIoc' });
    scene.engine.run('dev').start({ name: 'IOC' });
    await scene.open();
    await scene.clock.advance(100);
    assert.deepEqual(codes(), ['well-known-port-taken']);
    scene.machine.free('127.0.0.1:5064');
    await scene.until(() => codes().length === 0, 'the port');
    assert.ok(scene.machine.listening.includes('127.0.0.1:5064'));
  });

  it('name servers take other numbers where theirs are taken, and theirs when free', async () => {
    scene.machine.take('127.0.0.1:5063', { command: 'another' });
    scene.engine.run('dev').start({ name: 'IOC' });
    await scene.open();
    assert.equal(scene.snapshot.nameServers?.ca?.port, 15_063);
    scene.machine.free('127.0.0.1:5063');
    await scene.until(() => scene.snapshot.nameServers?.ca?.port === 5063, 'its own number');
    // For those that know it.
    assert.ok(scene.machine.listening.includes('127.0.0.1:15063'));
  });

  it('name servers make room for a container that publishes their port', async () => {
    scene.engine.run('dev').start({ name: 'IOC' });
    await scene.open();
    scene.engine.publishers = [
      {
        ...{ id: 'g', name: 'gateway', state: 'running', restartsAutomatically: false },
        ...{ finishedAt: '', startError: '' },
        ports: [{ transport: 'tcp', containerPort: 1, hostIp: '0.0.0.0', hostPort: 5063 }],
      },
    ];
    scene.engine.notify();
    await scene.until(() => scene.snapshot.nameServers?.ca?.port === 15_063, 'another number');
    assert.ok(!scene.machine.listening.includes('127.0.0.1:5063'));
  });
});
