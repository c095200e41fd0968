/** Brokers of a test: real processes in a folder of its own, all gone at its end. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log';
import type { ExposeRequest } from '../../src/model/coreApi';
import {
  type BrokerCore,
  connectBroker,
  type ConnectBrokerOptions,
} from '../../src/node/broker/connectBroker';
import { until } from './until';

export const BROKER = join(__dirname, '../../dist/broker.js');
export const DEMO: ExposeRequest = {
  selection: { containers: [], labels: [] },
  engines: ['demo:'],
  names: [],
};
const never = new AbortController().signal;

export class Brokers {
  readonly folder = mkdtempSync(join(tmpdir(), 'eeb-'));
  readonly env: NodeJS.ProcessEnv;
  readonly #frontEnds: BrokerCore[] = [];
  readonly #pids = new Set<number>();

  constructor(graceMs = 1500) {
    this.env = {
      ...process.env,
      EPICS_EXPOSE_BROKER: '',
      EPICS_EXPOSE_BROKER_DIR: this.folder,
      EPICS_EXPOSE_BROKER_GRACE_MS: String(graceMs),
    };
  }

  get socket(): string {
    return join(this.folder, 'broker.sock');
  }
  get log(): string {
    return readFileSync(join(this.folder, 'broker.log'), 'utf8');
  }
  /** What is there beside the log, and the addresses that containers had. */
  get files(): string[] {
    return readdirSync(this.folder).filter((name) => !/^(broker\.log|addresses\.json$)/.test(name));
  }

  async connect(more: Partial<ConnectBrokerOptions> = {}): Promise<BrokerCore> {
    const options = { clientName: 'a test', version: '0.1.0', program: BROKER, log: silentLog };
    const frontEnd = await connectBroker({ env: this.env, ...options, ...more }, never);
    this.#pids.add(frontEnd.broker.pid);
    frontEnd.onDidChange(() => this.#pids.add(frontEnd.broker.pid));
    this.#frontEnds.push(frontEnd);
    return frontEnd;
  }

  /** A broker that was started but could not be connected to: `end` ends it too. */
  adopt(pid: number): void {
    this.#pids.add(pid);
  }

  /** Every broker has ended, and has left nothing but its log and addresses. */
  async untilGone(deadlineMs = 8000): Promise<void> {
    const running = (): number[] => [...this.#pids].filter(isRunning);
    await until(
      () => running().length === 0,
      deadlineMs,
      () => `the end of ${running().join(', ')}\n${this.log}`,
    );
    assert.deepEqual(this.files, []);
  }

  async end(): Promise<void> {
    await Promise.all(this.#frontEnds.splice(0).map((frontEnd) => frontEnd.close()));
    for (const pid of [...this.#pids].filter(isRunning)) {
      process.kill(pid, 'SIGTERM');
      process.kill(pid, 'SIGCONT'); // a test may have failed that had stopped it
    }
    await until(() => ![...this.#pids].some(isRunning), 8000, 'brokers to end');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function isRunning(pid: number): boolean {
  try {
    // A child of ours that has ended stays a zombie until its parent looks.
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until all that was found is exposed. */
export async function settled(frontEnd: BrokerCore): Promise<void> {
  const hasServers = (): boolean =>
    frontEnd.snapshot.containers.some(({ iocs }) => iocs.some((ioc) => ioc.servers.length > 0));
  await until(
    () => frontEnd.snapshot.isSettled && hasServers(),
    15_000,
    () => `a settled snapshot: ${JSON.stringify(frontEnd.snapshot)}`,
  );
}

/** Where clients reach the first server of that protocol. */
export function localOf(
  frontEnd: BrokerCore,
  protocol: 'ca' | 'pva',
): { host: string; port: number } {
  const servers = frontEnd.snapshot.containers.flatMap((c) => c.iocs.flatMap((i) => i.servers));
  const local = servers.find((server) => server.protocol === protocol)?.local;
  assert.ok(local, JSON.stringify(frontEnd.snapshot));
  return local;
}
