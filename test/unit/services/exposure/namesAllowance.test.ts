import assert from 'node:assert/strict';
import {
  type ContainerNames,
  NamesAllowance,
} from '../../../../src/services/exposure/namesAllowance';

/** How many it may take until it is told why not. */
function takeAll(names: ContainerNames): { count: number; why: string } {
  for (let count = 0; ; count++) {
    const why = names.take();
    if (why !== undefined) return { count, why };
  }
}

describe('names that are kept', () => {
  it('are so many of a container, of all together, and some of each in any case', () => {
    const allowance = new NamesAllowance();
    const greedy = Array.from({ length: 3 }, () => allowance.openContainer());
    const counts = greedy.map((names) => takeAll(names));
    assert.deepEqual(
      counts.map(({ count }) => count),
      [400_000, 400_000, 260_000],
    );
    assert.match(counts[0]?.why ?? '', /its container has more than 400000/);
    assert.match(counts[2]?.why ?? '', /all containers together have more than 1000000/);
    const late = allowance.openContainer();
    assert.equal(takeAll(late).count, 20_000);
    greedy[0]?.give(400_000);
    assert.equal(takeAll(late).count, 380_000);
    late.give(400_000);
    assert.equal(takeAll(late).count, 400_000, 'what came back can be had again');
  });
});
