/**
 * One run of the command, and what it costs until all PVs are reachable. It serves others that ask
 * while it runs, as it does for a person whose background process does not run: `status` asks it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { SnapshotJson } from '../../src/cli/snapshotJson';
import { Brokers } from '../support/brokers';
import { epicsExpose } from '../support/command';
import { CLI } from '../support/exposed';
import { cpuSeconds, memoryMegabytes, seconds } from './processes';

/** What is to be reachable. Of nothing, the command's own "settled" is waited for. */
export interface Expected {
  readonly servers: number;
  /** Of all servers together: a PV with CA and PVA counts twice. */
  readonly pvs: number;
}

/** In megabytes and seconds. */
export interface Costs {
  readonly memory: number;
  readonly processor: number;
  /** When the command first said so: its first lines wait for the rest, 5 s at most. */
  readonly first: number;
  readonly all: number;
  /** Of `epics-expose status --json`, while the command runs and has all. */
  readonly status: number;
}

/** Until garbage of the beginning is gone. */
const SETTLE_SECONDS = 3;
const DEADLINE_MS = 90_000;

type Line = SnapshotJson & { readonly event: string };

export async function measureCosts(endpoint: string, expected: Expected): Promise<Costs> {
  const brokers = new Brokers();
  const words = ['--engine', endpoint, '--json'];
  const running = new Running(words, brokers.env, expected);
  try {
    const times = await running.whenAll();
    await seconds(SETTLE_SECONDS);
    const memory = memoryMegabytes(running.pid).now;
    return { ...times, memory, status: await statusSeconds(words, brokers.env, expected) };
  } finally {
    await running.end();
    await brokers.end();
  }
}

type UntilAll = Pick<Costs, 'first' | 'all' | 'processor'>;

class Running {
  readonly #startMs = performance.now();
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #last: SnapshotJson | undefined;
  #first: number | undefined;
  #onAll: (times: UntilAll) => void = () => undefined;

  constructor(
    words: readonly string[],
    env: NodeJS.ProcessEnv,
    readonly expected: Expected,
  ) {
    this.#child = spawn(process.execPath, [CLI, ...words], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#ended = new Promise((resolve) => this.#child.once('exit', () => resolve()));
    if (!this.#child.stdout) throw new Error('no standard output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
  }

  #take(text: string): void {
    const now = (performance.now() - this.#startMs) / 1000;
    const line = JSON.parse(text) as Line;
    if (line.event !== 'snapshot') return;
    this.#last = line;
    if (reachedOf(line).pvs > 0) this.#first ??= now;
    if (!hasAll(line, this.expected)) return;
    this.#onAll({ first: this.#first ?? now, all: now, processor: cpuSeconds(this.pid) });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  whenAll(): Promise<UntilAll> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        const last = JSON.stringify(problemsOf(this.#last));
        reject(new Error(`${why} before all was reachable: ${last}`));
      };
      const deadline = setTimeout(() => fail(`${DEADLINE_MS} ms passed`), DEADLINE_MS);
      void this.#ended.then(() => fail('the command ended'));
      this.#onAll = (times) => {
        clearTimeout(deadline);
        resolve(times);
      };
    });
  }

  async end(): Promise<void> {
    this.#child.kill('SIGINT');
    await this.#ended;
  }
}

async function statusSeconds(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  expected: Expected,
): Promise<number> {
  const startMs = performance.now();
  const { stdout, stderr } = await epicsExpose(['status', ...words], { env });
  const taken = (performance.now() - startMs) / 1000;
  const snapshot = JSON.parse(stdout) as SnapshotJson;
  if (hasAll(snapshot, expected)) return taken;
  throw new Error(`status says ${JSON.stringify(problemsOf(snapshot))} ${stderr}`);
}

function hasAll(snapshot: SnapshotJson, { servers, pvs }: Expected): boolean {
  if (servers === 0) return snapshot.isSettled;
  const reached = reachedOf(snapshot);
  return reached.servers === servers && reached.pvs === pvs;
}

/** Servers of which every PV is reachable, and the PVs that are. */
function reachedOf(snapshot: SnapshotJson): Expected {
  const all = serversOf(snapshot).filter(
    ({ status, pvs }) => (status === 'exposed' || status === 'shared') && pvs.total > 0,
  );
  return {
    servers: all.filter(({ pvs }) => pvs.reachable === pvs.total).length,
    pvs: all.reduce((sum, { pvs }) => sum + pvs.reachable, 0),
  };
}

type Server = SnapshotJson['containers'][number]['iocs'][number]['servers'][number];

function serversOf({ containers }: SnapshotJson): Server[] {
  return containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers));
}

/** What one would look at first. */
function problemsOf(snapshot: SnapshotJson | undefined): unknown {
  if (!snapshot) return 'nothing was said';
  const servers = serversOf(snapshot);
  const problems = servers.flatMap(({ problem }) => problem ?? []);
  return { reached: reachedOf(snapshot), servers: servers.length, problems: problems.slice(0, 5) };
}
