import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrorCode } from '../../../src/base/errors';
import { readCaSearches, writeCaFound } from '../../../src/protocol/ca';
import { readPvaSearches, writePvaFound } from '../../../src/protocol/pva';
import { fromHex, toHex } from '../../support/hex';

/** As these clients sent it to 127.0.0.1 with EPICS_PVA_ADDR_LIST=127.0.0.1. */
const PVAPY =
  'ca0200032d000000010000008000000000000000000000000000ffff000000007fdb010374637001004130201007563a5056415059';
const P4P =
  'ca0280030000002b66696e648000000000000000000000000000000000000000b303010374637000011234567805563a503450';

function caVector(name: string): string {
  const file = join(__dirname, `../../vectors/ca/${name}.json`);
  const { messages } = JSON.parse(readFileSync(file, 'utf8')) as { messages: { hex: string }[] };
  return messages.map(({ hex }) => hex).join('');
}

const isPeersFault = (error: unknown): boolean => isErrorCode(error, 'remote-protocol');

describe('searches by UDP', () => {
  it('libca asks for several names in one datagram', () => {
    const { sequence, questions } = readCaSearches(fromHex(caVector('libca-search-udp')), 'libca');
    assert.equal(sequence, 1);
    assert.deepEqual(
      questions.map(({ cid, name }) => [cid, name]),
      [
        [1, 'V:DOUBLE'],
        [2, 'V:ABSENT'],
      ],
    );
  });

  it('the answer is what rsrv says, except for the address', () => {
    const rsrv = caVector('rsrv-search-reply-udp');
    const found = [{ cid: 3, host: '127.0.0.2', port: 17064 }];
    assert.equal(toHex(writeCaFound(7, found)), rsrv.replace('ffffffff', '7f000002'));
  });

  it('a client that does not count its datagrams is not counted for', () => {
    const caproto =
      '000000000000000d0000000000000000' +
      '000600100005000d0000f1090000f109563a434150524f544f00000000000000';
    const { sequence, questions } = readCaSearches(fromHex(caproto), 'caproto');
    assert.equal(sequence, undefined);
    assert.deepEqual(questions[0]?.name, 'V:CAPROTO');
    assert.equal(toHex(writeCaFound(undefined, [])), '000000000000000d0000000000000000');
  });

  it('pvAccessCPP and PVXS ask in their own byte orders and are answered in them', () => {
    const pvaPy = readPvaSearches(fromHex(PVAPY), 'pvaPy');
    assert.deepEqual(pvaPy, [
      {
        ...{ sequenceId: 1, isLittleEndian: true, mustReply: false, replyPort: 0xdb7f },
        names: [{ id: 0x10203041, name: 'V:PVAPY' }],
      },
    ]);
    const p4p = readPvaSearches(fromHex(P4P), 'p4p');
    assert.deepEqual(p4p, [
      {
        ...{ sequenceId: 0x66696e64, isLittleEndian: false, mustReply: false, replyPort: 0xb303 },
        names: [{ id: 0x12345678, name: 'V:P4P' }],
      },
    ]);
    const guid = '0102030405060708090a0b0c';
    const found = [{ guid, host: '127.0.0.2', port: 5075, ids: [0x12345678] }];
    const address = '00000000000000000000ffff7f000002';
    assert.equal(
      toHex(writePvaFound(p4p[0]!, found)),
      `ca02c004 0000002d ${guid} 66696e64 ${address} 13d3 03746370 01 0001 12345678`.replace(
        / /g,
        '',
      ),
    );
    assert.equal(
      toHex(writePvaFound({ sequenceId: 1, isLittleEndian: true }, found)),
      `ca024004 2d000000 ${guid} 01000000 ${address} d313 03746370 01 0100 78563412`.replace(
        / /g,
        '',
      ),
    );
  });

  it('a search that pvAccessCPP passes on comes after an ORIGIN_TAG', () => {
    const tag = `ca02001610000000${'00'.repeat(10)}ffff7f000001`;
    const [search] = readPvaSearches(fromHex(tag + PVAPY), 'pvaPy');
    assert.equal(search?.names[0]?.name, 'V:PVAPY');
  });

  it('what is cut or something else is the fault of who sent it', () => {
    for (const whole of [PVAPY, P4P]) {
      for (let length = 2; length < whole.length; length += 2) {
        const cut = fromHex(whole.slice(0, length));
        assert.throws(() => readPvaSearches(cut, 'the peer'), isPeersFault);
      }
    }
    const libca = caVector('libca-search-udp');
    const ends = [0, 32, 96, 160];
    for (let length = 2; length < libca.length; length += 2) {
      if (ends.includes(length)) continue;
      const cut = fromHex(libca.slice(0, length));
      assert.throws(() => readCaSearches(cut, 'the peer'), isPeersFault);
    }
  });
});
