import assert from 'node:assert/strict';
import { decodeJson, encodeJson } from '../../../src/rpc/rpcConnection';

describe('JSON between front end and broker', () => {
  it('keeps the values of PVs that JSON has no word for', () => {
    const value = {
      a: [NaN, Infinity, -Infinity, -0.5],
      b: 12345678901234567890n,
      c: { d: -1n, e: 'NaN', f: null, g: true },
    };
    assert.deepEqual(decodeJson(encodeJson(value)), value);
  });

  it('makes typed arrays plain', () => {
    const value = { a: Float64Array.of(1.5, NaN), b: BigInt64Array.of(2n) };
    assert.deepEqual(decodeJson(encodeJson(value)), { a: [1.5, NaN], b: [2n] });
  });

  it('leaves alone what only looks like its own words', () => {
    const value = { a: { $number: 1 }, b: { $integer: 'x' }, c: { $number: 'NaN', more: 1 } };
    assert.deepEqual(decodeJson(encodeJson(value)), value);
  });

  it('refuses what is no message', () => {
    for (const text of ['1', 'null', '"x"', '{', '']) assert.throws(() => decodeJson(text));
  });
});
