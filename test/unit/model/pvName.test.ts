/* eslint no-template-curly-in-string: off -- EPICS macros look like placeholders */
import assert from 'node:assert/strict';
import { isLongString, parsePvText, type PvName, recordNameOf } from '../../../src/model/pvName';

describe('parsePvText', () => {
  const pvs: [string, Partial<PvName>][] = [
    ['REC', {}],
    [' REC ', { name: 'REC', record: 'REC', start: 1 }],
    ['REC.DESC', { record: 'REC', field: 'DESC' }],
    ['REC.VAL$', { record: 'REC', field: 'VAL$' }],
    ['ca://REC.EGU', { protocol: 'ca', name: 'REC.EGU', record: 'REC', field: 'EGU', start: 5 }],
    ['epics://REC', { protocol: 'ca', name: 'REC', record: 'REC', start: 8 }],
    ['pva://REC', { protocol: 'pva', name: 'REC', record: 'REC', start: 6 }],
    ['EPICS\\\\REC.A', { name: 'REC.A', record: 'REC', field: 'A', start: 7 }],
    [
      'pva://REC/valueAlarm/highAlarmLimit',
      {
        ...{ protocol: 'pva', name: 'REC/valueAlarm/highAlarmLimit', record: 'REC', start: 6 },
        path: ['valueAlarm', 'highAlarmLimit'],
      },
    ],
    [
      'pva:///REC/value',
      { protocol: 'pva', name: 'REC/value', record: 'REC', start: 7, path: ['value'] },
    ],
    ['opva://REC', { protocol: 'pva', name: 'REC', record: 'REC', start: 7 }],
    ['pva:///REC', { protocol: 'pva', name: 'REC', record: 'REC', start: 7 }],
    [
      'pva://REC?request=field(value.index)',
      {
        ...{ protocol: 'pva', name: 'REC?request=field(value.index)', record: 'REC', start: 6 },
        path: ['value', 'index'],
      },
    ],
    [
      'pva://REC?request=field()',
      {
        ...{ protocol: 'pva', name: 'REC?request=field()', record: 'REC', start: 6 },
        path: ['value'],
      },
    ],
    [
      'pva://REC?request=value',
      { protocol: 'pva', name: 'REC?request=value', record: 'REC?request=value', start: 6 },
    ],
    [
      'pva://REC/value.index',
      {
        ...{ protocol: 'pva', name: 'REC/value.index', record: 'REC', start: 6 },
        path: ['value', 'index'],
      },
    ],
    [
      'pva://REC/a/value[12]',
      {
        ...{ protocol: 'pva', name: 'REC/a/value[12]', record: 'REC', start: 6 },
        path: ['a', 'value[12]'],
      },
    ],
    [
      'pva://REC[2]',
      { protocol: 'pva', name: 'REC[2]', record: 'REC', start: 6, path: ['value[2]'] },
    ],
    ['REC[2]', {}],
    ['ca:///REC', { protocol: 'ca', name: '/REC', record: '/REC', start: 5 }],
    ['ca://A/B', { protocol: 'ca', name: 'A/B', record: 'A/B', start: 5 }],
    ['REC {"longString":true}', { name: 'REC', record: 'REC', options: '{"longString":true}' }],
    ['REC.{"dbnd":{"d":1}}', { record: 'REC', filter: '{"dbnd":{"d":1}}' }],
    [
      'REC.VAL{"arr":{"s":1, "e":2}} CP',
      {
        ...{ name: 'REC.VAL{"arr":{"s":1, "e":2}}', record: 'REC', field: 'VAL' },
        ...{ filter: '{"arr":{"s":1, "e":2}}', modifiers: ['CP'] },
      },
    ],
    ['REC.VAL[1:3]', { record: 'REC', field: 'VAL', filter: '[1:3]' }],
    ['REC.A CP ms', { name: 'REC.A', record: 'REC', field: 'A', modifiers: ['CP', 'MS'] }],
    ['X{Mtr:1}Pos.RBV', { record: 'X{Mtr:1}Pos', field: 'RBV' }],
    ['$(P=a.b c)R.$(F)', { record: '$(P=a.b c)R', field: '$(F)' }],
    ['pva://${P=a/b}X', { protocol: 'pva', name: '${P=a/b}X', record: '${P=a/b}X', start: 6 }],
    ['a.b.c', {}],
    ['two words', {}],
    ['two words.DESC', {}],
    ['X.1', {}],
    ['.X', {}],
    ['REC.', { record: 'REC' }],
    ['REC.{"a', { record: 'REC', filter: '{"a' }],
  ];
  for (const [text, expected] of pvs) {
    it(text, () => {
      const plain = { kind: 'pv', name: text, record: text, start: 0, path: [], modifiers: [] };
      assert.deepEqual(parsePvText(text), { ...plain, ...expected });
    });
  }

  for (const text of ['loc://x', 'sim://sine(0,1)', 'sys://time', 'LOC\\\\$(!W)x=i:0']) {
    it(`${text} has no IOC`, () => assert.deepEqual(parsePvText(text), { kind: 'local' }));
  }
  for (const text of ['mqtt://a', 'tango://a', 'ioc://x', 'http://X']) {
    it(`${text} is of something else`, () =>
      assert.deepEqual(parsePvText(text), { kind: 'foreign' }));
  }
  it('knows no protocol by what every object has', () => {
    assert.deepEqual(parsePvText('constructor://X'), { kind: 'foreign' });
  });

  for (const text of ['=1+`A`', 'eq://1', 'formula://1', 'CALC\\\\\\{A\\}(X)', ' = 1']) {
    it(`${text} is a formula`, () => assert.deepEqual(parsePvText(text), { kind: 'formula' }));
  }
  for (const text of ['', '  ', 'pva://']) {
    it(`"${text}" is nothing`, () => assert.equal(parsePvText(text), undefined));
  }

  it('takes no time over odd texts', () => {
    for (const odd of ['$(', '.{', '.[', '$(A=', '/', '. ', '{"']) {
      parsePvText(`X${odd.repeat(200_000)}`);
      recordNameOf(`X${odd.repeat(200_000)}`);
    }
  });
});

describe('recordNameOf', () => {
  const rows: [string, string | undefined][] = [
    ['REC.DESC', 'REC'],
    ['REC.VAL$', 'REC'],
    ['REC.{"dbnd":{"d":1}}', 'REC'],
    ['REC.VAL[1:3]', 'REC'],
    ['REC', undefined],
    ['REC.', undefined],
    ['a.b.c', undefined],
    ['REC.DESC more', undefined],
    ['', undefined],
  ];
  for (const [name, record] of rows) {
    it(name, () => assert.equal(recordNameOf(name), record));
  }

  it('knows long strings', () => {
    assert.deepEqual(['R.A$', 'R.A', 'R$', 'R.A${"arr":{}}'].map(isLongString), [
      true,
      false,
      false,
      false,
    ]);
  });
});
