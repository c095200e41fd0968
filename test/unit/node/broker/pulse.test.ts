import assert from 'node:assert/strict';
import { watchPulse } from '../../../../src/node/broker/pulse';
import { FakeClock } from '../../../support/fakeClock';

describe('the pulse of the background process', () => {
  it('is missed once, noticed when it comes back, and not watched any more after its end', async () => {
    const clock = new FakeClock();
    const changes: boolean[] = [];
    const asked: { answer: () => void; refuse: (error: Error) => void }[] = [];
    const pulse = watchPulse({
      ask: () =>
        new Promise<void>((resolve, reject) => asked.push({ answer: resolve, refuse: reject })),
      onChange: (isSilent) => changes.push(isSilent),
      clock,
    });
    await clock.advance(2000);
    asked[0]?.answer();
    await clock.advance(2000);
    assert.equal(asked.length, 2);
    await clock.advance(4999);
    assert.deepEqual(changes, []);
    await clock.advance(60_000);
    assert.deepEqual([changes, asked.length], [[true], 2]);
    asked[1]?.refuse(new Error('given up'));
    await clock.advance(2000);
    assert.deepEqual([changes, asked.length], [[true], 3]);
    asked[2]?.answer();
    await clock.advance(0);
    assert.deepEqual(changes, [true, false]);
    await clock.advance(2000);
    pulse.dispose();
    await clock.advance(60_000);
    assert.deepEqual([changes, asked.length], [[true, false], 4]);
  });
});
