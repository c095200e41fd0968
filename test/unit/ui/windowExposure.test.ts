import assert from 'node:assert/strict';
import { fakeVscode } from '../../support/fakeVscode';
import { UsageError } from '../../../src/base/errors';
import type { ExposeRequest } from '../../../src/model/coreApi';
import { type Connect, WindowExposure } from '../../../src/ui/windowExposure';
import { CoreScene } from '../../support/coreScene';
import { until } from '../../support/until';
import { type WindowCore, windowCore } from '../../support/windowScene';

describe('what a window exposes', () => {
  let scene: CoreScene;
  let cores: WindowCore[];
  let window: WindowExposure;
  let changes: number;
  const connect: Connect = async () => {
    const core = windowCore(scene.core.openFrontEnd());
    cores.push(core);
    return core;
  };

  function open(connecting: Connect = connect, own?: { folder: string }): WindowExposure {
    window = new WindowExposure(connecting, ['engine'], own);
    changes = 0;
    window.onDidChange(() => changes++);
    return window;
  }

  beforeEach(() => {
    fakeVscode.settings.clear();
    scene = new CoreScene();
    scene.engine.run('dev').start({ name: 'IOC' });
    cores = [];
  });
  afterEach(async () => {
    window.dispose();
    await scene.end();
  });

  it('is nothing before the person asks', () => {
    open();
    assert.deepEqual(
      [window.isExposing, window.core, window.problem],
      [false, undefined, undefined],
    );
    assert.deepEqual(window.snapshot.containers, []);
    assert.equal(cores.length, 0);
  });

  it('is not what the person leaves out, even if another window exposes it', async () => {
    scene.engine.run('other').start({ name: 'OTHER' });
    open();
    await window.leaveOut(['other']);
    await window.expose();
    assert.deepEqual(scene.core.requests[0]?.selection.except, ['other']);
    await scene.open();
    const names = (): string[] => window.snapshot.containers.map(({ name }) => name);
    assert.deepEqual(names(), ['dev']);
    await window.leaveOut([]);
    assert.deepEqual(names(), ['dev', 'other']);
    assert.equal(scene.core.requests[0]?.selection.except, undefined);
  });

  it('is not settled before the core has taken what this window asks for', async () => {
    let take = (): void => undefined;
    const taken = new Promise<void>((resolve) => (take = resolve));
    open(async () => {
      const frontEnd = scene.core.openFrontEnd();
      const core = windowCore(frontEnd);
      cores.push(core);
      return Object.assign(core, {
        setRequest: (request?: ExposeRequest) => taken.then(() => frontEnd.setRequest(request)),
      });
    });
    const exposing = window.expose();
    // Nobody has asked for anything: of that, the core knows all there is.
    await until(() => window.core !== undefined, 5000, 'the core');
    assert.deepEqual([window.core?.snapshot.isSettled, window.snapshot.isSettled], [true, false]);
    take();
    await exposing;
    await scene.untilSettled();
    assert.equal(window.snapshot.isSettled, true);
  });

  it('is what the settings say, from then on', async () => {
    fakeVscode.settings.set('pvNames', [' A:PV ', 'A:PV', '', 5]);
    fakeVscode.settings.set('search', 'off');
    fakeVscode.settings.set('answers', 'relay');
    open(connect, { folder: '/work' });
    await window.expose();
    assert.deepEqual(scene.core.requests, [
      {
        selection: { containers: [], labels: [] },
        engines: ['engine'],
        names: ['A:PV'],
        search: 'off',
        answers: 'relay',
        own: { folder: '/work' },
      },
    ]);
    fakeVscode.settings.clear();
    fakeVscode.settings.set('engine', 'podman');
    await window.updateRequest();
    assert.deepEqual(scene.core.requests[0]?.engines, ['podman']);
    assert.deepEqual(scene.core.requests[0]?.names, []);
    assert.equal(cores.length, 1);
  });

  it('changes with what the core knows', async () => {
    await open().expose();
    await scene.untilSettled();
    assert.equal(window.snapshot.containers[0]?.name, 'dev');
    const before = changes;
    scene.engine.setStatus('unreachable');
    await scene.clock.advance(100);
    assert.ok(changes > before);
  });

  it('asks anew where it is asked for twice, without another connection', async () => {
    await open().expose();
    await window.expose();
    assert.equal(cores.length, 1);
    assert.equal(scene.core.requests.length, 1);
  });

  it('ends with Stop, and nothing of it is left', async () => {
    await open().expose();
    await scene.untilSettled();
    await window.stop();
    assert.deepEqual([window.isExposing, window.snapshot.containers], [false, []]);
    assert.deepEqual(scene.core.requests, []);
    assert.equal(cores[0]?.calls[0], 'close');
  });

  it('is left without a goodbye when the window closes', async () => {
    await open().expose();
    window.dispose();
    assert.deepEqual(cores[0]?.calls, ['leave']);
  });

  it('says why there is no core, and tries again when asked', async () => {
    let isBroken = true;
    open((signal) => (isBroken ? Promise.reject(new Error('no\u0007 place')) : connect(signal)));
    await window.expose();
    assert.equal(window.problem?.kind, 'no-broker');
    assert.ok(!window.problem?.message.includes('\u0007'));
    assert.equal(window.isExposing, true);
    isBroken = false;
    await window.expose();
    assert.equal(window.problem, undefined);
    assert.equal(scene.core.requests.length, 1);
  });

  it('says which settings make no sense, until they do', async () => {
    let isNonsense = true;
    open(async () => {
      const frontEnd = scene.core.openFrontEnd();
      return {
        ...windowCore(frontEnd),
        setRequest: (request) =>
          isNonsense ? Promise.reject(new UsageError('no engine x')) : frontEnd.setRequest(request),
      };
    });
    await window.expose();
    assert.equal(window.problem?.kind, 'bad-settings');
    isNonsense = false;
    await window.updateRequest();
    assert.equal(window.problem, undefined);
  });

  it('tells that the core was lost, and that none can be had', async () => {
    await open().expose();
    const losses: string[] = [];
    window.onDidLose(({ reason }) => losses.push(reason));
    cores[0]?.lose('killed');
    assert.deepEqual(losses, ['killed']);
    const [core] = cores;
    assert.ok(core);
    core.problem = new Error('it cannot be started');
    assert.deepEqual(window.problem, { kind: 'no-broker', message: 'It cannot be started' });
  });

  it('that was stopped while it connected is left again', async () => {
    let connected = (): void => undefined;
    open(async (signal) => {
      await new Promise<void>((resolve) => (connected = resolve));
      return connect(signal);
    });
    const exposing = window.expose();
    await window.stop();
    connected();
    await exposing;
    assert.deepEqual(cores[0]?.calls, ['leave']);
    assert.deepEqual([window.isExposing, scene.core.requests], [false, []]);
  });

  it('keeps what was told of a PV for when the core is away', async () => {
    await open().expose();
    await scene.untilSettled();
    assert.equal((await window.describePv('DEMO:MOTOR'))?.paths.length, 2);
    const [core] = cores;
    assert.ok(core);
    core.describePv = () => Promise.reject(new Error('away'));
    assert.equal((await window.describePv('DEMO:MOTOR'))?.paths.length, 2);
    assert.equal(await window.describePv('DEMO:STATE'), undefined);
    await window.stop();
    assert.equal((await window.describePv('DEMO:MOTOR'))?.paths.length, 2);
  });
});
