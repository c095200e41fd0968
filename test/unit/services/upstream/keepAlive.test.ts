import assert from 'node:assert/strict';
import { CancelledError } from '../../../../src/base/errors';
import { keepAlive } from '../../../../src/services/upstream/keepAlive';
import { FakeClock } from '../../../support/fakeClock';

describe('the sign of life of circuits', () => {
  it('wakes the process once for all of them, whenever they began', async () => {
    const clock = new FakeClock();
    const ending = new AbortController();
    const looks: number[] = [];
    const pings: number[][] = [];
    const kept: Promise<unknown>[] = [];
    for (const pauseMs of [100, 1300, 2600, 900]) {
      await clock.advance(pauseMs);
      const link = {
        takeReceived: () => looks.push(clock.nowMs()) > 0,
        flush: () => true,
      };
      const own = [clock.nowMs()];
      pings.push(own);
      kept.push(keepAlive(clock, link, () => own.push(clock.nowMs()), ending.signal));
    }
    await clock.advance(60_000);
    assert.ok(
      looks.every((ms) => ms % 5000 === 0),
      looks.join(' '),
    );
    // pvAccess servers wait for 40 s.
    const gaps = pings.flatMap((own) => own.slice(1).map((ms, at) => ms - (own[at] ?? 0)));
    assert.ok(gaps.length >= 12 && Math.max(...gaps) <= 17_500, gaps.join(' '));
    ending.abort();
    for (const one of kept) await assert.rejects(one, CancelledError);
  });
});
