import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { CaRelayInterceptor, type CaQuestion } from '../../../src/protocol/ca';
import { PvaRelayInterceptor, type SearchRequest } from '../../../src/protocol/pva';
import { SEARCH_MUST_REPLY } from '../../../src/protocol/pva/constants';
import { readSearchResponse } from '../../../src/protocol/pva/search';
import { ByteReader } from '../../../src/protocol/bytes';
import { everySplit } from '../../support/everySplit';
import { createRandom } from '../../support/random';
import { cutFrames, fromHex, toHex, vectorFiles } from './ca/vectors';
import { cut, join, passClient, searchMessage } from './interceptedBytes';

describe('CaRelayInterceptor', () => {
  const clients = vectorFiles.filter(
    ({ sentBy, transport }) => sentBy === 'client' && transport === 'tcp',
  );
  const servers = vectorFiles.filter(
    ({ sentBy, transport }) => sentBy === 'server' && transport === 'tcp',
  );
  const isQuestion = (hex: string): boolean => hex.startsWith('0006');
  const isVersion = (hex: string): boolean => hex.startsWith('0000');

  for (const { file, messages } of clients) {
    it(`takes searches and repeated versions out of ${file}, cut anywhere`, () => {
      const all = messages.map(({ hex }) => hex);
      const bytes = fromHex(all.join(''));
      everySplit(bytes, (chunks, how, copies) => {
        const questions: CaQuestion[] = [];
        const interceptor = new CaRelayInterceptor((question) => questions.push(question));
        const expected: string[] = [];
        let hasVersion = false;
        for (const hex of Array.from({ length: copies }, () => all).flat()) {
          if (isQuestion(hex) || (isVersion(hex) && hasVersion)) continue;
          hasVersion ||= isVersion(hex);
          expected.push(hex);
        }
        assert.equal(toHex(passClient(interceptor, chunks)), expected.join(''), how);
        const asked = cutFrames([bytes]).filter(({ command }) => command === 6);
        assert.deepEqual(
          questions.slice(0, asked.length).map(({ cid, replyFlag }) => [cid, replyFlag]),
          asked.map(({ parameter2, dataType }) => [parameter2, dataType]),
          how,
        );
        assert.ok(questions.every(({ name }) => /^[\w:.-]+$/.test(name)));
      });
    });
  }

  for (const { file, messages } of servers) {
    it(`puts answers between the messages of ${file} and changes nothing else`, () => {
      const frames = messages.map(({ hex }) => hex);
      const bytes = fromHex(frames.join(''));
      const answer = '0006000013c80000' + '7f000002' + '0000002a';
      const check = (chunks: Uint8Array[], how: string): void => {
        const interceptor = new CaRelayInterceptor(() => undefined);
        const question = { cid: 42, name: 'X', replyFlag: 5, minor: 13 };
        // Before the server has said anything, in its name.
        interceptor.notFound({ ...question, replyFlag: 10 });
        assert.equal(
          toHex(interceptor.takeAnswers()),
          '000000000000000d0000000000000000' + '000e0000000a000d' + '0000002a0000002a',
        );
        const parts: Uint8Array[] = [];
        for (const chunk of chunks) {
          interceptor.found(question, '127.0.0.2', 5064);
          parts.push(
            interceptor.takeAnswers(),
            ...interceptor.fromServer(chunk).map((part) => part.slice()),
          );
        }
        parts.push(interceptor.takeAnswers());
        const out = cutFrames(parts).map((one) => JSON.stringify(one));
        const mine = JSON.stringify(cutFrames([fromHex(answer)])[0]);
        assert.equal(out.filter((one) => one === mine).length, chunks.length, how);
        const rest = cutFrames([bytes]).map((one) => JSON.stringify(one));
        const others = out.filter((one) => one !== mine);
        assert.deepEqual(others.slice(0, rest.length), rest, how);
      };
      const random = createRandom(bytes.length);
      if (bytes.length < 600) everySplit(bytes, check);
      for (let round = 0; round < 20; round++) check(cut(bytes, random, 50), `round ${round}`);
    });
  }

  it('answers NOT_FOUND as rsrv does, to who wants it', () => {
    const interceptor = new CaRelayInterceptor(() => undefined);
    interceptor.fromServer(fromHex('000000000000000d0000000000000000'));
    interceptor.notFound({ cid: 7, name: 'X', replyFlag: 5, minor: 13 });
    assert.equal(interceptor.takeAnswers().length, 0);
    interceptor.notFound({ cid: 7, name: 'X', replyFlag: 10, minor: 13 });
    assert.equal(toHex(interceptor.takeAnswers()), '000e0000000a000d0000000700000007');
  });

  it('lets a client that asks this server itself through', () => {
    const interceptor = new CaRelayInterceptor(() => assert.fail('a question'));
    const mark = '00170000000000006d61726b6d61726b';
    const search = '00060008000a000d00000001000000015800000000000000';
    const all = mark + search + '0000000000000000'.repeat(2);
    assert.equal(toHex(passClient(interceptor, [fromHex(all)])), all);
    assert.ok(interceptor.isOpen);
  });

  for (const [what, hex] of [
    ['TLS', '16030100f8010000f40303'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
    ['pvAccess', 'ca0200012200000000400000'],
    ['a payload that is not padded', '00060007000a000d0000000100000001'],
    ['a name of 10,000 bytes', `00062710000a000d0000000100000001${'58'.repeat(10_000)}`],
    ['half a header', '0006'],
  ] as const) {
    it(`passes ${what} as it came`, () => {
      everySplit(fromHex(hex), (chunks, how, copies) => {
        const interceptor = new CaRelayInterceptor(() => assert.fail('a question'));
        assert.equal(toHex(passClient(interceptor, chunks)), hex.repeat(copies), how);
      });
    });
  }

  it('does not keep back the first byte of another protocol', () => {
    const interceptor = new CaRelayInterceptor(() => undefined);
    assert.equal(toHex(join(interceptor.fromClient(Uint8Array.of(0x16)))), '16');
  });

  it('a server that says something else ends the answers, not the bytes', () => {
    const interceptor = new CaRelayInterceptor(() => undefined);
    assert.equal(toHex(join(interceptor.fromServer(fromHex('ffff')))), 'ffff');
    interceptor.found({ cid: 1, name: 'X', replyFlag: 5, minor: 13 }, '127.0.0.1', 5064);
    assert.equal(interceptor.takeAnswers().length, 0);
    assert.ok(interceptor.isOpen);
  });
});

interface PvaVectors {
  readonly fromClient: string;
  readonly fromServer?: string;
  readonly fromServerDeflated?: string;
}

const pvaFolder = path.join(import.meta.dirname, '../../vectors/pva');
const pvaVectors = readdirSync(pvaFolder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => ({
    file,
    ...(JSON.parse(readFileSync(path.join(pvaFolder, file), 'utf8')) as PvaVectors),
  }))
  .map(({ file, fromClient, fromServer, fromServerDeflated = '' }) => ({
    file,
    fromClient,
    fromServer: fromServer ?? toHex(inflateSync(Buffer.from(fromServerDeflated, 'base64'))),
  }));

describe('PvaRelayInterceptor', () => {
  for (const { file, fromClient, fromServer } of pvaVectors) {
    it(`changes nothing in ${file} but the searches for names, and answers in between`, () => {
      const isOurs = file.startsWith('epics-expose');
      const bytes = fromHex(fromClient);
      const questions: SearchRequest[] = [];
      const interceptor = new PvaRelayInterceptor((question) => questions.push(question));
      const passed = toHex(passClient(interceptor, [bytes]));
      if (isOurs) assert.ok(questions.length > 0 && passed.length < fromClient.length);
      else assert.equal(passed, fromClient);
      const random = createRandom(file.length);
      const rounds = fromServer.length > 20_000 ? 5 : 50;
      for (let round = 0; round < rounds; round++) {
        const again = new PvaRelayInterceptor(() => undefined);
        const chunks = cut(bytes, random, 60);
        assert.equal(toHex(passClient(again, chunks)), passed);
        const request = { sequenceId: 9, flags: 0, names: [] } as unknown as SearchRequest;
        const out: Uint8Array[] = [];
        const serverBytes = fromHex(fromServer);
        for (const chunk of cut(serverBytes, random, rounds < 50 ? 40_000 : 400)) {
          again.found(request, 5, 'ab'.repeat(12), '127.0.0.3', 5075);
          out.push(...again.fromServer(chunk));
        }
        out.push(again.takeAnswers());
        assert.equal(withoutAnswers(join(out)), fromServer);
      }
    });
  }

  /** The stream without the answers of the test, which must stand between messages. */
  function withoutAnswers(bytes: Uint8Array): string {
    const kept: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      const flags = bytes[at + 2]!;
      const view = new DataView(bytes.buffer, bytes.byteOffset + at);
      const size = (flags & 1) !== 0 ? 0 : view.getUint32(4, (flags & 0x80) === 0);
      const message = bytes.subarray(at, at + 8 + size);
      at += 8 + size;
      assert.equal(message[0], 0xca);
      const isAnswer = message[3] === 4 && toHex(message.subarray(8, 20)) === 'ab'.repeat(12);
      if (!isAnswer) kept.push(message);
    }
    return toHex(join(kept));
  }

  for (const isLittleEndian of [true, false]) {
    const order = isLittleEndian ? 'little' : 'big';
    it(`reads a ${order}-endian search cut anywhere, and answers in the server's order`, () => {
      everySplit(searchMessage(['A', 'B:C'], {}, isLittleEndian), (chunks, how, copies) => {
        const questions: SearchRequest[] = [];
        const interceptor = new PvaRelayInterceptor((question) => questions.push(question));
        const setOrder = isLittleEndian ? 'ca02410200000000' : 'ca02c10200000000';
        interceptor.fromServer(fromHex(setOrder));
        assert.equal(passClient(interceptor, chunks).length, 0, how);
        assert.equal(questions.length, copies);
        const question = questions[0]!;
        assert.deepEqual(question.names, [
          { id: 100, name: 'A' },
          { id: 101, name: 'B:C' },
        ]);
        const guid = '0102030405060708090a0b0c';
        for (const { id } of question.names)
          interceptor.found(question, id, guid, '127.0.0.2', 5075);
        const answer = interceptor.takeAnswers();
        assert.equal(answer[2], isLittleEndian ? 0x40 : 0xc0);
        const reader = new ByteReader(answer.subarray(8), isLittleEndian, 'answer');
        const { address, ...response } = readSearchResponse(reader);
        assert.deepEqual(response, {
          guid,
          sequenceId: 0x01020304,
          port: 5075,
          protocol: 'tcp',
          isFound: true,
          ids: [100, 101],
        });
        assert.equal(toHex(address), '00000000000000000000ffff7f000002');
      });
    });
  }

  it('says "nowhere" only to who wants to hear it', () => {
    for (const flags of [0, SEARCH_MUST_REPLY]) {
      const interceptor = new PvaRelayInterceptor((question) =>
        interceptor.notFound(question, '0'.repeat(24), '0.0.0.0', 0),
      );
      passClient(interceptor, [searchMessage(['A'], { flags })]);
      assert.equal(interceptor.takeAnswers().length > 0, flags !== 0);
    }
  });

  it('tells who searches for servers of each, if he wants to hear it', () => {
    for (const flags of [0, SEARCH_MUST_REPLY]) {
      const interceptor = new PvaRelayInterceptor((question) => {
        assert.deepEqual(question.names, []);
        for (const [guid, port] of [
          ['ab', 5075],
          ['cd', 15_075],
        ] as const) {
          interceptor.server(question, guid.repeat(12), '127.0.0.1', port);
        }
      });
      assert.equal(passClient(interceptor, [searchMessage([], { flags })]).length, 0);
      const reader = new ByteReader(interceptor.takeAnswers(), true, 'answers');
      const told: unknown[] = [];
      while (reader.remainingBytes > 0) {
        reader.skip(8);
        const { guid, port, isFound, ids } = readSearchResponse(reader);
        told.push([guid.slice(0, 2), port, isFound, ids]);
      }
      const both = [
        ['ab', 5075, false, []],
        ['cd', 15_075, false, []],
      ];
      assert.deepEqual(told, flags === 0 ? [] : both);
    }
  });

  const segmented = searchMessage(['A']);
  segmented[2] = segmented[2]! | 0x10;
  const tooManyNames = searchMessage(['A']);
  tooManyNames[39] = 200;
  for (const [what, bytes] of [
    ['a search for this server', searchMessage([], { isDirect: true })],
    ['a search for this server alone', searchMessage(['A'], { isDirect: true })],
    ['a search for TLS alone', searchMessage(['A'], { protocols: ['tls'] })],
    ['a segmented search', segmented],
    ['a search that cannot be read', tooManyNames],
    ['TLS', fromHex('16030100f8010000f40303')],
    ['Channel Access', fromHex('000000000000000d0000000000000000')],
    ['a message of the wrong direction', fromHex('ca02400300000000')],
    ['an echo with a payload', fromHex('ca02000203000000010203')],
    ['control messages', fromHex('ca02010312345678ca02810312345678')],
    ['half a header', fromHex('ca02')],
  ] as const) {
    it(`passes ${what} as it came`, () => {
      everySplit(bytes, (chunks, how, copies) => {
        const interceptor = new PvaRelayInterceptor(() => assert.fail('a question'));
        assert.equal(toHex(passClient(interceptor, chunks)), toHex(bytes).repeat(copies), how);
      });
    });
  }
});
