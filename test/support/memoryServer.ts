/** A server in memory, of either protocol, whose connections can be counted, held up and broken. */
import type { Duplex } from 'node:stream';
import type { PvProtocol } from '../../src/model/snapshot';
import { attachServer } from '../../src/node/relay/attachServer';
import { duplexPair } from '../../src/node/relay/duplexPair';
import { CaServerCircuit } from '../../src/protocol/ca';
import { ntScalarArrayType, PvaServerConnection, StoredPv } from '../../src/protocol/pva';
import { TestPv } from '../unit/protocol/ca/servedPvs';

/** One connection to it; the server's answers pass through here. */
export class MemoryConnection {
  readonly client: Duplex;
  readonly #towardsClient: Duplex;
  readonly #answers: Duplex;
  #role: CaServerCircuit | PvaServerConnection | undefined;

  constructor(create: (onOutput: () => void) => CaServerCircuit | PvaServerConnection) {
    const [client, towardsClient] = duplexPair();
    const [answers, server] = duplexPair();
    this.client = client.pause();
    this.#towardsClient = towardsClient;
    this.#answers = answers;
    towardsClient.on('data', (bytes: Buffer) => answers.write(bytes));
    towardsClient.on('end', () => answers.end()).on('error', () => undefined);
    answers.on('data', (bytes: Buffer) => towardsClient.write(bytes));
    answers.on('end', () => towardsClient.end()).on('error', () => undefined);
    attachServer(server, (onOutput) => (this.#role = create(onOutput)));
  }

  /** Channels that the server has on it. */
  get channelCount(): number {
    return this.#role?.channelCount ?? 0;
  }
  get hasEnded(): boolean {
    return this.#towardsClient.readableEnded || this.#towardsClient.destroyed;
  }
  /** What the server says waits from now on. */
  holdUp(): void {
    this.#answers.pause();
  }
  /** So much of what waits arrives, at most. */
  trickle(lengthBytes: number): void {
    this.#answers.read(Math.min(lengthBytes, this.#answers.readableLength));
  }
  /** All that waits arrives, and what comes later. */
  letGo(): void {
    this.#answers.resume();
  }
  /** The server says something else in between. */
  say(bytes: Uint8Array): void {
    this.#towardsClient.write(bytes);
  }
  close(): void {
    this.#towardsClient.end();
  }
}

export class MemoryServer {
  readonly connections: MemoryConnection[] = [];
  readonly #ca = new Map<string, TestPv>();
  readonly #pva = new Map<string, StoredPv>();
  /** How often a PV was looked for, to search for it or to create a channel. */
  lookCount = 0;
  isServing = true;

  constructor(readonly protocol: PvProtocol) {}

  /** An array of so many doubles, the first of which is given; a PV that is there gets another value. */
  set(name: string, first: number, count = 1): void {
    const value = new Float64Array(count);
    value[0] = first;
    const timeStamp = { secondsPastEpoch: 1_000_000_000, nanoseconds: first };
    const known = this.#ca.get(name);
    if (known) known.set(value);
    else this.#ca.set(name, new TestPv({ element: 'DOUBLE', value, timeStamp }));
    const stored = this.#pva.get(name);
    if (stored) stored.post({ value });
    else this.#pva.set(name, new StoredPv(ntScalarArrayType('double'), { value }));
  }

  readonly dial = (): Promise<Duplex> => {
    if (!this.isServing) {
      const [client, other] = duplexPair();
      other.on('error', () => undefined).resume();
      return Promise.resolve(client.pause());
    }
    const connection = new MemoryConnection((onOutput) =>
      this.protocol === 'ca'
        ? new CaServerCircuit(
            { find: (name) => this.#look(this.#ca, name) },
            { peer: 'client', port: 5064, onOutput },
          )
        : new PvaServerConnection(
            {
              names: () => [...this.#pva.keys()],
              find: (name) => this.#look(this.#pva, name),
            },
            { guid: '0'.repeat(24), tcpPort: 5075, version: '0', onOutput },
          ),
    );
    this.connections.push(connection);
    return Promise.resolve(connection.client);
  };

  #look<T>(pvs: ReadonlyMap<string, T>, name: string): T | undefined {
    this.lookCount++;
    return pvs.get(name);
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
