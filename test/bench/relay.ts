/**
 * What carries bytes from a container to a client here, by each way in, beside what others do for the
 * same job in the same run (relayContenders.ts): bytes per second of one stream and of eight at once,
 * connections per second, and the processor time of whoever carries the bytes. Every byte is compared.
 * The client is a process of its own, so that the relay has ours to itself.
 *
 *     npm run bench -- relay
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Disposable } from '../../src/base/disposable';
import { freePort } from '../support/freePort';
import { runKeeper } from '../support/lab/container';
import { sharedEngine, type EngineKind } from '../support/lab/engine';
import { median, runsNote, type Figure } from './figure';
import type { ClientAnswer, ClientWork } from './relayClient';
import { openContenders, SERVER_PORT, startServer, type Contender } from './relayContenders';

const ROUNDS = 3;
const STREAMS = 8;
const CONNECTIONS = 300;
/** Ways that make few connections a second make fewer of them. */
const CONNECTIONS_SECONDS = 2;
const GOAL = { kind: 'at-least', factor: 1.2 } as const;
const WITH_GOAL = ['address', 'entered'];

/** What one way did, round by round. */
interface Taken {
  readonly one: number[];
  readonly eight: number[];
  readonly connections: number[];
  /** Of one stream. */
  readonly cpuPerGigabyte: number[];
  readonly cpuPerGigabyteOfEight: number[];
}

export async function measureRelays(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of ['docker', 'rootless'] as const) figures.push(...(await measureEngine(kind)));
  return figures;
}

async function measureEngine(kind: EngineKind): Promise<Figure[]> {
  const lab = await sharedEngine(kind);
  const published = await freePort();
  // With the programs of this machine, so that one container has node, python3 and socat.
  const box = await runKeeper(lab, {
    image: 'node-ioc',
    binds: ['/usr:/usr:ro'],
    publish: [`127.0.0.1:${published}:${SERVER_PORT}`],
  });
  const owned: Disposable[] = [];
  const client = fork(`${__dirname}/relayClient.ts`, { execArgv: ['--import', 'tsx'] });
  try {
    await startServer(lab, box);
    const contenders = await openContenders(lab, box, published, owned);
    return figuresOf(kind, await measureAll(client, contenders));
  } finally {
    client.disconnect();
    for (const one of owned.reverse()) one.dispose();
    await box.remove();
  }
}

async function measureAll(
  client: ChildProcess,
  contenders: readonly Contender[],
): Promise<Map<Contender, Taken>> {
  const empty = (): Taken => ({
    ...{ one: [], eight: [], connections: [], cpuPerGigabyte: [], cpuPerGigabyteOfEight: [] },
  });
  const all = new Map(contenders.map((contender) => [contender, empty()]));
  // Round by round, so that what else the machine does meets all alike; the first one warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [contender, taken] of all) {
      await measureOne(client, contender, round === 0 ? empty() : taken);
    }
  }
  return all;
}

/**
 * After a little unmeasured, for each: our carrier ends with its last circuit, and others start a
 * process for each. What is compared is how much passes, not how soon.
 */
async function measureOne(client: ChildProcess, contender: Contender, taken: Taken): Promise<void> {
  await stream(client, contender, 1, contender.lengthBytes / 4);
  const one = await stream(client, contender, 1);
  taken.one.push(one.gigabitPerSecond);
  taken.cpuPerGigabyte.push(one.cpuPerGigabyte);
  const eight = await stream(client, contender, STREAMS);
  taken.eight.push(eight.gigabitPerSecond);
  taken.cpuPerGigabyteOfEight.push(eight.cpuPerGigabyte);
  const limit = { count: CONNECTIONS, limitSeconds: CONNECTIONS_SECONDS };
  const { done, seconds } = await ask(client, contender, { kind: 'connections', ...limit });
  taken.connections.push(done / seconds);
}

/** So many bytes in all, in so many streams. */
async function stream(
  client: ChildProcess,
  contender: Contender,
  count: number,
  allBytes = contender.lengthBytes,
): Promise<{ gigabitPerSecond: number; cpuPerGigabyte: number }> {
  const lengthBytes = allBytes / count;
  const before = contender.cpuSeconds();
  const { seconds } = await ask(client, contender, { kind: 'streams', count, lengthBytes });
  const cpuSeconds = contender.cpuSeconds() - before;
  return {
    gigabitPerSecond: (allBytes * 8) / seconds / 1e9,
    cpuPerGigabyte: cpuSeconds / (allBytes / 1e9),
  };
}

type WithoutPlace<Work> = Work extends unknown ? Omit<Work, 'host' | 'port'> : never;

/** Rejects when a byte was not the server's. */
async function ask(
  client: ChildProcess,
  { name, host, port }: Contender,
  work: WithoutPlace<ClientWork>,
): Promise<{ done: number; seconds: number }> {
  const answered = once(client, 'message');
  client.send({ ...work, host, port });
  const [answer] = (await answered) as [ClientAnswer];
  if ('error' in answer) throw new Error(`${name}: ${answer.error}`);
  return answer;
}

function figuresOf(kind: EngineKind, all: ReadonlyMap<Contender, Taken>): Figure[] {
  const [[forwarder, its] = [undefined, undefined], ...others] = all;
  if (!forwarder) return [];
  const rows = (
    what: string,
    unit: string,
    of: (taken: Taken) => readonly number[],
    goal?: Figure['goal'],
  ): Figure[] => {
    const peer = { name: forwarder.name, value: median(of(its)) };
    return others.map(([{ name, isOurs }, taken]) => ({
      what: `${kind}, ${what}: ${name}${isOurs ? '' : ' (not ours)'}`,
      ...{ unit, ours: median(of(taken)), peer },
      ...(goal && WITH_GOAL.includes(name) && { goal }),
      note: of(taken).some(Number.isNaN) ? 'not known' : runsNote(of(taken)),
    }));
  };
  const withCarrier = (figure: Figure, index: number): Figure => ({
    ...figure,
    note: `of ${others[index]?.[0].carrier ?? ''}; ${figure.note ?? ''}`,
  });
  return [
    ...rows('one stream', 'Gbit/s', ({ one }) => one, GOAL),
    ...rows('eight streams at once', 'Gbit/s', ({ eight }) => eight, GOAL),
    ...rows('connections, one after the other', '/s', ({ connections }) => connections),
    ...rows('processor, one stream', 's/GB', (taken) => taken.cpuPerGigabyte).map(withCarrier),
    ...rows('processor, eight streams', 's/GB', (taken) => taken.cpuPerGigabyteOfEight).map(
      withCarrier,
    ),
  ];
}
