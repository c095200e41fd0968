import assert from 'node:assert/strict';
import { jsonValue } from '../../../../src/model/reading';
import { decodeDbr, encodeDbr } from '../../../../src/protocol/ca/dbrData';
import { DBR_CHAR } from '../../../../src/protocol/ca/dbrTypes';

describe('the value of a CHAR waveform', () => {
  it('is its own bytes, whatever they were read from, and an array in JSON', () => {
    const payload = Buffer.from([47, 111, 112, 116, 0, 0, 0, 0]);
    const { element, value } = decodeDbr(DBR_CHAR, 4, payload);
    payload.fill(0);
    assert.equal(JSON.stringify(value, jsonValue), '[47,111,112,116]');
    assert.deepEqual(
      [...encodeDbr(DBR_CHAR, { element, value }).subarray(0, 4)],
      [47, 111, 112, 116],
    );
  });
});
