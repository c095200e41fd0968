import assert from 'node:assert/strict';
import { isErrorCode } from '../../../../src/base/errors';
import {
  CaClientCircuit,
  CA_ADDRESS_OF_CIRCUIT,
  DBR_DOUBLE,
  Eca,
  encodeServerMessage,
  FrameWriter,
  identifyCaServer,
  searchReplyHost,
  type CaServerMessage,
} from '../../../../src/protocol/ca';
import { recordingHandler } from './recordingHandler';
import { findings, fromHex, toHex } from './vectors';

const about = { payloadBytes: 0, dataType: DBR_DOUBLE, count: 1 };

function bytesOf(...messages: CaServerMessage[]): Uint8Array {
  const writer = new FrameWriter();
  for (const message of messages) encodeServerMessage(writer, message);
  return writer.take();
}

const version: CaServerMessage = { command: 'VERSION', minor: 13, sequence: undefined };
const value = (extra: Partial<CaServerMessage & { command: 'READ_NOTIFY' }>): CaServerMessage => ({
  command: 'READ_NOTIFY',
  dbrType: DBR_DOUBLE,
  count: 1,
  eca: Eca.ECA_NORMAL,
  ioid: 0,
  payload: new Uint8Array(8),
  ...extra,
});

/** A circuit with channel 0 (sid 70) connected, one read and one subscription under way. */
function connected(options: { maxPayloadBytes?: number } = {}) {
  const handler = recordingHandler();
  const circuit = new CaClientCircuit(handler, { peer: 'the server', ...options });
  circuit.handshake({ clientName: 'operator', hostName: 'console' });
  circuit.createChannel(0, 'a');
  circuit.receive(
    bytesOf(version, { command: 'CREATE_CHAN', cid: 0, sid: 70, nativeType: 6, count: 1 }),
  );
  circuit.readNotify(0, 0, DBR_DOUBLE, 1);
  circuit.subscribe(0, 0, DBR_DOUBLE, 1, 1);
  circuit.takeOutput();
  handler.calls.length = 0;
  return { handler, circuit };
}

describe('CaClientCircuit', () => {
  describe('ends the circuit for', () => {
    const illegal: Record<string, Uint8Array> = {
      'a value shorter than its count': bytesOf(value({ count: 2 })),
      'a value whose count is a lie of 4 thousand million': bytesOf(value({ count: 0xffffffff })),
      'a structured value without its structure': bytesOf(value({ dbrType: 34 })),
      'a string array cut short': bytesOf(value({ dbrType: 0, count: 2 })),
      'an empty single string': bytesOf(value({ dbrType: 0, payload: new Uint8Array(0) })),
      'a DBR type that does not exist': bytesOf(value({ dbrType: 39 })),
      'a DBR type that is for put only': bytesOf(value({ dbrType: 35 })),
      'a payload that is not padded to 8': fromHex('000f0009000600010000000100000000'),
      'an extended payload that is not padded': fromHex(
        '000fffff0006000000000001000000000000000900000001',
      ),
    };
    for (const [what, bytes] of Object.entries(illegal)) {
      it(what, () => {
        const { circuit, handler } = connected();
        assert.throws(
          () => circuit.receive(bytes),
          (error) => isErrorCode(error, 'remote-protocol') && /the server/.test(String(error)),
        );
        circuit.receive(bytesOf({ command: 'ECHO' }));
        assert.deepEqual(handler.calls, [], 'nothing is heard after the end');
      });
    }

    it('a peer that does not begin like a CA server', () => {
      const circuit = new CaClientCircuit(recordingHandler(), { peer: 'the server' });
      assert.throws(
        () =>
          circuit.receive(Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'.padEnd(4000))),
        (error) => isErrorCode(error, 'remote-protocol'),
      );
    });
  });

  describe('ignores, and says so,', () => {
    const stray: Record<string, CaServerMessage> = {
      'a value for a read nobody asked for': value({ ioid: 9 }),
      'an event of no subscription': {
        command: 'EVENT_ADD',
        dbrType: DBR_DOUBLE,
        count: 1,
        eca: 1,
        subscriptionId: 9,
        payload: new Uint8Array(8),
      },
      'access rights of an unknown cid': {
        command: 'ACCESS_RIGHTS',
        cid: 9,
        isReadable: true,
        isWritable: true,
      },
      'a search reply nobody asked for': {
        command: 'SEARCH',
        cid: 0,
        port: 1,
        address: 1,
        minor: undefined,
      },
      'NOT_FOUND about nothing': { command: 'NOT_FOUND', cid: 3_000_000, replyFlag: 10, minor: 13 },
      'a failed create of an unknown cid': { command: 'CREATE_CH_FAIL', cid: 9 },
      'the end of an unknown channel': { command: 'SERVER_DISCONN', cid: 0xffffffff },
      'a clear that was not asked for': { command: 'CLEAR_CHANNEL', sid: 70, cid: 0 },
      'a second create reply': { command: 'CREATE_CHAN', cid: 0, sid: 71, nativeType: 6, count: 1 },
    };
    for (const [what, message] of Object.entries(stray)) {
      it(what, () => {
        const { circuit, handler } = connected();
        circuit.receive(bytesOf(message, { command: 'ECHO' }));
        assert.deepEqual(
          handler.calls.map(([name]) => name),
          ['ignored', 'echo'],
        );
        assert.equal(circuit.outputBytes, 0);
      });
    }

    it('a command of a later revision', () => {
      const { circuit, handler } = connected();
      circuit.receive(fromHex('00400008000000000000000000000000' + '0102030405060708'));
      assert.deepEqual(handler.calls, [['ignored', 'command 64 from the server']]);
    });
  });

  it('clears a channel that the server made without being asked', () => {
    const { circuit } = connected();
    circuit.receive(bytesOf({ command: 'CREATE_CHAN', cid: 5, sid: 9, nativeType: 6, count: 1 }));
    assert.equal(toHex(circuit.takeOutput()), '000c0000000000000000000900000005');
  });

  it('refuses our own mistakes', () => {
    const { circuit } = connected();
    const fresh = new CaClientCircuit(recordingHandler(), { peer: 'the server' });
    const mistakes: (() => unknown)[] = [
      () => circuit.handshake({ clientName: 'again', hostName: '' }),
      () => circuit.createChannel(0, 'in use'),
      () => circuit.createChannel(-1, 'a'),
      () => circuit.createChannel(1e9, 'a'),
      () => circuit.createChannel(1, ''),
      () => circuit.createChannel(1, 'a\0b'),
      () => circuit.search(1, 'é\0'),
      () => circuit.readNotify(0, 0, DBR_DOUBLE, 1),
      () => circuit.readNotify(1, 1, DBR_DOUBLE, 1),
      () => circuit.readNotify(1, 0, 35, 1),
      () => circuit.subscribe(0, 0, DBR_DOUBLE, 1, 1),
      () => circuit.cancelSubscription(3),
      () => circuit.clearChannel(3),
      () => fresh.search(0, 'a'),
      () => fresh.echo(),
    ];
    for (const mistake of mistakes) {
      assert.throws(mistake, (error) => isErrorCode(error, 'local-protocol'), String(mistake));
    }
    assert.equal(circuit.outputBytes, 0);
  });

  it('asks old servers nothing they cannot understand', () => {
    const circuit = new CaClientCircuit(recordingHandler(), { peer: 'the server' });
    circuit.handshake({ clientName: 'operator', hostName: 'console' });
    circuit.createChannel(0, 'a');
    circuit.receive(
      bytesOf(
        { command: 'VERSION', minor: 8, sequence: undefined },
        { command: 'CREATE_CHAN', cid: 0, sid: 1, nativeType: 6, count: 1 },
      ),
    );
    assert.equal(circuit.canSearch, false);
    assert.equal(circuit.canAskForAllElements, false);
    for (const count of [0, 0xffff]) {
      assert.throws(
        () => circuit.readNotify(0, 0, DBR_DOUBLE, count),
        (error) => isErrorCode(error, 'local-protocol'),
      );
    }
    circuit.readNotify(0, 0, DBR_DOUBLE, 0xfffe);
  });

  it('drops an array above the cap unseen, and goes on', () => {
    const { circuit, handler } = connected({ maxPayloadBytes: 1024 });
    const large = bytesOf(
      value({ count: 1000, payload: new Uint8Array(8000) }),
      {
        command: 'EVENT_ADD',
        dbrType: DBR_DOUBLE,
        count: 1000,
        eca: 1,
        subscriptionId: 0,
        payload: new Uint8Array(80_000),
      },
      { command: 'ECHO' },
    );
    for (let at = 0; at < large.length; at += 999) circuit.receive(large.slice(at, at + 999));
    assert.deepEqual(handler.calls, [
      ['readDone', 0, Eca.ECA_TOLARGE, DBR_DOUBLE, 1000, new Uint8Array(0)],
      ['event', 0, Eca.ECA_TOLARGE, DBR_DOUBLE, 1000, new Uint8Array(0)],
      ['echo'],
    ]);
  });

  it('takes an error about a read, a subscription or a create for its answer', () => {
    const { circuit, handler } = connected();
    circuit.createChannel(1, 'b');
    const error = (command: number, parameter1: number, parameter2: number, eca: number) =>
      bytesOf({
        command: 'ERROR',
        cid: 0,
        eca,
        about: { ...about, command, parameter1, parameter2 },
        text: 'no',
      });
    circuit.receive(error(15, 70, 0, Eca.ECA_INTERNAL));
    circuit.receive(error(1, 70, 0, Eca.ECA_TOLARGE));
    circuit.receive(error(18, 1, 13, Eca.ECA_ALLOCMEM));
    circuit.receive(error(4, 70, 0, Eca.ECA_NOWTACCESS));
    assert.deepEqual(handler.calls, [
      ['readDone', 0, Eca.ECA_INTERNAL, DBR_DOUBLE, 1, new Uint8Array(0)],
      ['event', 0, Eca.ECA_TOLARGE, DBR_DOUBLE, 1, new Uint8Array(0)],
      ['channelFailed', 1],
      ['serverError', Eca.ECA_NOWTACCESS, 4, 'no'],
    ]);
    circuit.cancelSubscription(0);
  });

  it('frees a subscription that a CAJ server refuses, whose cancel would end the circuit', () => {
    const { circuit } = connected();
    circuit.receive(
      bytesOf({
        command: 'ERROR',
        cid: 0,
        eca: Eca.ECA_BADCOUNT,
        about: { ...about, command: 1, parameter1: 70, parameter2: 0 },
        text: 'add event request',
      }),
    );
    circuit.subscribe(0, 0, DBR_DOUBLE, 1, 1);
  });

  it('learns that a CAJ server refuses count 0 although it says minor 13', () => {
    const { circuit, handler } = connected();
    assert.equal(circuit.canAskForAllElements, true);
    circuit.receive(bytesOf(value({ count: 0, eca: Eca.ECA_BADCOUNT })));
    assert.equal(circuit.canAskForAllElements, false);
    assert.deepEqual(handler.calls, [
      ['readDone', 0, Eca.ECA_BADCOUNT, DBR_DOUBLE, 0, new Uint8Array(0)],
    ]);
  });

  it('sends no cancel for a channel that is gone, even when its cid has come back', () => {
    const { circuit, handler } = connected();
    circuit.receive(bytesOf({ command: 'SERVER_DISCONN', cid: 0 }));
    assert.deepEqual(handler.calls, [['channelLost', 0]]);
    circuit.createChannel(0, 'a');
    circuit.receive(bytesOf({ command: 'CREATE_CHAN', cid: 0, sid: 71, nativeType: 6, count: 1 }));
    circuit.takeOutput();
    assert.equal(circuit.cancelSubscription(0), false);
    assert.equal(circuit.outputBytes, 0);
    circuit.subscribe(0, 0, DBR_DOUBLE, 1, 1);
  });

  it('drops events that cross its cancel on the wire', () => {
    const { circuit, handler } = connected();
    circuit.cancelSubscription(0);
    const event = {
      command: 'EVENT_ADD',
      dbrType: DBR_DOUBLE,
      count: 1,
      eca: 1,
      subscriptionId: 0,
      payload: new Uint8Array(8),
    } as const;
    circuit.receive(bytesOf(event, { ...event, eca: 70, payload: new Uint8Array(0) }));
    assert.deepEqual(handler.calls, [['subscriptionCancelled', 0]]);
  });

  it('reads the address in a search reply', () => {
    assert.equal(searchReplyHost(CA_ADDRESS_OF_CIRCUIT), undefined);
    assert.equal(searchReplyHost(0), undefined);
    assert.equal(searchReplyHost(0xc0a80102), '192.168.1.2');
  });

  describe('identifyCaServer', () => {
    for (const implementation of ['rsrv', 'pcas', 'caproto', 'caj'] as const) {
      it(`knows ${implementation} by its bytes`, () => {
        const seen = findings[implementation];
        const circuit = new CaClientCircuit(recordingHandler(), { peer: 'the server' });
        if (seen.unprompted) circuit.receive(fromHex(seen.unprompted));
        circuit.handshake({ clientName: 'operator', hostName: 'console' });
        circuit.echoMirror();
        circuit.search(0, 'V:DOUBLE');
        circuit.takeOutput();
        circuit.receive(fromHex(seen.afterVersion));
        // The capture sent other numbers in its echo.
        const echo = seen.oddEcho.replace('65706963', '6d61726b');
        circuit.receive(fromHex(echo));
        if (circuit.observations.isVersionNumbered === false) {
          circuit.versionAgain();
          circuit.receive(fromHex(seen.afterVersion + echo));
        }
        circuit.receive(fromHex(seen.found));
        assert.equal(identifyCaServer(circuit.observations), implementation);
      });
    }

    it('says unknown rather than guess', () => {
      assert.equal(identifyCaServer({}), 'unknown');
      assert.equal(identifyCaServer({ searchPort: 0 }), 'unknown', 'one sign is not enough');
      assert.equal(
        identifyCaServer({ isVersionUnprompted: true, isEchoMirrored: true }),
        'unknown',
        'rsrv or PCAS',
      );
      assert.equal(
        identifyCaServer({ isVersionUnprompted: true, isEchoMirrored: false, searchPort: 5064 }),
        'unknown',
        'nobody we know',
      );
    });
  });
});
