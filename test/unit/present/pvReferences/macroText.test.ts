/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { expandName } from '../../../../src/present/pvReferences/macroText';

describe('expandName', () => {
  const rows: [string, Record<string, string>, ReturnType<typeof expandName>][] = [
    ['X:Y', {}, { name: 'X:Y', pattern: 'X:Y', unknown: [] }],
    ['$(P)Y', { P: 'X:' }, { name: 'X:Y', pattern: 'X:Y', unknown: [] }],
    ['${P}$(R)Y', { P: 'X:' }, { pattern: 'X:*Y', unknown: ['R'] }],
    ['$(P)$(R)Y', {}, { pattern: '*Y', unknown: ['P', 'R'] }],
    ['$(P=Z:)Y', {}, { name: 'Z:Y', pattern: '*Y', unknown: [] }],
    ['$(P=$(Q=W:))Y', {}, { name: 'W:Y', pattern: '*Y', unknown: [] }],
    ['$(P=$(Q))Y', {}, { pattern: '*Y', unknown: ['Q'] }],
    ['$(P)', { P: '$(Q)Z', Q: 'W:' }, { name: 'W:Z', pattern: 'W:Z', unknown: [] }],
    ['$(P', {}, { name: '$(P', pattern: '$(P', unknown: [] }],
    ['$(toString)', {}, { pattern: '*', unknown: ['toString'] }],
  ];
  for (const [text, macros, expected] of rows) {
    it(`${text} with ${JSON.stringify(macros)}`, () => {
      assert.deepEqual(expandName(text, macros), expected);
    });
  }

  it('ends where definitions contain each other', () => {
    assert.deepEqual(expandName('$(P)', { P: '$(P)' }).unknown, ['P']);
  });

  it('gives up definitions that multiply, and references that nest', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`A${at}`, `$(A${at + 1})`.repeat(100)]),
    );
    assert.equal(expandName('$(A0)', doubling).name, undefined);
    assert.equal(expandName('$('.repeat(200_000), {}).unknown.length, 0);
  });
});
