import assert from 'node:assert/strict';
import { withDeadline } from '../../../src/base/abort';
import { FakeClock } from '../../support/fakeClock';

describe('withDeadline', () => {
  const never = (): Promise<never> => new Promise(() => undefined);

  async function failureAfter(clock: FakeClock, beforeMs: number): Promise<string> {
    const { signal } = new AbortController();
    let failure = '';
    withDeadline(clock, 3000, 'no answer within 3 s', signal, never).catch((error: unknown) => {
      failure = String(error);
    });
    await clock.advance(beforeMs);
    assert.equal(failure, '');
    await clock.advance(2);
    return failure;
  }

  it('is what was said on a machine that is idle', async () => {
    assert.match(await failureAfter(new FakeClock(), 2999), /no answer within 3 s$/);
  });

  it('is longer on a busy one, and says so', async () => {
    const clock = new FakeClock();
    clock.load = 8;
    assert.match(
      await failureAfter(clock, 23_999),
      /3 s \(waited 24 s, because this machine is busy\)/,
    );
  });
});
