import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { duplexPair } from '../../../../../src/node/relay/duplexPair';
import { identifyServer } from '../../../../../src/services/discovery/detect/identifyServer';
import { FakeClock, settle } from '../../../../support/fakeClock';

const VERSION = 0;
const ECHO = 23;

function message(command: number, fields: readonly [number, number, number, number]): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(command, 0);
  bytes.writeUInt16BE(fields[0], 4);
  bytes.writeUInt16BE(fields[1], 6);
  bytes.writeUInt32BE(fields[2], 8);
  bytes.writeUInt32BE(fields[3], 12);
  return bytes;
}

const PLAIN = message(VERSION, [0, 13, 0, 0]);
const NUMBERED = message(VERSION, [1, 13, 1, 0]);

/** A CA server by what the vectors show; it does nothing while it is stopped. */
interface Habits {
  readonly first?: Buffer;
  readonly toVersion?: Buffer;
  readonly mirrorsEcho?: boolean;
  readonly endsAtSecondVersion?: boolean;
}

const RSRV: Habits = { first: PLAIN };
const CAJ: Habits = { toVersion: PLAIN };
const OLD_CAJ: Habits = {};
const CAPROTO: Habits = { toVersion: NUMBERED, mirrorsEcho: false, endsAtSecondVersion: true };

class CaServer {
  readonly client: Duplex;
  readonly #server: Duplex;
  readonly #habits: Habits;
  #received = Buffer.alloc(0);
  #versions = 0;
  #isAccepted = false;
  #isStopped = false;

  constructor(habits: Habits) {
    const [client, server] = duplexPair();
    this.client = client.pause();
    this.#server = server;
    this.#habits = habits;
    server.on('error', () => undefined);
    server.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      if (!this.#isStopped) this.#work();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
  go(): void {
    this.#isStopped = false;
    this.#work();
  }

  #work(): void {
    const { first, toVersion, mirrorsEcho = true, endsAtSecondVersion } = this.#habits;
    if (!this.#isAccepted && first) this.#server.write(first);
    this.#isAccepted = true;
    for (;;) {
      const end = 16 + (this.#received.length < 16 ? 0 : this.#received.readUInt16BE(2));
      if (this.#received.length < end) return;
      const one = this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
      const command = one.readUInt16BE(0);
      if (command === VERSION) {
        if (++this.#versions > 1 && endsAtSecondVersion) this.#server.end();
        else if (toVersion) this.#server.write(toVersion);
      }
      if (command === ECHO) {
        this.#server.write(mirrorsEcho ? one : message(ECHO, [0, 0, 0, 0]));
      }
    }
  }
}

/** What it is taken for, when it is stopped for that long from the connect on. */
async function identified(habits: Habits, stoppedMs: number): Promise<string | undefined> {
  const clock = new FakeClock();
  const server = new CaServer(habits);
  server.stop();
  const { signal } = new AbortController();
  const asked = identifyServer(server.client, { expected: 'ca', mayAskCa: true, clock, signal });
  await clock.advance(stoppedMs);
  server.go();
  await settle();
  await clock.advance(5000);
  return (await asked)?.implementation;
}

describe('identifyServer', () => {
  for (const stoppedMs of [0, 10_000]) {
    describe(`a CA server that does nothing for the first ${stoppedMs / 1000} s`, () => {
      it('rsrv, which looks like PCAS until it is searched, is never another', async () => {
        assert.equal(await identified(RSRV, stoppedMs), 'unknown');
      });
      it('CAJ answers VERSION, or does not send it at all', async () => {
        assert.equal(await identified(CAJ, stoppedMs), 'caj');
        assert.equal(await identified(OLD_CAJ, stoppedMs), 'caj');
      });
      it('caproto is not sent a second VERSION, which it takes for a new priority', async () => {
        assert.equal(await identified(CAPROTO, stoppedMs), 'caproto');
      });
    });
  }
});
