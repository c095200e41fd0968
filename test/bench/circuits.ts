/**
 * What one idle circuit through a relay costs in memory: the command as built, and 800 CA clients that
 * have searched for a PV and say nothing more; and again after each has read a big array. Beside it the
 * engine's docker-proxy, with the same clients at a published port.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../src/model/endpoint';
import {
  CA_PROTO_CREATE_CHAN,
  CA_PROTO_READ_NOTIFY,
  CA_PROTO_SEARCH,
  DBR_CHAR,
  encodeClientMessage,
  FrameReader,
  FrameWriter,
  type CaClientRequest,
} from '../../src/protocol/ca';
import { Exposed } from '../support/exposed';
import { sharedEngine, type LabEngine } from '../support/lab/engine';
import { runDatabase } from './bigIoc';
import { median, runsNote, type Figure } from './figure';
import { forwardersOf } from './forwarders';
import { familyMegabytes, seconds } from './processes';

/** A relay takes 1000. */
const CIRCUITS = 800;
const ROUNDS = 3;
/** Until what the beginning, or many circuits at once, need is compiled and forgotten. */
const SETTLE_SECONDS = 8;
const PUBLISHED = '127.0.0.35';
const PORT = 5064;
const MINOR = 13;
const ARRAY_BYTES = 200_000;
const VALUE_PV = 'CIRCUITS:VALUE';
const ARRAY_PV = 'CIRCUITS:ARRAY';
const DATABASE = `record(ai, "${VALUE_PV}") {}
record(waveform, "${ARRAY_PV}") { field(FTVL, "CHAR") field(NELM, "${ARRAY_BYTES}") }
`;

/** Kilobytes for each circuit. */
interface Cost {
  readonly idle: number;
  readonly afterArray: number;
}

export async function measureCircuits(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const ours: Cost[] = [];
  const proxies: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [relay, proxy] = await Promise.all([measureRelay(engine), measureProxy(engine)]);
    ours.push(relay);
    proxies.push(proxy);
  }
  const row = (what: string, of: (cost: Cost) => number): Figure => ({
    what: `resident memory for each of ${CIRCUITS} circuits through a relay, ${what}`,
    ...{ unit: 'kB', ours: median(ours.map(of)) },
    peer: { name: 'docker-proxy', value: median(proxies.map(of)) },
    note: `before: 45 to 160 kB; ${runsNote(ours.map(of))}; docker-proxy's ${runsNote(proxies.map(of))}`,
  });
  return [
    row('idle after a search', ({ idle }) => idle),
    row(`idle after a read of ${ARRAY_BYTES} bytes`, ({ afterArray }) => afterArray),
  ];
}

async function measureRelay(engine: LabEngine): Promise<Cost> {
  const ioc = await runDatabase(engine, DATABASE, { ioc: 'softIocCa' });
  const { name } = ioc.container;
  const words = ['--engine', engine.endpoint, '--container', name, '--answers', 'relay'];
  const exposed = Exposed.start(words);
  try {
    await exposed.untilReachable(name, 1, 30_000);
    const { local } = exposed.server(name, 'ca');
    if (!local) throw new Error('no relay');
    return await costOf(exposed.pid, local);
  } finally {
    await exposed.stop();
    await ioc.remove();
  }
}

/** A new container has a new docker-proxy. */
async function measureProxy(engine: LabEngine): Promise<Cost> {
  const publish = [`${PUBLISHED}:${PORT}:${PORT}`];
  const ioc = await runDatabase(engine, DATABASE, { ioc: 'softIocCa', publish });
  try {
    const [proxy] = forwardersOf(engine, PORT);
    if (proxy === undefined) return { idle: NaN, afterArray: NaN };
    return await costOf(proxy, { host: PUBLISHED, port: PORT });
  } finally {
    await ioc.remove();
  }
}

async function costOf(pid: number, server: Endpoint): Promise<Cost> {
  await seconds(SETTLE_SECONDS);
  const before = familyMegabytes(pid);
  const grownKilobytes = (): number => ((familyMegabytes(pid) - before) * 1000) / CIRCUITS;
  const circuits: Circuit[] = [];
  try {
    for (let index = 0; index < CIRCUITS; index++) {
      const circuit = await Circuit.open(server);
      circuits.push(circuit);
      await circuit.search();
    }
    await seconds(SETTLE_SECONDS);
    const idle = grownKilobytes();
    for (const circuit of circuits) await circuit.readArray();
    await seconds(SETTLE_SECONDS);
    return { idle, afterArray: grownKilobytes() };
  } finally {
    for (const circuit of circuits) circuit.close();
  }
}

/** The least of a CA client. */
class Circuit {
  readonly #socket: Socket;
  readonly #reader = new FrameReader('the server', () => 2 * ARRAY_BYTES);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.pause();
  }

  static async open(server: Endpoint): Promise<Circuit> {
    const socket = connect(server);
    await once(socket, 'connect');
    socket.on('error', () => undefined); // what waits for an answer is told by the end
    return new Circuit(socket);
  }

  async search(): Promise<void> {
    this.#send(
      { command: 'VERSION', priority: 0, minor: MINOR, sequence: 0 },
      { command: 'SEARCH', cid: 1, name: VALUE_PV, minor: MINOR, isReplyRequired: true },
    );
    await this.#answer(CA_PROTO_SEARCH);
  }

  async readArray(): Promise<void> {
    this.#send(
      { command: 'CLIENT_NAME', name: 'bench' },
      { command: 'HOST_NAME', name: 'bench' },
      { command: 'CREATE_CHAN', cid: 1, minor: MINOR, name: ARRAY_PV },
    );
    const { parameter2: sid } = await this.#answer(CA_PROTO_CREATE_CHAN);
    const read = { dbrType: DBR_CHAR, count: ARRAY_BYTES, sid, ioid: 1 };
    this.#send({ command: 'READ_NOTIFY', ...read });
    const { payloadBytes } = await this.#answer(CA_PROTO_READ_NOTIFY);
    if (payloadBytes < ARRAY_BYTES) throw new Error(`the array came with ${payloadBytes} bytes`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(...messages: readonly CaClientRequest[]): void {
    const writer = new FrameWriter();
    for (const message of messages) encodeClientMessage(writer, message);
    this.#socket.write(writer.take());
  }

  /** The next message of that kind; others are dropped. */
  #answer(command: number): Promise<Answer> {
    const socket = this.#socket;
    return new Promise((done, failed) => {
      const ended = (): void => failed(new Error('the circuit ended before it answered'));
      const look = (bytes: Buffer): void => {
        this.#reader.push(bytes);
        let answer: Answer | undefined;
        while (this.#reader.next()) {
          const { parameter2, payloadBytes } = this.#reader;
          if (this.#reader.command === command) answer = { parameter2, payloadBytes };
        }
        if (!answer) return;
        socket.off('data', look).off('close', ended);
        socket.pause();
        done(answer);
      };
      socket.on('data', look).once('close', ended).resume();
    });
  }
}

/** What counts of a message. */
type Answer = Pick<FrameReader, 'parameter2' | 'payloadBytes'>;
