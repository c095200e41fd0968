/**
 * What gets lost of much that comes at a steady rate: a camera over pvAccess (2 megapixels, 30 frames a
 * second; p4p serves, PVXS watches), and very many monitors over Channel Access at 10 Hz (softIoc, libca).
 * By our name server to the container, and by relay; beside the same server in a container with the
 * host's network, without us. Both clients count gaps. One way at a time, each for the same seconds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PvProtocol } from '../../src/model/snapshot';
import { nameServers, type EpicsEnvironment } from '../support/clients';
import { Exposed } from '../support/exposed';
import { runProgram } from '../support/lab/container';
import { type LabEngine, sharedEngine } from '../support/lab/engine';
import { waitForListeners } from '../support/lab/ioc';
import { pvxsProgram } from '../support/pvxsProgram';
import { runDatabase, type DatabaseIoc } from './bigIoc';
import { round, type Figure } from './figure';
import { cpuSeconds } from './processes';

const SECONDS = 20;
/** Enough to see that it is too much. */
const PROBE_SECONDS = 5;
const UPDATES_PER_SECOND = 10;
/** The first at which the server and the client alone keep up is measured. */
const MONITOR_COUNTS = [50_000, 20_000, 10_000, 5000];
/** Of the updates that there should be; less, and the IOC or the client does not keep up. Two scans of a probe. */
const KEEPS_UP = 0.96;
const ANSWERS = ['direct', 'relay'] as const;
const HOST = '127.0.0.1';
const PORTS = { ca: 5064, pva: 5075 } as const;
const PREFIX = 'STREAM:';
const folder = join(__dirname, 'peers');

/** What a client saw, in so many seconds. */
interface Seen {
  readonly seconds: number;
  readonly received: number;
  readonly lost: number;
  readonly clientCpuSeconds: number;
  /** Of the command meanwhile; NaN without one. */
  readonly commandCpuSeconds: number;
  /** The fewest updates of one PV, where there are many. */
  readonly fewest?: number;
}

/** What is watched: who serves it, and who watches. */
interface Stream {
  readonly protocol: PvProtocol;
  /** In a container with that network, or on the default bridge. */
  readonly serve: (engine: LabEngine, network?: string) => Promise<DatabaseIoc>;
  readonly watch: (
    environment: EpicsEnvironment,
    seconds: number,
    commandPid?: number,
  ) => Promise<Seen>;
}

export async function measureCamera(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const peer = await withoutUs(engine, camera, SECONDS);
  const figures = await besidePeer(engine, camera, 'camera, 2 MB at 30 Hz', 'frames', peer);
  return [...figures, ...(await measureMonitors(engine))];
}

async function measureMonitors(engine: LabEngine): Promise<Figure[]> {
  const tried: string[] = [];
  for (const count of MONITOR_COUNTS) {
    const stream = monitors(count);
    for (const seconds of [PROBE_SECONDS, SECONDS]) {
      const peer = await withoutUs(engine, stream, seconds);
      const wanted = count * UPDATES_PER_SECOND * seconds;
      if (peer.lost > 0 || peer.received < KEEPS_UP * wanted) {
        const percent = round((peer.received / wanted) * 100);
        tried.push(`${count} PVs: ${percent} % of the updates, ${peer.lost} lost`);
        break;
      }
      if (seconds < SECONDS) continue;
      const what = `${count} monitors over CA at 10 Hz`;
      const figures = await besidePeer(engine, stream, what, 'updates', peer);
      const note = `too many for the peer itself: ${tried.join('; ')}`;
      return figures.map((figure, index) =>
        index === 0 && tried.length > 0 ? { ...figure, note: `${figure.note}; ${note}` } : figure,
      );
    }
  }
  return [
    {
      what: 'monitors over CA at 10 Hz: not measured',
      ...{ unit: 'updates', ours: NaN },
      note: `the IOC and the client alone do not keep up: ${tried.join('; ')}`,
    },
  ];
}

const camera: Stream = {
  protocol: 'pva',
  async serve(engine, network) {
    const container = await runProgram(engine, ['python3', '/bench/cameraServer.py', PREFIX], {
      binds: [`${folder}:/bench:ro`],
      env: { PYTHONPATH: '/opt/python', PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' },
      ...(network !== undefined && { network }),
    });
    await waitForListeners(await container.pid(), { ioc: 'p4p' }, () => container.logs());
    return { container, remove: () => container.remove() };
  },
  watch: (environment, seconds, commandPid) =>
    observe(
      [pvxsProgram(join(folder, 'cameraMonitor.cpp')), `${PREFIX}IMAGE`, String(seconds)],
      ...[environment, seconds, commandPid],
    ),
};

function monitors(count: number): Stream {
  const record = (index: number): string =>
    `record(calc, "${PREFIX}${index}") { field(SCAN, ".1 second") field(CALC, "VAL+1") }\n`;
  const text = Array.from({ length: count }, (_, index) => record(index)).join('');
  return {
    protocol: 'ca',
    serve: (engine, network) =>
      runDatabase(engine, text, { ioc: 'softIocCa', ...(network !== undefined && { network }) }),
    watch: (environment, seconds, commandPid) => {
      const program = pvxsProgram(join(folder, 'caMonitors.cpp'), ['ca', 'Com']);
      const words = [program, PREFIX, String(count), String(seconds)];
      return observe(words, environment, seconds, commandPid);
    },
  };
}

/** Runs a client, and looks at the command's processor time when it says that it begins and ends. */
async function observe(
  [program = '', ...parameters]: readonly string[],
  environment: EpicsEnvironment,
  seconds: number,
  commandPid: number | undefined,
): Promise<Seen> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('EPICS_'));
  const env = { ...Object.fromEntries(inherited), ...environment };
  const client = spawn(program, parameters, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(client, 'exit');
  const commandCpu = (): number => (commandPid === undefined ? NaN : cpuSeconds(commandPid));
  let before = NaN;
  let seen: Seen | undefined;
  for await (const line of createInterface(client.stdout)) {
    const [word, ...numbers] = line.split(' ');
    if (word === 'begin') before = commandCpu();
    if (word !== 'end') continue;
    const [received = NaN, lost = NaN, clientCpuSeconds = NaN, fewest] = numbers.map(Number);
    const commandCpuSeconds = commandCpu() - before;
    seen = {
      ...{ seconds, received, lost, clientCpuSeconds, commandCpuSeconds },
      ...(fewest !== undefined && { fewest }),
    };
  }
  await exited;
  if (!seen) throw new Error(`${program} saw no value, or its circuit ended`);
  return seen;
}

async function withoutUs(engine: LabEngine, stream: Stream, seconds: number): Promise<Seen> {
  const server = await stream.serve(engine, 'host');
  try {
    return await stream.watch(
      environmentFor(stream.protocol, HOST, PORTS[stream.protocol]),
      seconds,
    );
  } finally {
    await server.remove();
  }
}

const environmentFor = (protocol: PvProtocol, host: string, port: number): EpicsEnvironment =>
  nameServers({ [protocol]: [`${host}:${port}`] });

async function besidePeer(
  engine: LabEngine,
  stream: Stream,
  what: string,
  unit: string,
  peer: Seen,
): Promise<Figure[]> {
  const server = await stream.serve(engine);
  try {
    const figures: Figure[] = [];
    for (const answers of ANSWERS) {
      const seen = await withUs(engine, stream, server.container.name, answers);
      const way = answers === 'direct' ? 'name server, direct' : 'name server, relay';
      figures.push(...figuresOf(`${what}, ${way}`, unit, seen, peer));
    }
    return figures;
  } finally {
    await server.remove();
  }
}

async function withUs(
  engine: LabEngine,
  { protocol, watch }: Stream,
  container: string,
  answers: (typeof ANSWERS)[number],
): Promise<Seen> {
  const words = ['--engine', engine.endpoint, '--container', container, '--answers', answers];
  const exposed = Exposed.start(words);
  try {
    await exposed.untilReachable(container, 1, 60_000);
    const isThere = (): boolean => exposed.snapshot.nameServers?.[protocol] !== undefined;
    await exposed.until(isThere, 10_000, 'the name server');
    const server = exposed.snapshot.nameServers?.[protocol];
    if (!server) throw new Error('no name server');
    return await watch(environmentFor(protocol, server.host, server.port), SECONDS, exposed.pid);
  } finally {
    await exposed.stop();
  }
}

function figuresOf(what: string, unit: string, seen: Seen, peer: Seen): Figure[] {
  const name = 'host network, without us';
  const fewest =
    seen.fewest === undefined ? '' : `; of one PV at least ${seen.fewest} and ${peer.fewest ?? 0}`;
  return [
    {
      ...{ what: `${what}: lost`, unit, ours: seen.lost, peer: { name, value: peer.lost } },
      goal: { kind: 'at-most', factor: 1 },
      note: `of ${seen.received} in ${SECONDS} s, the peer of ${peer.received}${fewest}`,
    },
    {
      ...{ what: `${what}: received`, unit: `${unit}/s`, ours: seen.received / seen.seconds },
      peer: { name, value: peer.received / peer.seconds },
    },
    {
      what: `${what}: processor time of the command`,
      ...{ unit: 's/s', ours: seen.commandCpuSeconds / seen.seconds },
      note: `the client's ${round(seen.clientCpuSeconds / seen.seconds)}, the peer's client ${round(peer.clientCpuSeconds / peer.seconds)} s/s`,
    },
  ];
}
