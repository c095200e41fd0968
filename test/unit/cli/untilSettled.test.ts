import assert from 'node:assert/strict';
import { EventEmitter } from '../../../src/base/event';
import {
  type Enough,
  pvsKnown,
  SETTLE_TIMEOUT_MS,
  SOMETHING_TO_SHOW,
  untilSettled,
} from '../../../src/cli/untilSettled';
import type { CoreApi, PvPath, PvDetails } from '../../../src/model/coreApi';
import type { PvStep } from '../../../src/model/pvTable';
import type { Snapshot } from '../../../src/model/snapshot';
import { FakeClock, settle } from '../../support/fakeClock';
import { snapshotWith } from '../../support/snapshots';

/** An exposure in which something never answers. */
class Scene {
  readonly clock = new FakeClock();
  readonly changed = new EventEmitter<void>();
  snapshot: Snapshot = { ...snapshotWith([{}]), isSettled: false };
  paths: PvPath[] = [];
  isDone = false;

  wait(enough?: Enough, signal = new AbortController().signal): void {
    const exposure = Object.defineProperty(
      {
        onDidChange: this.changed.event,
        describePv: async (name: string): Promise<PvDetails> => ({ name, paths: this.paths }),
      },
      'snapshot',
      { get: () => this.snapshot },
    ) as unknown as CoreApi;
    void untilSettled(exposure, this.clock, signal, enough).then(() => (this.isDone = true));
  }

  path(protocol: 'ca' | 'pva', step: PvStep): PvPath {
    const serverKey = this.snapshot.containers[0]?.iocs[0]?.servers[0]?.key ?? '';
    return { row: { name: 'A', protocol, step, serverKey } } as unknown as PvPath;
  }

  async change(): Promise<boolean> {
    this.changed.fire();
    await settle();
    return this.isDone;
  }
}

describe('how long commands wait', () => {
  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => assert.equal(scene.clock.pendingCount, 0));

  it('for everything, with a deadline', async () => {
    scene.wait();
    await scene.clock.advance(SETTLE_TIMEOUT_MS - 1);
    assert.equal(await scene.change(), false);
    await scene.clock.advance(1);
    assert.equal(scene.isDone, true);
  });

  it('until everything is settled, or nobody wants it any more', async () => {
    scene.wait();
    scene.snapshot = { ...scene.snapshot, isSettled: true };
    assert.equal(await scene.change(), true);
    const other = new Scene();
    const abort = new AbortController();
    other.wait(undefined, abort.signal);
    abort.abort();
    await settle();
    assert.equal(other.isDone, true);
  });

  it('for the PV that is asked for, and no other', async () => {
    scene.wait(pvsKnown([{ name: 'A', protocol: undefined }]));
    assert.equal(await scene.change(), false, 'nobody told it');
    scene.paths = [scene.path('ca', 'pending')];
    assert.equal(await scene.change(), false, 'asked');
    scene.paths = [scene.path('ca', 'reachable'), scene.path('pva', 'pending')];
    assert.equal(await scene.change(), false, 'the other protocol of its IOC');
    scene.paths = [scene.path('ca', 'reachable'), scene.path('pva', 'no-answer')];
    assert.equal(await scene.change(), true);
  });

  it('for the protocol that is asked for', async () => {
    scene.wait(pvsKnown([{ name: 'A', protocol: 'pva' }]));
    scene.paths = [scene.path('ca', 'reachable')];
    assert.equal(await scene.change(), false);
    scene.paths = [scene.path('ca', 'reachable'), scene.path('pva', 'create-refused')];
    assert.equal(await scene.change(), true);
  });

  it('five seconds for a first table', async () => {
    scene.wait(SOMETHING_TO_SHOW);
    assert.equal(await scene.change(), false);
    await scene.clock.advance(5000);
    assert.equal(scene.isDone, true);
  });

  it('five seconds for a table of what is not relayed', async () => {
    scene.snapshot = { ...snapshotWith([{ status: 'failed' }]), isSettled: false };
    scene.wait(SOMETHING_TO_SHOW);
    await scene.clock.advance(5000);
    assert.equal(scene.isDone, true);
  });

  it('longer for a table while there is nothing to show', async () => {
    const { snapshot } = scene;
    scene.snapshot = { ...snapshot, containers: [] };
    scene.wait(SOMETHING_TO_SHOW);
    await scene.clock.advance(6000);
    assert.equal(scene.isDone, false);
    scene.snapshot = snapshot;
    assert.equal(await scene.change(), true);
  });
});
