import assert from 'node:assert/strict';
import { backoffMs } from '../../../src/base/backoff';
import { clipped } from '../../../src/base/clipped';
import { LruMap } from '../../../src/base/lruMap';
import { waitFor } from '../../../src/base/waitFor';
import { FakeClock } from '../../support/fakeClock';

describe('backoffMs', () => {
  it('doubles up to its limit, and stays there for ever', () => {
    const pauses = [0, 1, 2, 3, 4, 5000].map((failures) => backoffMs(failures, 200, 1500));
    assert.deepEqual(pauses, [200, 400, 800, 1500, 1500, 1500]);
  });
});

describe('clipped', () => {
  it('leaves what is short, and shows that it cut', () => {
    assert.deepEqual([clipped('abc', 3), clipped('abcd', 3)], ['abc', 'abc...']);
  });
});

describe('LruMap', () => {
  it('keeps those that were set last, and tells which one went', () => {
    const map = new LruMap<string, number>(2);
    assert.deepEqual([map.set('a', 1), map.set('b', 2)], [undefined, undefined]);
    map.set('a', 3);
    assert.equal(map.get('b'), 2, 'which makes it no newer');
    assert.deepEqual(map.set('c', 4), ['b', 2]);
    assert.deepEqual(
      [...map],
      [
        ['a', 3],
        ['c', 4],
      ],
    );
    assert.deepEqual([map.delete('a'), map.delete('a'), map.size], [true, false, 1]);
    map.clear();
    assert.equal(map.size, 0);
  });
});

describe('waitFor', () => {
  it('looks at once, then every so often, until there is something', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    let looks = 0;
    const waiting = waitFor(clock, () => (++looks === 4 ? 'seen' : undefined), 100, signal);
    await clock.advance(299);
    assert.equal(looks, 3);
    await clock.advance(1);
    assert.equal(await waiting, 'seen');
    assert.equal(clock.pendingCount, 0);
  });

  it('ends with what looking throws, and with its signal', async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const fail = (): undefined => {
      throw new Error('it is gone');
    };
    await assert.rejects(waitFor(clock, fail, 100, abort.signal), /it is gone/);
    const waiting = waitFor(clock, () => undefined, 100, abort.signal);
    abort.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
  });
});
