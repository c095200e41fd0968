/**
 * One container's IOCs do what they can to hold everybody up, while a client's echoes pass through the
 * relay of another container (the built-in demo): the longest turn of the broker's event loop, and the
 * time of the echoes. What the hostile ones serve is made in a process of its own; their files are
 * there before the clock starts.
 *
 *     npm run bench -- hostile
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EventEmitter } from '../../src/base/event';
import { ContainerError } from '../../src/base/errors';
import { silentLog } from '../../src/base/log';
import { createDemoEngine } from '../../src/demo/demoEngine';
import type { CoreApi } from '../../src/model/coreApi';
import type { ServerState } from '../../src/model/snapshot';
import { connectTcp } from '../../src/node/relay/connectTcp';
import { systemClock } from '../../src/node/systemClock';
import type { Route } from '../../src/services/host/connection';
import type { ContainerInfo, Engine } from '../../src/services/host/engine';
import { Core } from '../../src/services/core';
import { until } from '../support/until';
import { percentile, type Figure } from './figure';
import { noted, said } from '../support/said';

const IDLE_MS = 5000;
const ATTACK_MS = 8000;
const signal = new AbortController().signal;

interface Attack {
  readonly what: string;
  readonly port: number;
  readonly protocol: 'ca' | 'pva';
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly commandLine?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Starts the container anew so often. */
  readonly restartMs?: number;
  readonly also?: (exposure: CoreApi) => Promise<unknown>;
}

export async function measureHostile(): Promise<Figure[]> {
  const servers = fork(`${__dirname}/hostilePeers.ts`, ['servers'], {
    execArgv: ['--import', 'tsx'],
  });
  const [ports] = (await once(servers, 'message')) as [Record<string, number>];
  const engine = new HostileEngine();
  const core = new Core({
    openEngines: () => ({
      engines: [createDemoEngine(systemClock), engine],
      onDidChange: () => ({ dispose: () => undefined }),
      problem: undefined,
      ready: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
    ...{ opensRelays: true, clientName: 'bench', hostName: 'localhost' },
    dialHost: connectTcp,
    findHolder: () => Promise.resolve(undefined),
    mayShareNumbers: false,
    ...{ clock: systemClock, log: silentLog },
  });
  const exposure = core.openFrontEnd();
  await exposure.setRequest({
    selection: { containers: [], labels: [] },
    ...{ engines: ['bench'], names: [], search: 'off' },
  });
  let echo: ChildProcess | undefined;
  try {
    const local = await demoEndpoint(exposure);
    echo = fork(`${__dirname}/hostilePeers.ts`, ['echo', local.host, String(local.port)], {
      execArgv: ['--import', 'tsx'],
    });
    await new Promise((resolve) => setTimeout(resolve, 3000)); // its code is compiled
    const figures: Figure[] = [];
    const idle = await observe(echo, IDLE_MS, () => Promise.resolve());
    figures.push(...figuresOf('idle', idle, idle));
    for (const attack of attacks(ports)) {
      const seen = await observe(echo, ATTACK_MS, async () => {
        engine.start(attack);
        await attack.also?.(exposure);
      });
      const [note = ''] = notesOf(exposure);
      engine.stop();
      figures.push(...figuresOf(attack.what, seen, idle, note));
    }
    return figures;
  } finally {
    engine.dispose();
    echo?.disconnect();
    servers.disconnect();
    await core.close();
  }
}

async function demoEndpoint(exposure: CoreApi): Promise<{ host: string; port: number }> {
  const find = (): ServerState | undefined =>
    exposure.snapshot.containers
      .flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers))
      .find(({ protocol, local }) => protocol === 'ca' && local !== undefined);
  await until(() => find() !== undefined, 20_000, 'the relay of the demo');
  return find()?.local ?? { host: '', port: 0 };
}

interface Seen {
  /** Of processor time. */
  readonly longestTurnMs: number;
  /** By the clock. */
  readonly longestGapMs: number;
  readonly echoes: readonly number[];
  readonly grownMb: number;
}

async function observe(
  echo: ChildProcess,
  forMs: number,
  start: () => Promise<unknown>,
): Promise<Seen> {
  await take(echo);
  let longestTurnMs = 0;
  let longestGapMs = 0;
  let lastMs = performance.now();
  let lastCpu = process.cpuUsage();
  let isOn = true;
  const tick = (): void => {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(lastCpu);
    longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
    // A turn that somebody else's work interrupts is long by the clock only.
    longestTurnMs = Math.max(longestTurnMs, Math.min(nowMs - lastMs, (user + system) / 1000));
    lastMs = nowMs;
    lastCpu = process.cpuUsage();
    if (isOn) setTimeout(tick, 0);
  };
  const before = process.memoryUsage().rss;
  let most = before;
  const memory = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 100);
  tick();
  void start();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  isOn = false;
  clearInterval(memory);
  return { longestTurnMs, longestGapMs, echoes: await take(echo), grownMb: (most - before) / 1e6 };
}

async function take(echo: ChildProcess): Promise<number[]> {
  echo.send('take');
  const [times] = (await once(echo, 'message')) as [number[]];
  return times;
}

function figuresOf(what: string, seen: Seen, idle: Seen, note = ''): Figure[] {
  const [p50, p99] = [50, 99].map((percent) => percentile(seen.echoes, percent));
  const peer = { name: 'idle', value: percentile(idle.echoes, 99) };
  return [
    {
      what: `${what}: longest turn of the event loop`,
      ...{ unit: 'ms', ours: seen.longestTurnMs, goal: { kind: 'below', limit: 50 } },
      note: `by the clock ${seen.longestGapMs.toFixed(0)} ms; grew by ${seen.grownMb.toFixed(0)} MB at most. ${note}`,
    },
    {
      what: `${what}: echo through another's relay, p99`,
      ...{ unit: 'ms', ours: p99 ?? NaN, peer },
      note: `p50 ${(p50 ?? NaN).toFixed(2)} ms of ${seen.echoes.length} echoes`,
    },
  ];
}

function notesOf(exposure: CoreApi): string[] {
  return exposure.snapshot.containers
    .flatMap(({ iocs }) => iocs)
    .flatMap(({ namesNotes, servers }) => [
      ...(namesNotes ? [noted(namesNotes)] : []),
      ...servers.flatMap(({ problem }) => (problem ? [said(problem)] : [])),
    ])
    .map((text) => text.slice(0, 150));
}

function attacks(ports: Record<string, number>): Attack[] {
  const { nothing = 0, flood = 0, many = 0, tooMany = 0 } = ports;
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const lines = (count: number, line: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => line(at)).join('\n');
  const ca = { port: nothing, protocol: 'ca' } as const;
  const names = bytes(lines(500_000, (at) => `record(ai, "HOSTILE:aaaaaaaaaaaaaaaa:${at}") {}`));
  return [
    {
      what: 'a database that includes itself 100 times, in a container that restarts',
      ...{ ...ca, restartMs: 500, environment: { IOC_NAME: 'n'.repeat(100_000) } },
      files: { '/a.db': bytes(`record(ai, a) {}\n${'include "/a.db"\n'.repeat(100)}`) },
    },
    {
      what: 'half a million names, in a container that restarts',
      ...{ ...ca, restartMs: 1500, files: { '/a.db': names } },
    },
    {
      what: 'half a million names in one file, searched for *a*a*a*a*b',
      ...{ ...ca, files: { '/a.db': names } },
      async also(exposure) {
        for (let time = 0; time < 20; time++) {
          await new Promise((resolve) => setTimeout(resolve, 300));
          await exposure.listPvs({ pattern: '*a*a*a*a*b', offset: 0, limit: 20 }, signal);
        }
      },
    },
    {
      what: 'macros: a line of 8 MB, and values that double',
      ...ca,
      commandLine: [
        ...[
          'softIoc',
          '-m',
          lines(60, (at) => `A${at}=$(A${at + 1})$(A${at + 1}),`).replaceAll('\n', ''),
        ],
        ...['-d', '/b.db', '-d', '/a.db'],
      ],
      files: {
        '/a.db': bytes(`record(ai, "${'$(A=x)'.repeat(1_300_000)}") {}\n`),
        '/b.db': bytes('record(ai, "$(A0)") {}\n'.repeat(200_000)),
      },
    },
    {
      what: 'a template loaded 50,000 times',
      ...{ ...ca, commandLine: ['ioc', '/st.cmd'] },
      files: {
        '/st.cmd': bytes('dbLoadTemplate("/a.sub")\n'),
        '/a.sub': bytes(`file "/t.db" { pattern {P}\n${lines(100_000, (at) => `{ P${at} }`)}`),
        '/t.db': bytes('record(ai, "$(P):a") {}\nrecord(ai, "$(P):b") {}\n'),
      },
    },
    { what: 'search replies without end', port: flood, protocol: 'ca', files: {} },
    { what: 'a list of 500,000 names', port: many, protocol: 'pva' },
    { what: 'a list of ten million names', port: tooMany, protocol: 'pva' },
  ];
}

/** One container, or none, which is whatever the attack says. */
class HostileEngine implements Engine {
  readonly key = 'hostile:';
  readonly state: Engine['state'] = {
    ...{ key: 'hostile:', version: '' },
    kind: 'docker',
    status: 'connected',
  };
  readonly #changed = new EventEmitter<void>();
  #attack: Attack | undefined;
  #runs = 0;
  #restart: NodeJS.Timeout | undefined;
  containers: readonly ContainerInfo[] = [];
  readonly onDidChange = this.#changed.event;

  start(attack: Attack): void {
    this.#attack = attack;
    this.#run();
    if (attack.restartMs !== undefined) {
      this.#restart = setInterval(() => this.#run(), attack.restartMs);
    }
  }

  #run(): void {
    const run = ++this.#runs;
    this.containers = [
      {
        ...{ id: 'hostile', name: 'hostile', image: '', labels: {} },
        status: 'running',
        ...{ startedAt: String(run), run: String(run) },
      },
    ];
    this.#changed.fire();
  }

  stop(): void {
    clearInterval(this.#restart);
    this.containers = [];
    this.#changed.fire();
  }

  open(): ReturnType<Engine['open']> {
    const attack = this.#attack;
    if (!attack) throw new Error('nothing runs');
    const run = this.#runs;
    const port = attack.protocol === 'ca' ? 5064 : 5075;
    const socket = { host: '0.0.0.0', port, inode: 1, uid: 0 };
    const process = {
      ...{ pid: run, name: 'softIoc', startTicks: run, socketInodes: [1, 2] },
      commandLine: attack.commandLine ?? ['softIoc', '-d', '/a.db'],
      environment: attack.environment ?? {},
    };
    return {
      routes: [wayTo(attack.port)],
      watchSockets(events) {
        const report = {
          sockets: [
            { ...socket, transport: 'tcp' as const },
            { ...socket, transport: 'udp' as const, inode: 2 },
          ],
          processes: [process],
        };
        const timer = systemClock.after(0, () => events.report(report));
        return {
          lookNow: () => undefined,
          readProcessFile: async () => undefined,
          dispose: () => timer.dispose(),
        };
      },
      readFile: async (path) => {
        const file = attack.files?.[path];
        if (!file) throw new ContainerError('no such file');
        return file;
      },
      dispose: () => undefined,
    };
  }

  dispose(): void {
    this.stop();
  }
}

/** Straight to a port of this machine, whatever the container's own is. */
function wayTo(port: number): Route {
  const target = { host: '127.0.0.1', port };
  return {
    kind: 'host-network',
    label: 'the bench',
    directEndpoint: () => target,
    ownEndpoint: () => target,
    dial: (_target, inner) => connectTcp(target, inner),
    openRelay: () => Promise.reject(new Error('there is nothing to relay')),
    dispose: () => undefined,
  };
}
