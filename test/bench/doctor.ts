/**
 * How long a person waits for `epics-expose doctor PV`, from the start of the program to its end: when
 * all is up, and when what it asks does not answer; beside a running broker, and alone.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Brokers } from '../support/brokers';
import { runProgram } from '../support/command';
import { ALONE, CLI, Exposed } from '../support/exposed';
import { runIoc } from '../support/lab/container';
import { type LabEngine, sharedEngine } from '../support/lab/engine';
import { type Figure, percentile, runsNote } from './figure';

const ROUNDS = 5;
const PV = 'BENCH:TEMPERATURE';
const HANGING_PV = 'HANGS:TEMPERATURE';
const UP_MS = 2000;
const SILENT_MS = 5000;

export async function measureDoctor(): Promise<Figure[]> {
  const engine = await sharedEngine('docker');
  const brokers = new Brokers();
  const box = await runIoc(engine, { name: 'bench-doctor', macros: 'P=BENCH:' });
  const exposed = Exposed.start(['--engine', engine.endpoint], { env: brokers.env });
  const hanging = await runIoc(engine, {
    ...{ name: 'bench-hanging', image: 'py-ioc', ioc: 'caproto', macros: 'P=HANGS:' },
  });
  const [pid, hangingPid] = [await box.pid(), await hanging.pid()];
  try {
    await exposed.untilReachable(box.name, 2, 30_000);
    const beside = (pv = PV): Promise<number> => timeOf(engine.endpoint, brokers.env, pv);
    const alone = (pv = PV): Promise<number> => timeOf(engine.endpoint, ALONE, pv);
    const figures = [
      await figureOf('all is up, with a broker', beside, UP_MS),
      await figureOf('all is up, without one', alone, UP_MS),
    ];
    process.kill(pid, 'SIGSTOP');
    figures.push(
      await figureOf('the IOC is suspended, with a broker', beside, SILENT_MS),
      await figureOf('the IOC is suspended, without one', alone, SILENT_MS),
    );
    process.kill(pid, 'SIGCONT');
    process.kill(hangingPid, 'SIGUSR1');
    figures.push(
      await figureOf('the IOC hangs, with a broker', () => beside(HANGING_PV), SILENT_MS),
      await figureOf('the IOC hangs, without one', () => alone(HANGING_PV), SILENT_MS),
    );
    process.kill(hangingPid, 'SIGUSR2');
    process.kill(exposed.pid, 'SIGSTOP');
    figures.push(await figureOf('the background process hangs', beside, SILENT_MS));
    process.kill(exposed.pid, 'SIGCONT');
    return [...figures, await silentEngine(engine)];
  } finally {
    process.kill(pid, 'SIGCONT');
    process.kill(exposed.pid, 'SIGCONT');
    await exposed.stop();
    await box.remove();
    await hanging.remove();
    await brokers.end();
  }
}

/** What accepts connections as an engine does, and says nothing. */
async function silentEngine(engine: LabEngine): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'ee-bench-'));
  const path = join(folder, `${engine.kind}.sock`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  try {
    return await figureOf('the engine hangs', () => timeOf(`unix://${path}`, ALONE), SILENT_MS);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

async function figureOf(
  what: string,
  measure: () => Promise<number>,
  limit: number,
): Promise<Figure> {
  const runs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) runs.push(await measure());
  return {
    what: `doctor of one PV: ${what}, p95`,
    unit: 'ms',
    ours: percentile(runs, 95),
    goal: { kind: 'below', limit },
    note: runsNote(runs),
  };
}

async function timeOf(endpoint: string, env: NodeJS.ProcessEnv, pv: string = PV): Promise<number> {
  const startMs = performance.now();
  const words = [CLI, 'doctor', '--engine', endpoint, pv];
  const { stdout } = await runProgram(process.execPath, words, { env: { ...process.env, ...env } });
  const ms = performance.now() - startMs;
  if (stdout === '') throw new Error('the doctor said nothing');
  return ms;
}
