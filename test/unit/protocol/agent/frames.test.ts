import assert from 'node:assert/strict';
import { RemoteProtocolError } from '../../../../src/base/errors';
import {
  FrameDecoder,
  FrameType,
  MAGIC,
  MAX_PAYLOAD_BYTES,
  decodeCredit,
  decodeOpen,
  encodeCredit,
  encodeFrame,
  encodeFrameHeader,
  encodeOpen,
} from '../../../../src/protocol/agent/frames';
import { everySplit } from '../../../support/everySplit';
import { createRandom } from '../../../support/random';

/** Collects what a decoder tells; pieces of DATA are joined, since their cuts mean nothing. */
function decode(chunks: Uint8Array[], expectsMagic = false): string[] {
  const events: string[] = [];
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const decoder = new FrameDecoder(
    {
      onData(connection, piece) {
        const head = `data ${connection} `;
        if (events.at(-1)?.startsWith(head)) events.push(`${events.pop()}${hex(piece)}`);
        else events.push(head + hex(piece));
      },
      onFrame: (type, connection, payload) =>
        events.push(`frame ${type} ${connection} ${hex(payload)}`),
    },
    expectsMagic,
  );
  for (const chunk of chunks) decoder.push(chunk);
  return events;
}

describe('agent frames', () => {
  it('are what the comment says', () => {
    assert.equal(
      Buffer.from(encodeFrame(FrameType.DATA, 0x01020304, Uint8Array.of(0xaa, 0xbb))).toString(
        'hex',
      ),
      '0501020304' + '00000002' + 'aabb',
    );
    assert.equal(Buffer.from(encodeOpen('::1', 5064)).toString('hex'), '13c8' + '3a3a31');
    assert.equal(Buffer.from(encodeCredit(0x10000)).toString('hex'), '00010000');
  });

  it('survive every cut', () => {
    const stream = Buffer.from(
      '02000000010000000613c8' +
        '3a3a3132' + // OPEN 1, six bytes
        '0500000001' +
        '00000003' +
        '010203' +
        '0600000001' +
        '00000000' + // EOF 1
        '6300000007' +
        '00000001' +
        'ff', // a type of some later version
      'hex',
    );
    const once = ['frame 2 1 13c83a3a3132', 'data 1 010203', 'frame 6 1 ', 'frame 99 7 ff'];
    everySplit(stream, (chunks, how, copies) => {
      assert.deepEqual(decode(chunks), copies === 2 ? [...once, ...once] : once, how);
    });
  });

  it('begin with the magic, however it is cut', () => {
    const stream = Buffer.concat([MAGIC, encodeFrame(FrameType.HELLO, 0, Uint8Array.of(1))]);
    everySplit(stream, (chunks, how, copies) => {
      if (copies === 1) assert.deepEqual(decode(chunks, true), ['frame 1 0 01'], how);
    });
  });

  it('blame whoever says something else first, and show it', () => {
    const said = 'OCI runtime exec failed: exec failed: "node": executable file not found';
    assert.throws(
      () => decode([Buffer.from(said)], true),
      (error) => error instanceof RemoteProtocolError && error.message.includes('executable file'),
    );
  });

  it('are not believed when they say they are huge', () => {
    const header = encodeFrameHeader(FrameType.REPORT, 1, MAX_PAYLOAD_BYTES + 1);
    assert.throws(() => decode([header]), RemoteProtocolError);
  });

  it('are not read beyond their end', () => {
    assert.throws(() => decodeOpen(Uint8Array.of(1)), RemoteProtocolError);
    assert.throws(() => decodeCredit(Uint8Array.of(1, 2, 3)), RemoteProtocolError);
    assert.deepEqual(decodeOpen(encodeOpen('127.0.0.1', 65535)), {
      host: '127.0.0.1',
      port: 65535,
    });
  });

  it('of random bytes fail in no other way', () => {
    const random = createRandom(1);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: 64 }, () => Math.floor(random() * 256));
      try {
        decode([bytes]);
      } catch (error) {
        assert.ok(error instanceof RemoteProtocolError);
      }
    }
  });
});
