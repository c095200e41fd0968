import assert from 'node:assert/strict';
import { isDefining } from '../../../../src/present/pvReferences/isDefining';

describe('a line that defines a record', () => {
  for (const [line, expected] of [
    ['record(ai, "A:', true],
    ['record(ai, A:', true],
    ['grecord ( ai , "', true],
    ['  alias("OLD', true],
    ['x = "y" record(ai, "A', true],
    ['record(ai, "A") { field(INP, "B', false],
    ['record(ai) "B', false],
    ['alias("OLD", "NEW', false],
    ['field(INP, "B', false],
    ['prerecord(ai, "', false],
    ['"', false],
    ['', false],
  ] as const) {
    it(`${line} ${expected ? 'does' : 'does not'}`, () => assert.equal(isDefining(line), expected));
  }

  it('takes no time, however often it begins', () => {
    assert.equal(isDefining(`${'record('.repeat(200_000)}""`), false);
    assert.equal(isDefining(`${'record('.repeat(200_000)}"`), true);
  });

  it('is what the expression says that it replaces', () => {
    const expression = /\b(?:g?record|alias)\s*\([^")]*"?[^"]*$/;
    const parts = ['record(', 'alias (', '"', ')', 'A', ' ', ','];
    for (let seed = 0; seed < 7 ** 5; seed++) {
      let line = '';
      for (let rest = seed; rest > 0; rest = Math.floor(rest / 7)) line += parts[rest % 7];
      assert.equal(isDefining(line), expression.test(line), line);
    }
  });
});
