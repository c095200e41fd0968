import assert from 'node:assert/strict';
import {
  type Owners,
  PolledSocketWatch,
  SourceEnded,
  type SocketSource,
} from '../../../../src/node/containers/polledSocketWatch';
import { processKey } from '../../../../src/services/discovery/detect/parseProc';
import type { BoundSocket, SocketReport } from '../../../../src/services/host/socketReport';
import { FakeClock } from '../../../support/fakeClock';
import { iocProcess } from '../../../support/iocProcess';

const PERIOD_MS = 300;
const SUSPENDED_PERIOD_MS = 900;

/** A container's sockets, as a test sets them. */
class Scene {
  readonly clock = new FakeClock();
  readonly told: (SocketReport | string)[] = [];
  sockets: BoundSocket[] = [];
  owners: Owners = { processes: [], isComplete: true };
  counters = '0';
  suspended: ReadonlySet<string> = new Set();
  failure: Error | undefined;
  /** Looks wait for it. */
  gate: Promise<void> | undefined;
  readonly looks = { counters: 0, sockets: 0, owners: 0 };
  isQuiet = false;
  isDisposed = false;

  open(isNamespaceShared = false): PolledSocketWatch {
    const source: SocketSource = {
      periodMs: PERIOD_MS,
      readProcessFile: async () => undefined,
      readOthers: () => [],
      suspendedPeriodMs: SUSPENDED_PERIOD_MS,
      readSuspended: () => this.suspended,
      isNamespaceShared,
      isQuiet: () => this.isQuiet,
      readCounters: async () => {
        this.looks.counters++;
        await this.gate;
        if (this.failure) throw this.failure;
        return this.counters;
      },
      readSockets: () => {
        this.looks.sockets++;
        return [...this.sockets];
      },
      readOwners: async () => {
        this.looks.owners++;
        return this.owners;
      },
      dispose: () => (this.isDisposed = true),
    };
    return new PolledSocketWatch(source, this.clock, {
      report: (report) => this.told.push(report),
      failed: (error) => this.told.push(`failed: ${error.message}`),
      ended: () => this.told.push('ended'),
    });
  }

  /** A process with these sockets comes; the counters tell. */
  bind(pid: number, ...inodes: number[]): void {
    this.sockets = [...this.sockets, ...inodes.map(socket)];
    this.owners = {
      ...this.owners,
      processes: [...this.owners.processes, iocProcess({ pid, socketInodes: inodes })],
    };
    this.counters += '+';
  }

  get last(): SocketReport {
    const last = this.told.at(-1);
    assert.ok(typeof last === 'object', JSON.stringify(this.told));
    return last;
  }
  get inodes(): number[] {
    return this.last.sockets.map(({ inode }) => inode);
  }
}

function socket(inode: number): BoundSocket {
  return { transport: 'tcp', host: '0.0.0.0', port: 5000 + inode, inode, uid: 0 };
}

describe('a watch that looks at sockets', () => {
  let scene: Scene;
  let watch: PolledSocketWatch;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => watch.dispose());

  it('reports at once, and again when the counters tell of a change', async () => {
    scene.bind(10, 1);
    watch = scene.open();
    await scene.clock.advance(0);
    assert.deepEqual(scene.inodes, [1]);
    await scene.clock.advance(10 * PERIOD_MS);
    assert.equal(scene.told.length, 1);
    assert.equal(scene.looks.sockets, 1);
    scene.bind(11, 2);
    await scene.clock.advance(2 * PERIOD_MS);
    assert.deepEqual(scene.inodes, [1, 2]);
    assert.deepEqual(
      scene.last.processes.map(({ pid }) => pid),
      [10, 11],
    );
  });

  it('reads no counters while its source is quiet, but all that is due', async () => {
    scene.bind(10, 1);
    watch = scene.open();
    await scene.clock.advance(0);
    scene.isQuiet = true;
    const before = scene.looks.counters;
    await scene.clock.advance(SUSPENDED_PERIOD_MS - PERIOD_MS);
    assert.equal(scene.looks.counters, before);
    scene.suspended = new Set([processKey(iocProcess({ pid: 10 }))]);
    await scene.clock.advance(2 * PERIOD_MS);
    assert.equal(scene.last.processes[0]?.isSuspended, true);
    scene.bind(11, 2);
    watch.lookNow();
    await scene.clock.advance(PERIOD_MS);
    assert.deepEqual(scene.inodes, [1, 2]);
    scene.bind(12, 3);
    await scene.clock.advance(PERIOD_MS);
    assert.deepEqual(scene.inodes, [1, 2]);
    scene.isQuiet = false;
    await scene.clock.advance(2 * PERIOD_MS);
    assert.deepEqual(scene.inodes, [1, 2, 3]);
  });

  it('looks at processes only where there is a socket that nobody knows', async () => {
    scene.bind(10, 1, 2);
    watch = scene.open();
    await scene.clock.advance(0);
    scene.sockets = [socket(1)];
    scene.counters = 'less';
    await scene.clock.advance(2 * PERIOD_MS);
    assert.deepEqual(scene.inodes, [1]);
    assert.deepEqual(scene.last.processes[0]?.socketInodes, [1]);
    assert.equal(scene.looks.owners, 1);
  });

  it('tells which process is suspended, and that it goes on, whatever the counters tell', async () => {
    scene.bind(10, 1);
    scene.bind(11, 2);
    watch = scene.open();
    await scene.clock.advance(0);
    const isSuspended = (): (boolean | undefined)[] =>
      scene.last.processes.map((process) => process.isSuspended);
    assert.deepEqual(isSuspended(), [undefined, undefined]);
    scene.suspended = new Set([processKey(iocProcess({ pid: 11 }))]);
    await scene.clock.advance(SUSPENDED_PERIOD_MS + PERIOD_MS);
    assert.deepEqual(isSuspended(), [undefined, true]);
    scene.suspended = new Set();
    await scene.clock.advance(SUSPENDED_PERIOD_MS + PERIOD_MS);
    assert.deepEqual(isSuspended(), [undefined, undefined]);
    assert.equal(scene.looks.owners, 1);
  });

  it('does not call one suspended whose sockets another process holds, too, until that is', async () => {
    scene.bind(10, 1);
    scene.bind(11, 1);
    watch = scene.open();
    await scene.clock.advance(0);
    const [parent, child] = [10, 11].map((pid) => processKey(iocProcess({ pid })));
    scene.suspended = new Set([parent ?? '']);
    await scene.clock.advance(SUSPENDED_PERIOD_MS + PERIOD_MS);
    assert.ok(scene.last.processes.every(({ isSuspended }) => isSuspended === undefined));
    scene.suspended = new Set([parent ?? '', child ?? '']);
    await scene.clock.advance(SUSPENDED_PERIOD_MS + PERIOD_MS);
    assert.ok(scene.last.processes.every(({ isSuspended }) => isSuspended === true));
  });

  it('tells nothing anew where nothing is suspended', async () => {
    scene.bind(10, 1);
    watch = scene.open();
    await scene.clock.advance(0);
    const { length } = scene.told;
    await scene.clock.advance(10 * SUSPENDED_PERIOD_MS);
    assert.equal(scene.told.length, length);
  });

  it('looks at everything each five minutes, and when it is asked to, whatever the counters tell', async () => {
    watch = scene.open();
    await scene.clock.advance(0);
    const { counters } = scene;
    scene.bind(10, 1);
    scene.counters = counters;
    await scene.clock.advance(299_000);
    assert.deepEqual(scene.inodes, []);
    await scene.clock.advance(2000);
    assert.deepEqual(scene.inodes, [1]);
    scene.bind(11, 2);
    scene.counters = counters;
    watch.lookNow();
    await scene.clock.advance(0);
    assert.deepEqual(scene.inodes, [1, 2]);
  });

  it('looks once more where it is asked to while it looks', async () => {
    let open = (): void => undefined;
    scene.gate = new Promise((resolve) => (open = resolve));
    watch = scene.open();
    await scene.clock.advance(0);
    assert.equal(scene.looks.counters, 1);
    watch.lookNow();
    open();
    await scene.clock.advance(0);
    assert.equal(scene.looks.counters, 2);
  });

  it('says that it cannot look, tries again ever more seldom, and tells when it can', async () => {
    scene.bind(10, 1);
    watch = scene.open();
    await scene.clock.advance(0);
    const report = scene.last;
    scene.failure = new Error('EMFILE');
    await scene.clock.advance(60_000);
    const failures = scene.told.filter((one) => one === 'failed: EMFILE').length;
    assert.ok(failures > 5 && failures < 20, `${failures} failures`);
    scene.failure = undefined;
    await scene.clock.advance(10_000);
    // Although nothing has changed.
    assert.deepEqual(scene.last, report);
  });

  it('ends with the container, once', async () => {
    watch = scene.open();
    await scene.clock.advance(0);
    scene.failure = new SourceEnded();
    await scene.clock.advance(60_000);
    assert.deepEqual(scene.told.slice(1), ['ended']);
    assert.equal(scene.isDisposed, true);
    assert.equal(scene.clock.pendingCount, 0);
    watch.lookNow();
    assert.equal(scene.clock.pendingCount, 0);
  });

  it('leaves out sockets of others, where it can tell', async () => {
    scene.bind(10, 2);
    scene.sockets.push(socket(1));
    watch = scene.open();
    await scene.clock.advance(0);
    assert.deepEqual(scene.inodes, [2]);
    watch.dispose();
    scene.owners = { ...scene.owners, isComplete: false };
    watch = scene.open();
    await scene.clock.advance(0);
    assert.deepEqual(scene.inodes, [1, 2]);
    watch.dispose();
    // In a network that others share, who shows no owner may be theirs.
    watch = scene.open(true);
    await scene.clock.advance(0);
    assert.deepEqual(scene.inodes, [2]);
  });
});
