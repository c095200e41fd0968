import assert from 'node:assert/strict';
import { Limit } from '../../../../src/base/limit';
import type { Route } from '../../../../src/services/host/connection';
import { askRoutes } from '../../../../src/services/exposure/askRoutes';
import { FakeClock } from '../../../support/fakeClock';

const { signal } = new AbortController();
const route = { kind: 'address', label: 'a route' } as unknown as Route;

describe('asking very many servers at once', () => {
  it('keeps nobody waiting for one that is silent, whether or not another route may be tried', async () => {
    const clock = new FakeClock();
    const turns = new Limit(1);
    const asked: string[] = [];
    const begin = (name: string, nextAfterMs?: number): Promise<unknown> =>
      askRoutes([route], {
        ask: () => {
          asked.push(name);
          return name === 'good' ? Promise.resolve(undefined) : new Promise(() => undefined);
        },
        ...(nextAfterMs !== undefined && { nextAfterMs }),
        ...{ onOutcome: () => undefined, turns, clock, signal },
      });
    void begin('silent');
    void begin('silent too', 500);
    const good = begin('good');
    await clock.advance(0);
    assert.deepEqual(asked, ['silent']);
    await clock.advance(500);
    assert.deepEqual(asked, ['silent', 'silent too']);
    await clock.advance(500);
    await good;
    assert.deepEqual(asked, ['silent', 'silent too', 'good']);
  });

  it('ends in its queue where nobody waits any more', async () => {
    const clock = new FakeClock();
    const turns = new Limit(1);
    const input = { onOutcome: () => undefined, turns, clock };
    const never = (): Promise<undefined> => new Promise(() => undefined);
    void askRoutes([route], { ask: never, ...input, signal });
    const abort = new AbortController();
    const late = askRoutes([route], {
      ask: () => assert.fail('it has no turn'),
      ...{ ...input, signal: abort.signal },
    });
    abort.abort();
    await assert.rejects(late, { code: 'cancelled' });
  });
});
