/**
 * How long a get takes, of one number and of 8 MB, by each way that clients are sent: told the
 * container's own address by our name server, told the relay, through the engine's forwarder of a
 * published port, and at the container's own address without us. The clients are libca and PVXS; each
 * run is a new process, and all ways take turns. Beside it: the processor time that the command takes
 * meanwhile.
 */
import { join, resolve } from 'node:path';
import type { PvProtocol } from '../../src/model/snapshot';
import { nameServers } from '../support/clients';
import { Exposed } from '../support/exposed';
import { runIoc, type LabContainer } from '../support/lab/container';
import { type LabEngine, sharedEngine } from '../support/lab/engine';
import { pvxsProgram } from '../support/pvxsProgram';
import { percentile, round as rounded, type Figure } from './figure';
import { run } from './peers';
import { cpuSeconds } from './processes';

/** As peers/bulk.db has it: doubles. */
const LARGE_ELEMENTS = 1_000_000;
const LARGE_BITS = LARGE_ELEMENTS * 64;
const PORTS = { ca: 5064, pva: 5075 } as const;
const PROTOCOLS = ['ca', 'pva'] as const;
/** Where the engine publishes; relays have 127.0.0.1. */
const PUBLISHED = '127.0.0.33';
const OWN_ADDRESS = "container's address";
const FORWARDER = 'published port (docker-proxy)';
/** What each way is compared with, and how it has to do: its time at most, its throughput at least so many times that. */
const GOALS: Readonly<Record<string, { peer: string; time: number; throughput: number }>> = {
  'name server, direct': { peer: OWN_ADDRESS, time: 1.05, throughput: 0.952 },
  'name server, relay': { peer: FORWARDER, time: 1, throughput: 1.2 },
};
const folder = join(__dirname, 'peers');
const python = resolve(__dirname, '../../.cache/venv/bin/python');

/** A way to the server. */
export interface Way {
  readonly name: string;
  /** Of the names of its PVs. */
  readonly prefix: string;
  /** The only name server of the client. */
  readonly nameServer: Readonly<Record<PvProtocol, string>>;
  /** The command whose processor time counts, if one may be busy. */
  readonly pid?: number;
}

/** What is read again and again. */
interface Read {
  readonly record: string;
  readonly elements: number;
  /** How often, in each of so many processes. */
  readonly count: number;
  readonly rounds: number;
}

export const SMALL: Read = { record: 'TEMPERATURE', elements: 1, count: 2000, rounds: 7 };
const LARGE: Read = { record: 'BULK.VALA', elements: LARGE_ELEMENTS, count: 20, rounds: 16 };

interface Taken {
  readonly microseconds: number[];
  cpuSeconds: number;
}

export async function measureRoundTrips(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const records = { db: ['demo.db', '/bench/bulk.db'], binds: [`${folder}:/bench:ro`] };
  const boxes = await Promise.all([
    runIoc(engine, { ...records, macros: 'P=PLAIN:' }),
    runIoc(engine, {
      ...{ ...records, macros: 'P=FORWARDED:' },
      publish: PROTOCOLS.map((protocol) => `${PUBLISHED}:${PORTS[protocol]}:${PORTS[protocol]}`),
    }),
  ]);
  const commands: Exposed[] = [];
  try {
    const ways = await waysTo(engine, boxes, commands);
    const small = await measureAll(ways, SMALL);
    return [...small, ...(await measureAll(ways, LARGE))];
  } finally {
    await Promise.all(commands.map((command) => command.stop()));
    await Promise.all(boxes.map((box) => box.remove()));
  }
}

async function waysTo(
  engine: LabEngine,
  [plain, forwarded]: readonly LabContainer[],
  commands: Exposed[],
): Promise<readonly Way[]> {
  if (!plain || !forwarded) throw new Error('no containers');
  const expose = async (answers: string): Promise<Exposed> => {
    const args = ['--engine', engine.endpoint, '--container', plain.name, '--answers', answers];
    const exposed = Exposed.start(args);
    commands.push(exposed);
    await exposed.untilReachable(plain.name, 2, 30_000);
    const isDecided = (): boolean => exposed.snapshot.nameServers?.pva !== undefined;
    await exposed.until(isDecided, 10_000, 'the name servers');
    return exposed;
  };
  const named = async (name: string, answers: string): Promise<Way> => {
    const exposed = await expose(answers);
    const { ca, pva } = exposed.snapshot.nameServers ?? {};
    const place = (one: typeof ca): string => `${one?.host}:${one?.port}`;
    const nameServer = { ca: place(ca), pva: place(pva) };
    return { name, prefix: 'PLAIN:', nameServer, pid: exposed.pid };
  };
  const own = async (box: LabContainer, name: string, prefix: string): Promise<Way> =>
    at(await box.address(), name, prefix);
  return [
    await own(plain, OWN_ADDRESS, 'PLAIN:'),
    await named('name server, direct', 'direct'),
    await named('name server, relay', 'relay'),
    at(PUBLISHED, FORWARDER, 'FORWARDED:'),
    await own(forwarded, 'the address of the published container', 'FORWARDED:'),
  ];
}

/** A server at its usual ports. */
export function at(host: string, name: string, prefix: string): Way {
  return { name, prefix, nameServer: { ca: `${host}:${PORTS.ca}`, pva: `${host}:${PORTS.pva}` } };
}

async function measureAll(ways: readonly Way[], read: Read): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const protocol of PROTOCOLS) {
    const taken = new Map<Way, Taken>(
      ways.map((way) => [way, { microseconds: [], cpuSeconds: 0 }]),
    );
    // Round by round, so that what else the machine does meets all alike; the first one warms up.
    for (let round = 0; round <= read.rounds; round++) {
      for (const [way, all] of startingAt([...taken], round)) {
        const before = way.pid === undefined ? 0 : cpuSeconds(way.pid);
        const microseconds = await gets(protocol, way, read);
        if (round === 0) continue;
        all.microseconds.push(...microseconds);
        all.cpuSeconds += way.pid === undefined ? 0 : cpuSeconds(way.pid) - before;
      }
    }
    figures.push(...(read === LARGE ? throughputOf : figuresOf)(protocol, taken));
  }
  return figures;
}

/** Another one is first each time, so that none always comes after the same. */
function startingAt<Item>(items: readonly Item[], round: number): Item[] {
  const start = round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The microseconds of each get, one after the other, of a client that is a new process. */
export async function gets(
  protocol: PvProtocol,
  { prefix, nameServer }: Pick<Way, 'prefix' | 'nameServer'>,
  { record, elements, count }: Read = SMALL,
): Promise<number[]> {
  const pv = `${prefix}${record}`;
  const environment = nameServers({ ca: [nameServer.ca], pva: [nameServer.pva] });
  const text =
    protocol === 'ca'
      ? await run(
          python,
          [join(folder, 'libcaGet.py'), pv, String(count), String(elements)],
          environment,
        )
      : await run(pvxsProgram(join(folder, 'pvxsGet.cpp')), [pv, String(count)], environment);
  return text.trim().split(' ').map(Number);
}

function figuresOf(protocol: PvProtocol, taken: ReadonlyMap<Way, Taken>): Figure[] {
  return besidePeers(taken).flatMap(({ name, pid, own, peer, peerName, goal }) =>
    ([50, 99] as const).map((percent): Figure => {
      const { microseconds, cpuSeconds } = own;
      return {
        what: `${clientOf(protocol)}, one get, ${name}, p${percent}`,
        unit: 'ms',
        ours: percentile(microseconds, percent) / 1000,
        peer: { name: peerName, value: percentile(peer.microseconds, percent) / 1000 },
        ...(goal && { goal: { kind: 'at-most', factor: goal.time } }),
        ...(pid !== undefined && {
          note: `${rounded((cpuSeconds / microseconds.length) * 1e6)} us of the command for each`,
        }),
      };
    }),
  );
}

/** By the time that half of the gets took at most. */
function throughputOf(protocol: PvProtocol, taken: ReadonlyMap<Way, Taken>): Figure[] {
  const gigabits = ({ microseconds }: Taken): number =>
    LARGE_BITS / 1000 / percentile(microseconds, 50);
  return besidePeers(taken).map(({ name, pid, own, peer, peerName, goal }): Figure => ({
    what: `${clientOf(protocol)}, gets of 8 MB, ${name}`,
    unit: 'Gbit/s',
    ours: gigabits(own),
    peer: { name: peerName, value: gigabits(peer) },
    ...(goal && { goal: { kind: 'at-least', factor: goal.throughput } }),
    ...(pid !== undefined && {
      note: `${rounded((own.cpuSeconds / own.microseconds.length) * 1000)} ms of the command for each`,
    }),
  }));
}

interface Compared extends Way {
  readonly own: Taken;
  readonly peer: Taken;
  readonly peerName: string;
  readonly goal: (typeof GOALS)[string] | undefined;
}

function besidePeers(taken: ReadonlyMap<Way, Taken>): readonly Compared[] {
  const all = [...taken];
  return all.flatMap(([way, own]) => {
    const goal = GOALS[way.name];
    const peerName = goal?.peer ?? OWN_ADDRESS;
    const peer = all.find(([{ name }]) => name === peerName)?.[1];
    return peer && peer !== own ? { ...way, own, peer, peerName, goal } : [];
  });
}

const clientOf = (protocol: PvProtocol): string => (protocol === 'ca' ? 'libca' : 'PVXS');
