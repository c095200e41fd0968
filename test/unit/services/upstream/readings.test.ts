import assert from 'node:assert/strict';
import { readingOfPva } from '../../../../src/services/upstream/readings';

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
