import assert from 'node:assert/strict';
import { FairQueue } from '../../../../src/services/upstream/fairQueue';

describe('FairQueue', () => {
  const takeAll = (queue: FairQueue<string>): string[] =>
    Array.from({ length: queue.size }, () => queue.shift() ?? '');

  it('gives each client its turn, whoever has how many', () => {
    const queue = new FairQueue<string>(100, 100);
    for (let at = 0; at < 4; at++) queue.push('flood', `f${at}`);
    for (let at = 0; at < 2; at++) queue.push('late', `l${at}`);
    queue.push(undefined, 'nobody');
    assert.equal(queue.peek(), 'f0');
    queue.pushFirst('first');
    assert.equal(queue.peek(), 'first');
    assert.deepEqual(takeAll(queue), ['first', 'f0', 'l0', 'nobody', 'f1', 'l1', 'f2', 'f3']);
    assert.deepEqual([queue.size, queue.shift(), queue.peek()], [0, undefined, undefined]);
  });

  it('keeps its order however many come and go', () => {
    const queue = new FairQueue<number>(10_000, 10_000);
    const taken: (number | undefined)[] = [];
    for (let at = 0; at < 10_000; at++) {
      queue.push('one', at);
      if (at % 3 > 0) taken.push(queue.shift());
    }
    while (queue.size > 0) taken.push(queue.shift());
    assert.deepEqual(
      taken,
      Array.from({ length: 10_000 }, (_, at) => at),
    );
  });

  it('has room for so many of one client, and of all', () => {
    const queue = new FairQueue<string>(2, 3);
    assert.deepEqual(
      ['a', 'a', 'a', 'b', 'c'].map((client) => queue.push(client, client)),
      [true, true, false, true, false],
    );
    queue.shift();
    assert.equal(queue.push('c', 'c'), true);
  });

  it('takes what is over, of every client, and keeps the rest in its order', () => {
    const queue = new FairQueue<string>(100, 100);
    for (const item of ['over 1', 'over 2', 'not']) queue.push('a', item);
    for (const item of ['over 3', 'over 4']) queue.push('b', item);
    queue.pushFirst('over 0');
    const over = queue.takeWhile((item) => item.startsWith('over'));
    assert.deepEqual(over, ['over 0', 'over 1', 'over 2', 'over 3', 'over 4']);
    assert.deepEqual(takeAll(queue), ['not']);
    queue.push('b', 'again');
    assert.deepEqual(takeAll(queue), ['again']);
  });
});
