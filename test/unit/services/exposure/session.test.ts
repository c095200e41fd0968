/** Which container comes first, and with which address. */
import assert from 'node:assert/strict';
import { EventEmitter } from '../../../../src/base/event';
import { silentLog } from '../../../../src/base/log';
import type { ContainerHint } from '../../../../src/model/workspaceContainer';
import type { ContainerInfo, Engine } from '../../../../src/services/host/engine';
import type { SocketReport } from '../../../../src/services/host/socketReport';
import { ExposeSession } from '../../../../src/services/exposure/session';
import { FakeClock } from '../../../support/fakeClock';

/** An IOC that listens on 5064. */
const REPORT: SocketReport = {
  sockets: [{ transport: 'tcp', host: '0.0.0.0', port: 5064, inode: 1, uid: 0 }],
  processes: [
    {
      ...{ pid: 1, name: 'softIoc', commandLine: ['softIoc'], environment: {} },
      ...{ startTicks: 1, socketInodes: [1] },
    },
  ],
};

class Scene {
  readonly clock = new FakeClock();
  readonly changed = new EventEmitter<void>();
  readonly reports = new Map<string, () => void>();
  readonly addresses = new Map<string, number>();
  containers: ContainerInfo[] = [];
  own: ContainerHint[] = [];

  readonly engine: Engine = {
    key: 'engine',
    state: { key: 'engine', kind: 'docker', version: '', status: 'connected' },
    containers: [],
    onDidChange: this.changed.event,
    open: (name) => ({
      routes: [],
      watchSockets: (events) => {
        this.reports.set(name, () => events.report(REPORT));
        return {
          lookNow: () => undefined,
          readProcessFile: async () => undefined,
          dispose: () => this.reports.delete(name),
        };
      },
      readFile: () => Promise.reject(new Error('no file')),
      dispose: () => undefined,
    }),
    dispose: () => undefined,
  };

  run(name: string, startedAt: string, folder = ''): void {
    const info = { id: name, name, image: '', labels: { 'devcontainer.local_folder': folder } };
    this.containers.push({
      ...info,
      ...{ status: 'running', startedAt, run: startedAt },
    });
  }

  expose(): ExposeSession {
    const { engine, clock, addresses, containers } = this;
    return new ExposeSession({
      engines: {
        engines: [{ ...engine, containers }],
        problem: undefined,
        isReady: true,
        onDidChange: () => ({ dispose: () => undefined }),
      },
      isWanted: () => true,
      ownContainers: () => this.own,
      addresses: {
        indexOf: (key) => addresses.get(key),
        remember: (key, index) => void addresses.set(key, index),
      },
      opensRelays: true,
      mayShareNumbers: false,
      extraNames: [],
      clientName: 'test',
      hostName: 'test',
      dialHost: () => Promise.reject(new Error('not dialled here')),
      findHolder: () => Promise.resolve(undefined),
      clock,
      log: silentLog,
    });
  }

  get watched(): string[] {
    return [...this.reports.keys()];
  }
  address(name: string): number | undefined {
    return this.addresses.get(`engine#${name}`);
  }
}

describe('the session: who is first', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
    scene.run('older', '2026-01-01');
    scene.run('mine', '2026-01-02', '/work/mine');
  });

  it('is the container that started first', () => {
    const session = scene.expose();
    assert.deepEqual(scene.watched, ['older', 'mine']);
    for (const report of scene.reports.values()) report();
    assert.deepEqual([scene.address('older'), scene.address('mine')], [1, 2]);
    session.dispose();
  });

  it('is the container that who asks works in, and others are not looked into before', () => {
    scene.own = [{ folder: '/elsewhere' }, { folder: '/work/mine/' }];
    const session = scene.expose();
    assert.deepEqual(scene.watched, ['mine']);
    assert.equal(session.isSettled, false);
    scene.reports.get('mine')?.();
    assert.deepEqual(scene.watched, ['mine', 'older']);
    scene.reports.get('older')?.();
    assert.deepEqual([scene.address('older'), scene.address('mine')], [2, 1]);
    session.dispose();
  });

  it('waits for its first look for a while only', async () => {
    scene.own = [{ folder: '/work/mine' }];
    const session = scene.expose();
    await scene.clock.advance(1000);
    assert.deepEqual(scene.watched, ['mine', 'older']);
    scene.reports.get('older')?.();
    assert.equal(scene.address('older'), 1);
    session.dispose();
  });

  it('is whoever had the address before', () => {
    scene.addresses.set('engine#mine', 1);
    scene.addresses.set('engine#older', 2);
    const session = scene.expose();
    for (const report of scene.reports.values()) report();
    assert.deepEqual([scene.address('older'), scene.address('mine')], [2, 1]);
    session.dispose();
  });
});
