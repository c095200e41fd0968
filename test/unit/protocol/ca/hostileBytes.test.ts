import assert from 'node:assert/strict';
import { isErrorCode } from '../../../../src/base/errors';
import { decodeDatagram, FrameReader } from '../../../../src/protocol/ca';
import { fromHex } from './vectors';

/** Only the peer may be blamed for its bytes. */
function blamesThePeer(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    assert.ok(isErrorCode(error, 'remote-protocol'), (error as Error).stack);
    return true;
  }
}

describe('CA bytes from hell', () => {
  it('a header that promises 4 GB costs no memory', () => {
    const reader = new FrameReader('the peer', () => 2 ** 32);
    reader.push(fromHex('0001ffff000600000000000100000000' + 'fffffff800000001'));
    assert.equal(reader.next(), false);
    reader.push(new Uint8Array(1000));
    assert.equal(reader.next(), false);
    assert.equal(reader.pendingBytes, 1024);
  });

  it('a datagram with a cut message is refused', () => {
    for (const hex of ['00', '0006001000000000000000000000000000', '00060008' + '00'.repeat(13)]) {
      assert.ok(
        blamesThePeer(() => decodeDatagram(fromHex(hex), 'the peer')),
        hex,
      );
    }
    assert.deepEqual(decodeDatagram(new Uint8Array(0), 'the peer'), []);
  });

  it('large arrays in small chunks take time in proportion to their size', () => {
    // Counts copies instead of looking at a clock: every byte may be moved a few times, not often.
    const size = 4 * 1024 * 1024;
    const header = fromHex('0001ffff00060000000000010000000000400000' + '00080000');
    const reader = new FrameReader('the peer', () => size);
    // eslint-disable-next-line @typescript-eslint/unbound-method -- put back below
    const set = Uint8Array.prototype.set;
    let copied = 0;
    Uint8Array.prototype.set = function (this: Uint8Array, from: ArrayLike<number>, at?: number) {
      copied += from.length;
      set.call(this, from, at);
    };
    try {
      reader.push(header);
      assert.equal(reader.next(), false);
      for (let at = 0; at < size; at += 1024) {
        reader.push(new Uint8Array(1024));
        assert.equal(reader.next(), at + 1024 === size);
      }
      assert.equal(reader.next(), false);
    } finally {
      Uint8Array.prototype.set = set;
    }
    assert.ok(copied < size * 4, `${copied} bytes copied for ${size}`);
  });
});
