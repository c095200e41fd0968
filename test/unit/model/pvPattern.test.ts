import assert from 'node:assert/strict';
import { pvMatcher } from '../../../src/model/pvPattern';

describe('pvMatcher', () => {
  const cases: [string | undefined, string, boolean][] = [
    [undefined, 'A:B', true],
    ['', 'A:B', true],
    ['a:*', 'A:B', true],
    ['*b', 'A:B', true],
    ['a*', 'BA', false],
    ['A:?', 'A:BC', false],
    ['A:?', 'A:日', true],
    ['b', 'A:BC', true],
    ['[a].', 'x[A].y', true],
    ['(a*', '(anything', true],
    ['$(P)*', '$(P)X', true],
    ['a.c*', 'abc', false],
  ];
  for (const [pattern, name, expected] of cases) {
    it(`${pattern} ${expected ? 'finds' : 'does not find'} ${name}`, () => {
      assert.equal(pvMatcher(pattern)(name), expected);
    });
  }

  it('takes no time for many stars', () => {
    assert.equal(pvMatcher('*'.repeat(100) + 'x')('a'.repeat(1000)), false);
  });
});
