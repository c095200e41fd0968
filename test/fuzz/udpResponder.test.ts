import assert from 'node:assert/strict';
import { DisposableStore } from '../../src/base/disposable';
import { type Endpoint, isLoopback } from '../../src/model/endpoint';
import { systemClock } from '../../src/node/systemClock';
import { NameService, type SearchedServer } from '../../src/services/search/nameService';
import { UdpResponder } from '../../src/services/search/udpResponder';
import { fromHex } from '../support/hex';
import { createRandom, seed } from '../support/random';

/** For THERE:1 and NONE:1. */
const CA_SEARCH =
  '0000 0000 0001 000d 0000004d 00000000' +
  '0006 0008 0005 000d 00000001 00000001 54484552453a3100' +
  '0006 0008 0005 000d 00000002 00000002 4e4f4e453a310000';
/** For THERE:1. */
const PVA_SEARCH =
  'ca0200032d000000010000008000000000000000000000000000ffff000000000000010374637001004130201007' +
  '54484552453a31';

const SERVER: SearchedServer = {
  ...{ key: 'it', label: 'it', home: 'home', isGateway: false, guid: 'ab'.repeat(12) },
  endpoint: () => ({ host: '127.0.0.9', port: 9999 }),
  directEndpoint: () => undefined,
  broadcastEndpoint: () => undefined,
  isReachable: (name) => name.startsWith('THERE:'),
  isOwn: () => false,
  reachableCount: () => 2,
  dialInside: () => Promise.reject(new Error('nobody')),
};

describe('searches by UDP', () => {
  for (const protocol of ['ca', 'pva'] as const) {
    it(`200,000 damaged ${protocol} datagrams do no harm (SEED=${seed})`, function () {
      this.timeout(60_000);
      const store = new DisposableStore();
      const logged: string[] = [];
      const parts = {
        ...{ clientName: 'test', hostName: 'here', clock: systemClock, onNote: () => undefined },
        log: (_level: unknown, _tag: unknown, message: string) => void logged.push(message),
      };
      const random = createRandom(seed);
      const good = protocol === 'ca' ? fromHex(CA_SEARCH) : fromHex(PVA_SEARCH);
      let sentBytes = 0;
      const names = store.add(new NameService(protocol, parts));
      names.setServers([SERVER]);
      const responder = store.add(
        new UdpResponder({
          ...{ ...parts, protocol, names },
          isOwnAddress: isLoopback,
        }),
      );
      const via = {
        passOn: () => undefined,
        send(reply: Uint8Array, to: Endpoint) {
          sentBytes += reply.length;
          assert.ok(to.port > 0 && to.port < 65_536, `seed ${seed}`);
        },
      };
      let receivedBytes = 0;
      for (let round = 0; round < 200_000; round++) {
        let datagram = Uint8Array.from(good);
        if (round % 4 === 0) datagram = datagram.map(() => random() * 256);
        for (let flips = random() * 4; flips > 0; flips--) {
          datagram[Math.floor(random() * datagram.length)] = random() * 256;
        }
        if (round % 3 === 0) datagram = datagram.subarray(0, random() * datagram.length);
        receivedBytes += Math.max(64, datagram.length);
        const port = 1 + Math.floor(random() * 65_535);
        responder.receive(datagram, { host: '127.0.0.1', port }, false, via);
      }
      assert.ok(sentBytes <= receivedBytes, `seed ${seed}`);
      assert.ok(responder.openCount <= 20_000);
      assert.ok(logged.length < 20, `seed ${seed}: ${logged.length} lines`);
      // And it still works, as soon as it is asked less.
      assert.doesNotThrow(() =>
        responder.receive(good, { host: '127.0.0.1', port: 9 }, false, via),
      );
      store.dispose();
    });
  }
});
