import assert from 'node:assert/strict';
import { Limit } from '../../../src/base/limit';
import { settle } from '../../support/fakeClock';

describe('a limit of works at once', () => {
  const { signal } = new AbortController();
  let limit: Limit;
  let running: string[];
  const ends = new Map<string, (error?: Error) => void>();
  const run = (name: string, given = signal): Promise<void> =>
    limit.run(given, () => {
      running.push(name);
      return new Promise((resolve, reject) => {
        ends.set(name, (error) => {
          running = running.filter((one) => one !== name);
          if (error) reject(error);
          else resolve();
        });
      });
    });
  beforeEach(() => {
    limit = new Limit(2);
    running = [];
  });

  it('are taken by as many as may run at once, oldest first', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
    await settle();
    assert.deepEqual(running, ['a', 'b']);
    ends.get('a')?.();
    await settle();
    assert.deepEqual(running, ['b', 'c']);
    ends.get('c')?.();
    await settle();
    assert.deepEqual(running, ['b', 'd']);
    ends.get('b')?.();
    ends.get('d')?.();
    await Promise.all(all);
    // All are free again.
    void run('e');
    void run('f');
    assert.deepEqual(running, ['e', 'f']);
  });

  it('are given on by who fails, and not taken by who gave up', async () => {
    const abort = new AbortController();
    const failing = run('a');
    void run('b');
    const waiting = run('c', abort.signal);
    const last = run('d');
    abort.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
    ends.get('a')?.(new Error('failed'));
    await assert.rejects(failing, /failed/);
    await settle();
    assert.deepEqual(running, ['b', 'd']);
    ends.get('d')?.();
    await last;
  });
});
