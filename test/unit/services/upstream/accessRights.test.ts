import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { isErrorCode } from '../../../../src/base/errors';
import { silentLog } from '../../../../src/base/log';
import { NameTable } from '../../../../src/model/pvTable';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import {
  type CaServerMessage,
  encodeServerMessage,
  FrameWriter,
} from '../../../../src/protocol/ca';
import { createReachability } from '../../../../src/services/upstream/createReachability';
import type { Reachability } from '../../../../src/services/upstream/reachability';
import { SharedCircuit } from '../../../../src/services/upstream/sharedCircuit';
import { FakeClock, settle } from '../../../support/fakeClock';
import { fromHex } from '../../../support/hex';

describe('access rights', () => {
  const clock = new FakeClock();
  let server: Duplex;
  let reachability: Reachability;

  /** A server that does only what the test says, after the handshake. */
  async function hold(protocol: 'ca' | 'pva', names: readonly string[]): Promise<void> {
    const table = new NameTable();
    table.add(names, { kind: 'database', file: '/x.db', line: 1 });
    reachability = createReachability(protocol, {
      names: table,
      dial: () => {
        const [client, other] = duplexPair();
        client.pause();
        server = other;
        server.on('error', () => undefined).resume();
        return Promise.resolve(client);
      },
      onCircuitLost: () => undefined,
      ...{ isGateway: false, clientName: 'ann', hostName: 'desk', clock, log: silentLog },
    });
    await settle();
  }

  async function say(...messages: CaServerMessage[]): Promise<void> {
    const writer = new FrameWriter();
    for (const message of messages) encodeServerMessage(writer, message);
    server.write(writer.take());
    await settle();
  }

  const rights = (cid: number, isReadable: boolean): CaServerMessage => {
    return { command: 'ACCESS_RIGHTS', cid, isReadable, isWritable: false };
  };
  const created = (cid: number): CaServerMessage => {
    return { command: 'CREATE_CHAN', cid, sid: cid, nativeType: 6, count: 1 };
  };
  const steps = (): string[] =>
    Array.from({ length: reachability.steps.size }, (_, index) => reachability.steps.get(index));

  afterEach(() => {
    reachability.dispose();
    server.destroy();
  });

  it('a channel that may not be read is not reachable, before and after its rights change', async () => {
    await hold('ca', ['OPEN', 'SECRET', 'NO:RIGHTS:TOLD']);
    await say({ command: 'VERSION', minor: 10, sequence: undefined }, { command: 'ECHO' });
    await say(rights(1, true), created(1), rights(2, false), created(2), created(3));
    assert.deepEqual(steps(), ['reachable', 'no-read-access', 'reachable']);
    let changes = 0;
    reachability.onDidChange(() => changes++);
    await say(rights(2, true), rights(1, false));
    assert.deepEqual(steps(), ['no-read-access', 'reachable', 'reachable']);
    assert.equal(changes, 1, 'told once for both');
    assert.equal(reachability.steps.count('reachable'), 2);
  });

  it('rights that come before a channel that is then refused leave nothing behind', async () => {
    await hold('ca', ['GONE']);
    await say({ command: 'VERSION', minor: 10, sequence: undefined }, { command: 'ECHO' });
    await say(rights(1, false), { command: 'CREATE_CH_FAIL', cid: 1 });
    assert.deepEqual(steps(), ['not-found']);
    await say(rights(1, true));
    assert.deepEqual(steps(), ['not-found']);
  });

  it('the end of the circuit ends what was known of them', async () => {
    await hold('ca', ['SECRET']);
    await say({ command: 'VERSION', minor: 10, sequence: undefined }, { command: 'ECHO' });
    await say(rights(1, false), created(1));
    assert.deepEqual(steps(), ['no-read-access']);
    server.destroy();
    await settle();
    assert.deepEqual(steps(), ['disconnected']);
  });

  it('what a read has shown counts for a channel only', async () => {
    await hold('ca', ['ONE', 'TWO']);
    await say({ command: 'VERSION', minor: 10, sequence: undefined }, { command: 'ECHO' });
    await say(created(1));
    reachability.noteRead(0, false);
    reachability.noteRead(1, false);
    assert.deepEqual(steps(), ['no-read-access', 'pending']);
    reachability.noteRead(0, true);
    assert.deepEqual(steps(), ['reachable', 'pending']);
  });
});

describe('a read that a pvAccess server refuses', () => {
  /** A frame of a little endian server. */
  function frame(command: number, payload: string): Uint8Array {
    const bytes = fromHex(payload);
    return Uint8Array.of(0xca, 2, 0x40, command, bytes.length, 0, 0, 0, ...bytes);
  }
  const handshake = [
    frame(1, '00000100 ff7f 01 09616e6f6e796d6f7573'),
    frame(9, 'ff'),
    frame(2, ''),
    frame(7, '00000000 01000000 ff'),
  ];
  const ready = frame(10, '01000000 08 ff 8000 01 0161 22');
  /** An error with that text: of the beginning of the get (08), or of the get itself (00). */
  const refusal = (subcommand: string, text: string): Uint8Array => {
    const length = text.length.toString(16).padStart(2, '0');
    const hex = Buffer.from(text).toString('hex');
    return frame(10, `01000000 ${subcommand} 02 ${length}${hex} 00`);
  };
  const read = async (frames: readonly Uint8Array[]): Promise<unknown> => {
    const [client, server] = duplexPair();
    client.pause();
    server.on('error', () => undefined).resume();
    for (const one of [...handshake, ...frames]) server.write(one);
    const circuit = new SharedCircuit({
      protocol: 'pva',
      dial: () => Promise.resolve(client),
      identity: { clientName: 'ann', hostName: 'desk' },
      clock: new FakeClock(),
    });
    return circuit.read('PV', new AbortController().signal).catch((error: unknown) => error);
  };

  for (const [when, frames] of [
    ['at its beginning', [refusal('08', 'Get not permitted')]],
    ['at the end', [ready, refusal('00', 'Read access DENIED')]],
  ] as const) {
    it(`for its access security, ${when}, is told with its words and for whom`, async () => {
      const error = await read(frames);
      assert.ok(isErrorCode(error, 'no-read-access'), String(error));
      assert.match(String(error), /denies reading to user ann on host desk: (Get|Read)/);
    });
  }

  it('for another reason is no denial', async () => {
    const error = await read([ready, refusal('00', 'disconnected')]);
    assert.ok(isErrorCode(error, 'remote-protocol'), String(error));
  });
});
