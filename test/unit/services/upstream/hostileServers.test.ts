/** What a server that breaks the rules, or one of its PVs, must not do to others. */
import assert from 'node:assert/strict';
import { duplexPair } from '../../../../src/node/relay/duplexPair';
import type { DbrData } from '../../../../src/protocol/ca';
import { CaAdapter } from '../../../../src/services/upstream/caAdapter';
import { ProtocolLink } from '../../../../src/services/upstream/protocolLink';
import { readingOfCa } from '../../../../src/services/upstream/readings';
import { SharedCircuit } from '../../../../src/services/upstream/sharedCircuit';
import type { Connection } from '../../../../src/services/host/connection';
import { FakeClock, settle } from '../../../support/fakeClock';

const identity = { clientName: 'test', hostName: 'here' };
const VERSION = 0;
const EVENT_ADD = 1;
const ERROR = 11;
const READ_NOTIFY = 15;
const CREATE_CHAN = 18;
const ACCESS_RIGHTS = 22;
const ECHO = 23;
const ECA_BADCOUNT = 176;
const TIME_DOUBLE = 20;

interface Header {
  type?: number;
  count?: number;
  p1?: number;
  p2?: number;
  payload?: Buffer;
}

function message(
  command: number,
  { type = 0, count = 0, p1 = 0, p2 = 0, payload }: Header,
): Buffer {
  const bytes = Buffer.alloc(16 + (payload?.length ?? 0));
  bytes.writeUInt16BE(command, 0);
  bytes.writeUInt16BE(payload?.length ?? 0, 2);
  bytes.writeUInt16BE(type, 4);
  bytes.writeUInt16BE(count, 6);
  bytes.writeUInt32BE(p1, 8);
  bytes.writeUInt32BE(p2, 12);
  payload?.copy(bytes, 16);
  return bytes;
}

/** A CA server with the PVs GOOD and EVIL, doubles; EVIL is subscribed to as `onAdd` says. */
class Server {
  readonly log: string[] = [];
  readonly #names = new Map<number, string>();
  readonly #circuit: SharedCircuit;
  adds = 0;

  constructor(minor: number, evilCount: number, onAdd: (asked: Buffer) => Buffer | undefined) {
    this.#circuit = new SharedCircuit({
      ...{ protocol: 'ca', identity, clock: new FakeClock() },
      dial: async () => {
        const [client, server] = duplexPair();
        client.pause();
        server.on('error', () => undefined);
        server.write(message(VERSION, { count: minor }));
        server.on('data', (bytes: Buffer) => {
          for (let at = 0; at + 16 <= bytes.length;) {
            const end = at + 16 + bytes.readUInt16BE(at + 2);
            for (const answer of this.#answers(bytes.subarray(at, end), evilCount, onAdd)) {
              server.write(answer);
            }
            at = end;
          }
        });
        return client;
      },
    });
  }

  #answers(
    asked: Buffer,
    evilCount: number,
    onAdd: (asked: Buffer) => Buffer | undefined,
  ): Buffer[] {
    const type = asked.readUInt16BE(4);
    const [p1, p2] = [asked.readUInt32BE(8), asked.readUInt32BE(12)];
    switch (asked.readUInt16BE(0)) {
      case ECHO:
        return [Buffer.from(asked)];
      case CREATE_CHAN: {
        const name = asked.subarray(16).toString('latin1').replace(/\0.*$/, '');
        this.#names.set(p1, name);
        const count = name === 'EVIL' ? evilCount : 1;
        return [
          message(ACCESS_RIGHTS, { p1, p2: 3 }),
          message(CREATE_CHAN, { type: 6, count, p1, p2: p1 }),
        ];
      }
      case READ_NOTIFY: {
        const payload = Buffer.alloc(type === TIME_DOUBLE ? 24 : 88);
        return [message(READ_NOTIFY, { type, count: 1, p1: 1, p2, payload })];
      }
      case EVENT_ADD: {
        this.adds++;
        assert.ok(this.adds < 50, 'subscribes without end');
        if (this.#names.get(p1) === 'EVIL') return [onAdd(asked) ?? Buffer.alloc(0)];
        return [message(EVENT_ADD, { type, count: 1, p1: 1, p2, payload: Buffer.alloc(24) })];
      }
      default:
        return [];
    }
  }

  async watch(name: string): Promise<void> {
    this.#circuit.watch(name, {
      onValue: () => this.log.push(`${name} value`),
      onStall: (reason) => this.log.push(`${name} stalls: ${reason}`),
      onEnd: (reason) => this.log.push(`${name} ends: ${reason}`),
    });
    for (let turn = 0; turn < 5; turn++) await settle();
  }
}

describe('one PV of a CA server does not end the monitors beside it', () => {
  const cases: [string, number, number, (asked: Buffer) => Buffer | undefined][] = [
    [
      'refused in its own events',
      ...([13, 1] as const),
      (asked) =>
        message(EVENT_ADD, { type: TIME_DOUBLE, p1: ECA_BADCOUNT, p2: asked.readUInt32BE(12) }),
    ],
    [
      'refused by ERROR each time',
      ...([13, 1] as const),
      (asked) => {
        const payload = Buffer.concat([asked.subarray(0, 16), Buffer.from('nope\0\0\0\0')]);
        return message(ERROR, { p2: ECA_BADCOUNT, payload });
      },
    ],
    [
      'answered with another type',
      ...([13, 1] as const),
      (asked) => {
        const payload = Buffer.alloc(56, 'constructor');
        return message(EVENT_ADD, {
          type: 14,
          count: 1,
          p1: 1,
          p2: asked.readUInt32BE(12),
          payload,
        });
      },
    ],
    ['without elements, where all of them cannot be asked for', 11, 0, () => undefined],
  ];
  for (const [what, minor, count, onAdd] of cases) {
    it(what, async () => {
      const server = new Server(minor, count, onAdd);
      await server.watch('GOOD');
      await server.watch('EVIL');
      assert.deepEqual(
        server.log.filter((line) => line.startsWith('GOOD')),
        ['GOOD value'],
      );
      assert.ok(!server.log.includes('EVIL value'), server.log.join());
    });
  }
});

describe('a server that breaks the rules', () => {
  it('is given up when it leaves thousands of channels without an answer', () => {
    const events = { ready: () => undefined, searched: () => undefined };
    const adapter = new CaAdapter(identity, events);
    const owner = { opened: () => undefined, refused: () => undefined, lost: () => undefined };
    for (let at = 0; at < 5000; at++) adapter.openChannel(`X${at}`, owner).close();
    assert.throws(() => adapter.openChannel('X', owner), { code: 'remote-protocol' });
  });

  it('names no state by a value that is no number of one', () => {
    const time: DbrData = { element: 'STRING', value: ['constructor'] };
    const control: DbrData = {
      element: 'ENUM',
      value: new Uint16Array(1),
      enumStrings: ['a', 'b'],
    };
    assert.equal(readingOfCa({ time, control }).value, 'constructor');
  });

  it('cannot make our answers fill the memory by not reading them', () => {
    const listeners = new Map<string, (bytes: Uint8Array) => void>();
    let isClosed = false;
    const connection = {
      on: (event: string, listener: () => void) => listeners.set(event, listener),
      write: () => false,
      resume: () => undefined,
      destroy: () => (isClosed = true),
    } as unknown as Connection;
    const answer = new Uint8Array(1024 * 1024);
    const protocol = { receive: () => undefined, takeOutput: () => answer };
    const ends: unknown[] = [];
    new ProtocolLink(connection, protocol, { onEnd: (error) => ends.push(error) });
    for (let round = 0; round < 16; round++) listeners.get('data')?.(answer);
    assert.equal(isClosed, false);
    listeners.get('drain')?.(answer);
    for (let round = 0; round < 17; round++) listeners.get('data')?.(answer);
    assert.equal(isClosed, true);
    assert.match(String(ends[0]), /does not read the answers/);
  });
});
