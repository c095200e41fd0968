import assert from 'node:assert/strict';
import { branchOf, MAX_UNGROUPED } from '../../../src/model/pvBranches';

const sorted = (names: string[]): string[] => names.sort((a, b) => (a < b ? -1 : 1));
const many = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(5, '0')}`);
const shown = (names: string[], prefix = ''): string[] => {
  const { groups, singles } = branchOf(names, prefix);
  return [
    ...groups.map((group) => `${group.prefix}* ${group.end - group.start}`),
    ...singles.map((at) => names[at] ?? ''),
  ];
};

/** Walks down every group: each name must come once, and every level must be short. */
function leaves(names: string[], prefix = ''): string[] {
  const { groups, singles } = branchOf(names, prefix);
  return [
    ...singles.map((at) => names[at] ?? ''),
    ...groups.flatMap((group) => {
      assert.ok(group.end - group.start > 1, `${group.prefix} holds one name`);
      assert.ok(group.prefix.length > prefix.length, `${group.prefix} is no longer than ${prefix}`);
      const below = leaves(names, group.prefix);
      assert.equal(below.length, group.end - group.start);
      return below;
    }),
  ];
}

describe('branchOf', () => {
  it('lists few names as they are', () => {
    const names = sorted([...many('A:', MAX_UNGROUPED - 1), 'B:X']);
    assert.deepEqual(branchOf(names, ''), { groups: [], singles: names.map((_, at) => at) });
  });

  it('groups many names at the next separator', () => {
    const names = sorted([...many('A:', 40), ...many('B-', 40), 'C.X', 'D']);
    assert.deepEqual(shown(names), ['A:* 40', 'B-* 40', 'C.X', 'D']);
    assert.deepEqual(shown(names, 'A:'), many('A:', 40));
  });

  it('goes past what all names share, and past what a group shares', () => {
    const names = sorted([
      ...many('BL01T-EA-TEST-01:STAGE:X:', 60),
      ...many('BL01T-EA-TEST-01:CAM:', 60),
    ]);
    assert.deepEqual(shown(names), ['BL01T-EA-TEST-01:CAM:* 60', 'BL01T-EA-TEST-01:STAGE:X:* 60']);
  });

  it('takes a separator at the end of a name as part of it', () => {
    const names = sorted([...many('A:', 60), 'A:', 'B:']);
    assert.deepEqual(shown(names).slice(0, 2), ['A:* 61', 'B:']);
  });

  it('groups by characters where very many names have no separator', () => {
    const names = sorted(many('BIG:', 100_000));
    assert.deepEqual(
      shown(names),
      Array.from({ length: 10 }, (_, digit) => `BIG:${digit}* 10000`),
    );
  });

  it('shows every name once, whatever the names', () => {
    const names = sorted([
      ...many('BIG', 3000),
      ...many('A:B{C}', 70),
      ...many('::', 70),
      ...many('-', 2),
      ...Array.from({ length: 600 }, (_, at) => 'x'.repeat(at + 1)),
      'é:1',
      '日本:値',
      '__proto__',
    ]);
    assert.deepEqual(sorted(leaves(names)), names);
  });

  it('knows nothing below a prefix that no name has', () => {
    assert.deepEqual(branchOf(['A:1', 'B:2'], 'Z:'), { groups: [], singles: [] });
    assert.deepEqual(branchOf([], ''), { groups: [], singles: [] });
  });

  it('looks at few of 100,000 names to list one level of them', () => {
    const names = sorted(
      Array.from({ length: 100_000 }, (_, at) => `BL${at % 97}:DEV${at % 1009}:SIG${at}`),
    );
    let looks = 0;
    const counted = new Proxy(names, {
      get(target, key, receiver): unknown {
        looks++;
        return Reflect.get(target, key, receiver);
      },
    });
    const { groups } = branchOf(counted, '');
    assert.equal(groups.length, 97);
    // Each group is found by halving: 17 names for each of 97, and some.
    assert.ok(looks < 97 * 60, `${looks} looks`);
  });
});
