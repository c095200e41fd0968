import assert from 'node:assert/strict';
import { CaRelayInterceptor } from '../../src/protocol/ca';
import { PvaRelayInterceptor } from '../../src/protocol/pva';
import { toHex } from '../support/hex';
import { createRandom } from '../support/random';
import { cut, frame, join, passClient, searchMessage } from '../unit/protocol/interceptedBytes';

describe('interceptors', () => {
  it('200,000 random CA messages, cut at random, arrive as they were but for the searches', () => {
    const random = createRandom(4);
    const perRound = 10_000;
    for (let round = 0; round < 20; round++) {
      const sent: Uint8Array[] = [];
      const kept: Uint8Array[] = [];
      let questionCount = 0;
      let hasVersion = false;
      for (let i = 0; i < perRound; i++) {
        const command = Math.floor(random() * 28);
        const isLarge = random() < 0.02;
        const size = 8 * Math.floor(random() * 5);
        const header = isLarge
          ? frame(command, 0xffff, 1, 0, 0, i, 0, i, 0, size, 0, 1)
          : frame(command, size, 1, 1, 0, i, 0, i);
        const bytes = join([header, new Uint8Array(size).fill(65 + (i % 26))]);
        sent.push(bytes);
        if (command === 6 && size > 0 && !isLarge) questionCount++;
        else if (command === 0 && size === 0 && !isLarge && hasVersion) continue;
        else kept.push(bytes);
        hasVersion ||= command === 0 && size === 0 && !isLarge;
      }
      let asked = 0;
      const interceptor = new CaRelayInterceptor(() => asked++);
      const chunks = cut(join(sent), random, round % 2 === 0 ? 40 : 4000);
      const out = passClient(interceptor, chunks);
      assert.ok(Buffer.from(out).equals(join(kept)), `round ${round}`);
      assert.equal(asked, questionCount);
      // The other direction, the same bytes as a server's: whole, and answers at boundaries alone.
      const answers = Buffer.concat(chunks.flatMap((chunk) => interceptor.fromServer(chunk)));
      assert.ok(answers.equals(join(sent)), `round ${round}, from the server`);
    }
  }).timeout(60_000);

  it('200,000 random pvAccess messages, cut at random, arrive as they were but for the searches', () => {
    const random = createRandom(5);
    const perRound = 10_000;
    for (let round = 0; round < 20; round++) {
      const sent: Uint8Array[] = [];
      const kept: Uint8Array[] = [];
      let questionCount = 0;
      for (let i = 0; i < perRound; i++) {
        const isLittleEndian = random() < 0.5;
        if (random() < 0.1) {
          sent.push(searchMessage([`PV:${i}`], {}, isLittleEndian));
          questionCount++;
          continue;
        }
        const isControl = random() < 0.1;
        const size = Math.floor(random() * 40);
        const message = Buffer.alloc(8 + (isControl ? 0 : size), 65 + (i % 26));
        const command = 4 + Math.floor(random() * 20);
        const segment = (random() * 4) & 3;
        const flags = (isLittleEndian ? 0 : 0x80) | (isControl ? 1 : 0) | (segment << 4);
        message.set([0xca, 2, flags, command], 0);
        if (isLittleEndian) message.writeUInt32LE(size, 4);
        else message.writeUInt32BE(size, 4);
        sent.push(message);
        kept.push(message);
      }
      let asked = 0;
      const interceptor = new PvaRelayInterceptor(() => asked++);
      const chunks = cut(join(sent), random, round % 2 === 0 ? 40 : 4000);
      const out = passClient(interceptor, chunks);
      assert.ok(Buffer.from(out).equals(join(kept)), `round ${round}`);
      assert.equal(asked, questionCount);
    }
  }).timeout(60_000);

  it('random bytes pass as they came, whatever they are', () => {
    const random = createRandom(6);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: 80 }, () => Math.floor(random() * 256));
      if (round % 2 === 0) bytes.set([0xca, 2, Math.floor(random() * 256) & 0xbf, 4], 0);
      const pva = new PvaRelayInterceptor(() => undefined);
      const ca = new CaRelayInterceptor(() => undefined);
      for (const interceptor of [pva, ca]) {
        assert.equal(toHex(passClient(interceptor, cut(bytes, random, 20))), toHex(bytes));
        const back = cut(bytes, random, 20).flatMap((chunk) => interceptor.fromServer(chunk));
        assert.equal(toHex(join(back)), toHex(bytes));
      }
    }
  });
});
