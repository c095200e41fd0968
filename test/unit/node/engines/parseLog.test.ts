import assert from 'node:assert/strict';
import { parseLog } from '../../../../src/node/engines/parseLog';

describe('the log of a container', () => {
  it('is what its pieces say', () => {
    const pieces = ['\u0001\0\0\0\0\0\0\u0002a\n', '\u0002\0\0\0\0\0\0\u0002b\n'];
    assert.equal(parseLog(Buffer.from(pieces.join(''))), 'a\nb\n');
  });

  it('is the text of a terminal, also where docker-modem takes it for JSON', () => {
    assert.equal(parseLog(Buffer.from('iocInit failed')), 'iocInit failed');
    assert.equal(parseLog({ level: 'error' }), '{"level":"error"}');
    assert.equal(parseLog(7), '7');
  });

  it('may be anything', () => {
    for (const bytes of [[], [1], [1, 0, 0, 0, 255, 255, 255, 255], [1, 0, 0, 0, 0, 0, 0, 0]]) {
      assert.equal(parseLog(Uint8Array.from(bytes)).replace(/[^a-z]/g, ''), '');
    }
  });
});
