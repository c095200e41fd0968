import assert from 'node:assert/strict';
import { readingOfPart, readingOfPva } from '../../../../src/services/upstream/readings';

describe('a reading of pvAccess', () => {
  for (const [secondsPastEpoch, time] of [
    [1_000_000_000n, '2001-09-09T01:46:40.000000005Z'],
    [253_402_300_799n, '9999-12-31T23:59:59.000000005Z'],
    [253_402_300_800n, undefined],
    [2n ** 62n, undefined],
    [0n, undefined],
  ] as const) {
    it(`has ${time ?? 'no time'} for ${secondsPastEpoch} s, whatever a server says`, () => {
      const timeStamp = { secondsPastEpoch, nanoseconds: 5, userTag: 0 };
      const reading = readingOfPva({ value: 1, timeStamp });
      assert.deepEqual([reading.value, reading.time], [1, time]);
    });
  }
});

describe('a reading of a part', () => {
  const structure = {
    value: new Float64Array([1.5, 2.5]),
    texts: ['a', 'b'],
    rows: [{ size: 7 }],
    image: { name: 'ubyteValue', value: new Uint8Array([8, 9]) },
    alarm: { severity: 2, status: 3, message: 'HIHI' },
  };
  const rows: [string[], unknown][] = [
    [['value[1]'], 2.5],
    [['texts[0]'], 'a'],
    [['image[1]'], 9],
    [['value[2]'], undefined],
    [['alarm', 'severity[0]'], undefined],
    [['value[x]'], undefined],
    [['alarm', 'severity'], 2],
  ];
  for (const [path, value] of rows) {
    it(path.join('/'), () => {
      const reading = readingOfPart(structure, path);
      assert.equal(reading?.value, value);
      if (reading) assert.equal(reading.severity, 'MAJOR');
    });
  }
});
