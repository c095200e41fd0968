import assert from 'node:assert/strict';
import { isErrorCode } from '../../src/base/errors';
import { CaClientCircuit, CaServerCircuit, decodeDatagram, decodeDbr } from '../../src/protocol/ca';
import { createRandom, seed } from '../support/random';
import { recordingHandler } from '../unit/protocol/ca/recordingHandler';
import { servedPvs } from '../unit/protocol/ca/servedPvs';
import { fromHex, vectorFiles } from '../unit/protocol/ca/vectors';

const FRAMES = 1_000_000;

/** Only the peer may be blamed for its bytes. */
function blamesThePeer(run: () => void): boolean {
  try {
    run();
    return false;
  } catch (error) {
    assert.ok(isErrorCode(error, 'remote-protocol'), `seed ${seed}: ${(error as Error).stack}`);
    return true;
  }
}

/** A client that has asked for everything small ids can name. */
function busyClient(): CaClientCircuit {
  const handler = recordingHandler();
  const quiet = (): void => undefined;
  for (const name of Object.keys(handler) as (keyof typeof handler)[]) {
    if (name !== 'calls') (handler as unknown as Record<string, unknown>)[name] = quiet;
  }
  handler.readDone = handler.event = (_id, eca, type, count, payload) => {
    if (eca === 1) decodeDbr(type, count, payload);
  };
  const circuit = new CaClientCircuit(handler, { peer: 'the server', maxPayloadBytes: 4096 });
  circuit.handshake({ clientName: 'operator', hostName: 'console' });
  for (let id = 0; id < 8; id++) circuit.createChannel(id, 'a');
  for (let id = 8; id < 12; id++) circuit.search(id, 'a');
  for (let id = 0; id < 8; id++) {
    circuit.receive(fromHex(`0012000000060001000000${hex8(id)}000000${hex8(id + 64)}`));
  }
  circuit.receive(fromHex('000000000000000d0000000000000000'));
  for (let id = 0; id < 128; id++) circuit.readNotify(id, id % 8, 6, 0);
  for (let id = 0; id < 128; id++) circuit.subscribe(id, id % 8, 6, 0, 1);
  circuit.takeOutput();
  return circuit;
}

function hex8(value: number): string {
  return value.toString(16).padStart(2, '0');
}

describe('Channel Access', () => {
  it(`${FRAMES} random and mutated messages do no harm (SEED=${seed})`, function () {
    this.timeout(60_000);
    const random = createRandom(seed);
    const int = (below: number): number => Math.floor(random() * below);
    const samples = (sentBy: string): Uint8Array[] =>
      vectorFiles
        .filter((file) => file.sentBy === sentBy)
        .flatMap(({ messages }) => messages.map(({ hex }) => fromHex(hex)))
        .filter(({ length }) => length <= 128);
    const fromServers = samples('server');
    const fromClients = samples('client');
    const provider = servedPvs();

    const mangle = (from: readonly Uint8Array[]): Uint8Array => {
      if (int(8) === 0) return Uint8Array.from({ length: int(64) }, () => int(256));
      const bytes = from[int(from.length)]!.slice();
      for (let changes = int(4); changes > 0; changes--) bytes[int(bytes.length)] = int(256);
      return int(16) === 0 ? bytes.slice(0, int(bytes.length)) : bytes;
    };

    let client = busyClient();
    let server = newServer();
    let ends = 0;
    function newServer(): CaServerCircuit {
      return new CaServerCircuit(provider, {
        peer: 'the client',
        port: 5064,
        onOutput: () => undefined,
      });
    }
    for (let frame = 0; frame < FRAMES / 2; frame++) {
      const toClient = mangle(fromServers);
      if (blamesThePeer(() => client.receive(toClient)) || frame % 256 === 0) {
        client = busyClient();
        ends++;
      }
      const toServer = mangle(fromClients);
      if (blamesThePeer(() => server.receive(toServer)) || frame % 256 === 0) {
        server.dispose();
        server = newServer();
        ends++;
      }
      if (frame % 16 === 0) server.takeOutput();
      if (frame % 64 === 0) blamesThePeer(() => decodeDatagram(toServer, 'the client'));
    }
    server.dispose();
    for (const pv of Object.values(provider.pvs)) assert.equal(pv.subscriberCount, 0);
    assert.ok(ends > 1000, 'the mutations reach the checks');
  });
});
