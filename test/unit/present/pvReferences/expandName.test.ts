/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { expandName } from '../../../../src/present/pvReferences/expandName';
import type { MacroScope } from '../../../../src/present/pvReferences/pvReference';

/** Scopes from the outermost to the innermost. */
function scope(...scopes: Record<string, string>[]): MacroScope {
  return scopes.reduce<MacroScope>(
    (outer, macros) => ({
      definitions: Object.entries(macros).map(([name, value]) => ({ name, value })),
      outer,
    }),
    { definitions: [] },
  );
}

describe('expandName', () => {
  const rows: [string, Record<string, string>[], ReturnType<typeof expandName>][] = [
    ['X:Y', [], { name: 'X:Y', pattern: 'X:Y', unknown: [] }],
    ['$(P)Y', [{ P: 'X:' }], { name: 'X:Y', pattern: 'X:Y', unknown: [] }],
    ['${P}$(R)Y', [{ P: 'X:' }], { pattern: 'X:*Y', unknown: ['R'] }],
    ['$(P)$(R)Y', [], { pattern: '*Y', unknown: ['P', 'R'] }],
    ['$(P=Z:)Y', [], { name: 'Z:Y', pattern: '*Y', unknown: [] }],
    ['$(P=$(Q=W:))Y', [], { name: 'W:Y', pattern: '*Y', unknown: [] }],
    ['$(P=$(Q))Y', [], { pattern: '*Y', unknown: ['Q'] }],
    ['$(P)', [{ Q: 'W:', P: '$(Q)Z' }], { name: 'W:Z', pattern: 'W:Z', unknown: [] }],
    ['$(P)', [{ P: '$(Q)Z', Q: 'W:' }], { name: 'W:Z', pattern: 'W:Z', unknown: [] }],
    ['$(P', [], { pattern: '*', unknown: ['P'] }],
    ['$(toString)', [], { pattern: '*', unknown: ['toString'] }],
    ['$(P)$(R)', [{ P: 'A:', R: 'r' }, { P: 'B:' }], { name: 'B:r', pattern: 'B:r', unknown: [] }],
    [
      '$(P)',
      [{ P: 'A:' }, { P: '$(P)B:' }, { P: '$(P)C' }],
      { name: 'A:B:C', pattern: 'A:B:C', unknown: [] },
    ],
    ['$(P)', [{ P: '$(P)B:' }], { pattern: '*B:', unknown: ['P'] }],
    ['$(P)', [{ P: 'a"b\'\\c' }], { name: 'a"b\'\\c', pattern: 'a"b\'\\c', unknown: [] }],
  ];
  for (const [text, scopes, expected] of rows) {
    it(`${text} with ${JSON.stringify(scopes)}`, () => {
      assert.deepEqual(expandName(text, scope(...scopes)), expected);
    });
  }

  it('ends where definitions contain each other', () => {
    assert.deepEqual(expandName('$(P)', scope({ P: '$(P)' })).unknown, ['P']);
  });

  it('gives up definitions that multiply, and references that nest', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 10 }, (_, at) => [`A${at}`, `$(A${at + 1})`.repeat(100)]),
    );
    assert.equal(expandName('$(A0)', scope(doubling)).name, undefined);
    const growing = Array.from({ length: 1000 }, () => ({ P: '$(P)$(P)' }));
    assert.equal(expandName('$(P)', scope({ P: 'x' }, ...growing)).name, undefined);
    assert.equal(expandName('$('.repeat(200_000), scope()).name, undefined);
  });

  it('takes no time over as many definitions as a script has lines', () => {
    const lines = Array.from({ length: 100_000 }, (_, at) => ({ [`A${at}`]: 'x' }));
    assert.equal(expandName('$(A5)', scope(...lines)).name, 'x');
  });
});
