import assert from 'node:assert/strict';
import { canaryLike } from '../../../../src/services/upstream/canaryName';
import { createRandom } from '../../../support/random';

describe('a name that nobody has', () => {
  const shapes: [string, RegExp][] = [
    ['SR01C-DI-EBPM-01:SA:X', /^[A-Z]{2}\d\d[A-Z]-[A-Z]{2}-[A-Z]{4}-\d\d:[A-Z]{2}:[A-Z]$/],
    ['bl01t:sum', /^[a-z]{2}\d\d[a-z]:[a-z]{3}[a-z]{4}$/],
    ['Det1:Temp.VAL', /^[A-Z][a-z]{2}\d:[A-Z][a-z]{3}\.[A-Z]{3}$/],
    ['X', /^[A-Z]{10}$/],
    ['42', /^\d\d[A-Z]{10}$/],
    ['\u00fcber:\u{1f600}', /^\u00fc[a-z]{3}:\u{1f600}[a-z]{7}$/u],
  ];
  for (const [name, shape] of shapes) {
    it(`looks like ${name}, and is another each time`, () => {
      const random = createRandom(7);
      const made = Array.from({ length: 200 }, () => canaryLike(name, random));
      for (const one of made) assert.match(one, shape);
      assert.equal(new Set(made).size, made.length);
    });
  }
});
