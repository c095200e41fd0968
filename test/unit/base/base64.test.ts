import assert from 'node:assert/strict';
import { decodeBase64, decodeDoubles, encodeBase64, encodeDoubles } from '../../../src/base/base64';

describe('base64', () => {
  it('is what Node makes of the same bytes', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) & 255);
      const text = Buffer.from(bytes).toString('base64');
      assert.equal(encodeBase64(bytes), text);
      assert.deepEqual(decodeBase64(text), bytes);
    }
  });

  it('keeps every double', () => {
    const values = Float64Array.of(0, -0, 1.1, NaN, Infinity, -1e-300);
    assert.deepEqual(decodeDoubles(encodeDoubles(values)), values);
  });
});
