import assert from 'node:assert/strict';
import { sharingTimers } from '../../../src/base/sharedTimers';
import type { Clock } from '../../../src/base/clock';
import { FakeClock } from '../../support/fakeClock';

describe('a clock that shares its timers', () => {
  let base: FakeClock;
  let clock: Clock;
  let called: string[];
  const note = (name: string) => () => void called.push(name);
  beforeEach(() => {
    base = new FakeClock();
    clock = sharingTimers(base);
    called = [];
  });

  it('has one timer for all who wait until the same millisecond', async () => {
    clock.after(100, note('first'));
    await base.advance(40.25);
    clock.after(59.75, note('second'));
    clock.after(60, note('later'));
    assert.equal(base.pendingCount, 2);
    await base.advance(59);
    assert.deepEqual(called, []);
    await base.advance(0.75);
    assert.deepEqual(called, ['first', 'second']);
    await base.advance(1);
    assert.deepEqual(called, ['first', 'second', 'later']);
    assert.equal(base.pendingCount, 0);
  });

  it('calls back whoever asks again at that moment, and not who is disposed by another one', async () => {
    clock.after(10, () => {
      called.push('again soon');
      clock.after(10, note('again'));
      other.dispose();
    });
    const other = clock.after(10, note('other'));
    await base.advance(20);
    assert.deepEqual(called, ['again soon', 'again']);
  });

  it('keeps no timer for nobody', async () => {
    const [first, second] = [clock.after(10, note('first')), clock.after(10, note('second'))];
    first.dispose();
    assert.equal(base.pendingCount, 1);
    second.dispose();
    assert.equal(base.pendingCount, 0);
    clock.after(10, note('third'));
    await base.advance(10);
    second.dispose();
    assert.deepEqual(called, ['third']);
  });

  it('gives way at once to what waits for nothing', async () => {
    clock.after(0, note('at once'));
    await base.advance(0);
    assert.deepEqual(called, ['at once']);
  });
});
