/**
 * From the moment an IOC listens in a container to its first PV reachable on this machine, with the
 * command running: what a developer waits for after starting an IOC. Beside it, where the container's
 * address can be dialled: when the IOC itself says its first byte to a client that connected the moment
 * its pvAccess port listened, because an IOC opens that port before it serves.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { IocState, PvProtocol, Snapshot } from '../../src/model/snapshot';
import { ALONE, CLI } from '../support/exposed';
import { runKeeper, type LabContainer } from '../support/lab/container';
import { sharedEngine, type EngineKind } from '../support/lab/engine';
import { until } from '../support/until';
import { percentile, type Figure } from './figure';

const RESTARTS = 20;
/** Lines of /proc/net/tcp and tcp6: the local port, no remote end, state LISTEN. */
const LISTENS: Record<PvProtocol, RegExp> = { ca: /:13C8 0+:0000 0A /, pva: /:13D3 0+:0000 0A / };
const PROTOCOLS = ['ca', 'pva'] as const;
const DEADLINE_MS = 20_000;

/** Times of this process's clock, in milliseconds. */
export type Times = Map<PvProtocol, number>;

export async function measureListen(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of ['docker', 'rootless'] as const) figures.push(...(await measureEngine(kind)));
  return figures;
}

async function measureEngine(kind: EngineKind): Promise<Figure[]> {
  const engine = await sharedEngine(kind);
  const box = await runKeeper(engine, { name: 'bench-listen' });
  const watcher = new Watcher(engine.endpoint);
  try {
    await until(() => watcher.hasEngine, DEADLINE_MS, 'the engine to be seen');
    const first: number[] = [];
    const bare: number[] = [];
    const address = kind === 'docker' ? await box.address() : undefined;
    const each: Record<PvProtocol, number[]> = { ca: [], pva: [] };
    // The first one warms up: the way in is proved then.
    for (let restart = 0; restart <= RESTARTS; restart++) {
      const { listening, reachable, firstByteMs } = await restartIoc(box, watcher, address);
      if (restart === 0) continue;
      for (const protocol of PROTOCOLS) {
        each[protocol].push((reachable.get(protocol) ?? NaN) - (listening.get(protocol) ?? NaN));
      }
      first.push(Math.min(...reachable.values()) - Math.min(...listening.values()));
      if (firstByteMs !== undefined) bare.push(firstByteMs - Math.min(...listening.values()));
    }
    const name = kind === 'docker' ? 'Docker' : 'rootless Podman';
    return [
      rowOf(`${name}: IOC listens to first PV reachable, p50`, first, 50),
      {
        ...rowOf(`${name}: the same, p95`, first, 95),
        goal: { kind: 'below', limit: 500 },
        ...(bare.length > 0 && {
          peer: { name: 'its first byte to a bare client', value: percentile(bare, 95) },
        }),
      },
      {
        ...rowOf(
          `${name}: CA port listens, which serves at once, to its first PV, p95`,
          each.ca,
          95,
        ),
        goal: { kind: 'below', limit: 500 },
      },
      rowOf(`${name}: PVA port listens to its first PV, p95`, each.pva, 95),
    ];
  } finally {
    await watcher.end();
    await box.remove();
  }
}

function rowOf(what: string, values: readonly number[], percent: number): Figure {
  return {
    what,
    unit: 'ms',
    ours: percentile(values, percent),
    note: `of ${values.length}; ${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`,
  };
}

async function restartIoc(
  box: LabContainer,
  watcher: Watcher,
  address: string | undefined,
): Promise<{ listening: Times; reachable: Times; firstByteMs?: number }> {
  watcher.forget();
  const pid = await box.pid();
  const starting = box.startIoc({ macros: 'P=BENCH:' });
  let byte: Promise<number> | undefined;
  const listening = await seeListening(pid, (protocol) => {
    if (protocol === 'pva' && address !== undefined) byte = firstByte(address);
  });
  const ioc = await starting;
  await until(() => watcher.reachable.size === 2, DEADLINE_MS, 'both protocols to be reachable');
  const reachable = new Map(watcher.reachable);
  await ioc.kill();
  await until(() => !watcher.isServing, DEADLINE_MS, 'the end to be seen');
  return { listening, reachable, ...(byte && { firstByteMs: await byte }) };
}

/** When a pvAccess server speaks to a new client, which it does first, by this process's clock. */
function firstByte(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 5075 });
    socket.once('data', () => {
      resolve(performance.now());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

/**
 * Looks a thousand times a second at a counter that costs microseconds, and only when that changed
 * at the table of sockets, which costs milliseconds.
 */
export function seeListening(
  pid: number,
  onListening: (protocol: PvProtocol) => void = () => undefined,
): Promise<Times> {
  const times: Times = new Map();
  let counters = '';
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const look = (): void => {
      const nowMs = performance.now();
      const newCounters = readNet(pid, 'sockstat') + readNet(pid, 'sockstat6');
      const sockets = newCounters === counters ? '' : readNet(pid, 'tcp') + readNet(pid, 'tcp6');
      counters = newCounters;
      for (const protocol of PROTOCOLS) {
        const isListening = LISTENS[protocol].test(sockets);
        if (!isListening || times.has(protocol)) continue;
        times.set(protocol, nowMs);
        onListening(protocol);
      }
      if (times.size === 2) resolve(times);
      else if (nowMs - startMs > DEADLINE_MS) {
        reject(new Error(`the IOC does not listen on its ports:\n${readNet(pid, 'tcp')}`));
      } else setTimeout(look, 1);
    };
    look();
  });
}

function readNet(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/net/${name}`, 'latin1');
}

/** The command, and when it said what. */
class Watcher {
  readonly reachable: Times = new Map();
  readonly #child: ChildProcess;
  #snapshot: Pick<Snapshot, 'engines' | 'containers'> = { engines: [], containers: [] };

  constructor(endpoint: string) {
    const parameters = [CLI, '--engine', endpoint, '--container', 'bench-listen', '--json'];
    this.#child = spawn(process.execPath, parameters, {
      env: { ...process.env, ...ALONE },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!this.#child.stdout) throw new Error('no standard output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
  }

  #take(line: string): void {
    const nowMs = performance.now();
    const event = JSON.parse(line) as Snapshot & { event: string };
    if (event.event !== 'snapshot') return;
    this.#snapshot = event;
    for (const { servers } of this.#iocs) {
      for (const { protocol, status, pvs } of servers) {
        const isReachable = status === 'exposed' && pvs.reachable > 0;
        if (isReachable && !this.reachable.has(protocol)) this.reachable.set(protocol, nowMs);
      }
    }
  }

  get #iocs(): readonly IocState[] {
    return this.#snapshot.containers.flatMap(({ iocs }) => iocs);
  }
  get hasEngine(): boolean {
    return this.#snapshot.containers.length > 0;
  }
  get isServing(): boolean {
    return this.#iocs.some(({ servers }) => servers.some(({ status }) => status !== 'gone'));
  }
  forget(): void {
    this.reachable.clear();
  }
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.kill('SIGINT');
    });
  }
}
