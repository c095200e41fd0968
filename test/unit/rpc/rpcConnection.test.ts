import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { CoreClient } from '../../../src/rpc/coreClient';
import { decodeJson, encodeJson } from '../../../src/rpc/rpcConnection';
import { systemClock } from '../../../src/node/systemClock';

describe('a connection to a broker that was killed', () => {
  it('is told as its end, once, and a request under way fails', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', note);
    try {
      const stream = new Duplex({
        read: () => undefined,
        write: (_bytes, _encoding, done) => done(new Error('write EPIPE')),
      });
      const ends: string[] = [];
      const client = new CoreClient(stream, systemClock, {
        onSnapshot: () => undefined,
        onUpdate: () => undefined,
        onFollowed: () => undefined,
        onEnd: (reason) => void ends.push(reason),
      });
      const { signal } = new AbortController();
      await assert.rejects(client.ask('listRequests', {}, signal), { code: 'transport' });
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual([ends, unhandled], [['write EPIPE'], []]);
    } finally {
      process.off('unhandledRejection', note);
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });
});

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
