/**
 * What a person at a terminal waits for: a command where nothing runs yet, with ten containers; and
 * PVs, after the command that served them was killed beside another one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALONE, CLI, Exposed } from '../support/exposed';
import { runIoc, type LabContainer } from '../support/lab/container';
import { sharedEngine, type LabEngine } from '../support/lab/engine';
import { until } from '../support/until';
import { percentile, type Figure } from './figure';

const CONTAINERS = 10;
const ROUNDS = 10;
const DEADLINE_MS = 60_000;
const PEER = 'docker ps';
const SHARING = { EPICS_EXPOSE_BROKER: '' };

export async function measureCommands(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const boxes: LabContainer[] = [];
  try {
    while (boxes.length < CONTAINERS) {
      boxes.push(await runIoc(engine, { macros: `P=C${boxes.length}:` }));
    }
    return [...(await coldCommands(engine)), ...(await takeovers(engine, boxes.slice(0, 1)))];
  } finally {
    await Promise.all(boxes.map((box) => box.remove()));
  }
}

async function coldCommands(engine: LabEngine): Promise<Figure[]> {
  const times: Record<string, number[]> = { status: [], get: [], peer: [] };
  const ours = (words: readonly string[]): Promise<number> =>
    timeOf(process.execPath, [CLI, ...words, '--engine', engine.endpoint]);
  for (let round = 0; round < ROUNDS; round++) {
    times['status']?.push(await ours(['status']));
    times['get']?.push(await ours(['get', 'C5:TEMPERATURE']));
    times['peer']?.push(await timeOf('docker', ['-H', engine.endpoint, 'ps']));
  }
  const peer = { name: PEER, value: percentile(times['peer'] ?? [], 95) };
  return ['status', 'get'].map((command) => ({
    what: `${command} from cold with ${CONTAINERS} containers, p95`,
    unit: 'ms',
    ours: percentile(times[command] ?? [], 95),
    peer,
    goal: { kind: 'below', limit: 1000 },
    note: noteOf(times[command] ?? []),
  }));
}

/** Two commands of one user; the one that has the ports is killed. */
async function takeovers(engine: LabEngine, boxes: readonly LabContainer[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const isShared of [true, false]) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      times.push(await takeover(engine, boxes, isShared));
    }
    figures.push({
      what: `killed: the next one answers at its name servers, ${isShared ? 'sharing' : 'not sharing'} a background process, p95`,
      unit: 'ms',
      ours: percentile(times, 95),
      goal: { kind: 'below', limit: 2000 },
      note: noteOf(times),
    });
  }
  return figures;
}

async function takeover(
  engine: LabEngine,
  [box]: readonly LabContainer[],
  isShared: boolean,
): Promise<number> {
  if (!box) throw new Error('no container');
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-takeover-'));
  const env = { ...process.env, ...(isShared ? SHARING : ALONE), XDG_RUNTIME_DIR: folder };
  const words = ['--engine', engine.endpoint, '--container', box.name];
  const first = Exposed.start(words, { env });
  try {
    await first.untilReachable(box.name, 2, DEADLINE_MS);
    const second = Exposed.start(words, { env });
    try {
      await second.untilReachable(box.name, 2, DEADLINE_MS);
      const { nameServers = {} } = first.snapshot;
      const startMs = performance.now();
      await first.stop('SIGKILL');
      for (const { port } of Object.values(nameServers)) {
        await until(() => isListening(port), DEADLINE_MS, `port ${port} to answer`);
      }
      return performance.now() - startMs;
    } finally {
      await second.stop();
    }
  } finally {
    // The background process that the second one started.
    await timeOf(process.execPath, [CLI, 'broker', 'stop'], env);
    rmSync(folder, { recursive: true, force: true });
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => end(true));
    const end = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('error', () => end(false));
  });
}

function timeOf(
  program: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv = { ...process.env, ...ALONE },
): Promise<number> {
  const startMs = performance.now();
  const child = spawn(program, parameters, { env, stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(performance.now() - startMs));
  });
}

function noteOf(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `of ${values.length}; ${least.toFixed(0)} to ${most.toFixed(0)}`;
}
