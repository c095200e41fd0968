/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { parseMacroDefinitions } from '../../../src/model/macroDefinitions';
import { Macros, referenceEnd } from '../../../src/model/macros';

describe('Macros', () => {
  const budget = { isStopped: false, limits: { expansionSteps: 10_000 }, spend: () => true };
  const expand = (text: string, definitions: string, unknownAs?: string): string => {
    const macros = new Macros(budget, new Map(), unknownAs === undefined ? {} : { unknownAs });
    macros.install(parseMacroDefinitions(definitions));
    return macros.expand(text).text;
  };

  // What macLib of EPICS Base 7 makes of them.
  const rows: [string, string, string][] = [
    ['$(A)${B}', 'A=1,B=2', '12'],
    ['$(A=x)$(B=y)', 'A=1', '1y'],
    ['$(A)', 'A=$(B),B=$(A)', '$(A)'],
    ['$(A$(B))', 'B=1,A1=x', 'x'],
    ['$(A,B=3)', 'A=$(B)', '3'],
    ["'$(A)'", 'A=1', "'$(A)'"],
    ['$(A)', "A='x,y'", 'x,y'],
    ['$(A=$(B=c))', '', 'c'],
  ];
  for (const [text, definitions, expected] of rows) {
    it(`${text} with ${definitions}`, () => assert.equal(expand(text, definitions), expected));
  }

  it('puts a text for what is not known for certain', () => {
    assert.equal(expand('$(A)$(B=b)$(C)', 'C=c$(D)', '*'), '**c*');
  });

  it('ends a reference where it ends', () => {
    assert.equal(referenceEnd('$(A=$(B))C', 0), 9);
    assert.equal(referenceEnd('x${A}', 1), 5);
    assert.equal(referenceEnd('$(A', 0), 3);
  });

  it('tells where a value was', () => {
    const text = 'A = x , B="y"';
    const found = parseMacroDefinitions(text).map(({ value = '', valueAt = -1 }) => [
      value,
      text.slice(valueAt, valueAt + value.length),
    ]);
    assert.deepEqual(found, [
      ['x', 'x'],
      ['"y"', '"y"'],
    ]);
  });
});
