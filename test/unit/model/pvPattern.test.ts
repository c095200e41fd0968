import assert from 'node:assert/strict';
import { pvMatcher } from '../../../src/model/pvPattern';

/** All texts of these letters, up to that length. */
function texts(letters: readonly string[], maxLength: number): string[] {
  let last = [''];
  const all = [''];
  for (let length = 1; length <= maxLength; length++) {
    last = last.flatMap((text) => letters.map((letter) => text + letter));
    all.push(...last);
  }
  return all;
}

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
    ['*?', '', false],
    ['??', '𝄞', false],
    ['*?b', '𝄞b', true],
    ['a?*c', 'A𝄞xC', true],
  ];
  for (const [pattern, name, expected] of cases) {
    it(`${pattern} ${expected ? 'finds' : 'does not find'} ${name}`, () => {
      assert.equal(pvMatcher(pattern)(name), expected);
    });
  }

  it('takes no time for many stars', () => {
    assert.equal(pvMatcher('*'.repeat(100) + 'x')('a'.repeat(1000)), false);
  });

  // Each would take longer than anybody waits where every star is tried at every place.
  it('goes back to the last star only', () => {
    const name = 'a'.repeat(500);
    assert.equal(pvMatcher('*a*a*a*a*a*a*a*b')(name), false);
    assert.equal(pvMatcher(`${'*a'.repeat(100)}*`)(name), true);
    assert.equal(pvMatcher('*?a*?a*?a*?a*?b*')(name), false);
  });

  it('finds the same as trying everything', () => {
    const letters = ['a', 'b', '*', '?'];
    const globs = texts(letters, 5).filter((glob) => /[*?]/.test(glob));
    const names = texts(['a', 'b'], 4);
    for (const glob of globs) {
      const expression = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      const matches = pvMatcher(glob);
      for (const name of names)
        assert.equal(matches(name), expression.test(name), `${glob} ${name}`);
    }
  });
});
