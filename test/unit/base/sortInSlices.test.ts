import assert from 'node:assert/strict';
import { sortInSlices } from '../../../src/base/sortInSlices';
import { NameTable } from '../../../src/model/pvTable';
import { quickSlices } from '../../support/quickSlices';

const { signal } = new AbortController();
const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `N${(at * 7919) % 9973}`);

describe('sorting in slices', () => {
  for (const count of [0, 1, 1023, 1024, 1025, 2048, 5000, 9973]) {
    it(`sorts ${count} texts as sort does, and leaves them as they are`, async () => {
      const given = texts(count);
      assert.deepEqual(await sortInSlices(given, quickSlices(), signal), texts(count).sort());
      assert.deepEqual(given, texts(count));
    });
  }

  it('rests in between, and ends when nobody waits any more', async () => {
    const slices = quickSlices();
    await sortInSlices(texts(9973), slices, signal);
    assert.ok(slices.count >= 5, `${slices.count} slices`);
    await assert.rejects(sortInSlices(texts(9973), quickSlices(), AbortSignal.abort()), {
      code: 'cancelled',
    });
  });
});

describe('a table of names', () => {
  it('is sorted the same however its names arrive', () => {
    const names = texts(5000);
    for (const step of [1, 7, 100, 5000]) {
      const table = new NameTable();
      for (let at = 0; at < names.length; at += step) {
        table.add(names.slice(at, at + step), { kind: 'pva-list' });
        table.sortMore();
        if (at % 700 === 0) void table.sorted;
      }
      assert.deepEqual(
        table.sorted.map((index) => table.name(index)),
        [...names].sort(),
      );
    }
  });
});
