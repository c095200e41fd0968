/** The command itself, as built, with `--json`: what a person's terminal would run. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerJson, IocJson, ServerJson, SnapshotJson } from '../../src/cli/snapshotJson';
import type { PvProtocol, Snapshot } from '../../src/model/snapshot';
import { caget, p4pGet } from './clients';
import { until } from './until';

/** A command that shares nothing with others, unless its test wants that. */
export const ALONE = { EPICS_EXPOSE_BROKER: 'off' };

export const CLI = join(__dirname, '../../dist/cli.js');

interface StartOptions {
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** A copy of the command, for users who may not read ours. */
  cli?: string;
  /** A program that executes the command in surroundings of its own, such as `unshare`. */
  within?: readonly string[];
}

/**
 * PVXS asks a name server at once only if that is connected before the first beacon of any server on
 * this machine's networks hurries its searches; else six seconds later.
 */
const CLIENT_PATIENCE_MS = 15_000;

type Line = SnapshotJson & { event: string };

const NOTHING: SnapshotJson = {
  ...{ schemaVersion: 0, isSettled: false, engines: [], containers: [], unknownNames: [] },
  environment: {},
};

export class Exposed {
  readonly #child: ChildProcess;
  #last: Line | undefined;
  #stdout = '';
  stderr = '';
  readonly #ended: Promise<number | null>;
  #hasEnded = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#hasEnded = true;
        resolve(code);
      });
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  static start(args: readonly string[], options: StartOptions = {}): Exposed {
    const { env = process.env, cli = CLI, within = [], ...rest } = options;
    const command = [...within, process.execPath, cli, ...args, '--json', '--verbose'];
    const [program = '', ...words] = command;
    const environment = { ...ALONE, ...env };
    return new Exposed(
      spawn(program, words, { env: environment, ...rest, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  #take(text: string): void {
    this.#stdout += text;
    const lines = this.#stdout.split('\n');
    this.#stdout = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as Line;
      if (event.event === 'snapshot') this.#last = event;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }
  get snapshot(): SnapshotJson {
    return this.#last ?? NOTHING;
  }
  /** As far as what clients are told depends on it. */
  get model(): Snapshot {
    const { isSettled, nameServers, containers } = this.snapshot;
    return {
      ...{ isSettled, engines: [], unknownNames: [] },
      ...(nameServers && { nameServers }),
      containers: containers.map(({ problem: _, iocs, ...container }) => ({
        ...container,
        iocs: iocs.map(({ namesNote: _, problem: _ofIoc, servers, ...ioc }) => ({
          ...ioc,
          servers: servers.map(({ problem: _, note: _note, way, ...server }) => ({
            ...server,
            ...(way && { route: way }),
          })),
        })),
      })),
    };
  }
  get printedEnvironment(): Record<string, string> {
    return this.#last?.environment ?? {};
  }
  /** For clients: the name servers that it tells them to set, and no search by UDP beside them. */
  get environment(): Record<string, string> {
    return {
      ...this.#last?.environment,
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      EPICS_PVA_AUTO_ADDR_LIST: 'NO',
      EPICS_CA_ADDR_LIST: '',
      EPICS_PVA_ADDR_LIST: '',
    };
  }

  iocs(container?: string): IocJson[] {
    return this.snapshot.containers
      .filter((c) => container === undefined || c.name === container)
      .flatMap((c) => c.iocs);
  }

  servers(container: string, protocol: PvProtocol): ServerJson[] {
    return this.iocs(container).flatMap((ioc) =>
      ioc.servers.filter((s) => s.protocol === protocol),
    );
  }

  server(container: string, protocol: PvProtocol): ServerJson {
    const [server] = this.servers(container, protocol);
    assert.ok(server, `no ${protocol} server of ${container} in ${JSON.stringify(this.snapshot)}`);
    return server;
  }

  /** Waits for a state of the world; what was last seen is in the error. */
  async until(isSo: (exposed: this) => boolean, timeoutMs: number, what: string): Promise<void> {
    try {
      await until(() => this.#hasEnded || isSo(this), timeoutMs, what);
      assert.ok(!this.#hasEnded, `epics-expose ended before ${what}`);
    } catch (error) {
      throw new Error(
        [
          String(error),
          `last snapshot: ${JSON.stringify(this.snapshot, undefined, 1)}`,
          `stderr: ${this.stderr.slice(-4000)}`,
          // Last, because the end of a long log is what is kept of it.
          ...this.snapshot.containers.map(overview),
        ].join('\n'),
        { cause: error },
      );
    }
  }

  /** Waits until all PVs of that many servers of a container are reachable. */
  untilReachable(container: string, serverCount: number, timeoutMs = 15_000): Promise<void> {
    return this.until(
      () => {
        const servers = this.iocs(container).flatMap((ioc) => ioc.servers);
        const good = servers.filter(
          (s) =>
            (s.status === 'exposed' || s.status === 'shared') &&
            s.pvs.total > 0 &&
            s.pvs.reachable === s.pvs.total,
        );
        return good.length === serverCount && servers.length === serverCount;
      },
      timeoutMs,
      `${serverCount} servers of ${container} to be reachable`,
    );
  }

  /** Reads a PV with libca and with p4p, as told by the environment that we print. */
  async read(name: string, protocols: readonly PvProtocol[] = ['ca', 'pva']): Promise<unknown[]> {
    const results = protocols.map(async (protocol) => {
      const get = protocol === 'ca' ? caget : p4pGet;
      const [result] = await get([name], this.environment, CLIENT_PATIENCE_MS);
      assert.ok(result?.ok, `${protocol} ${name}: ${JSON.stringify(result)}`);
      return result.value;
    });
    return Promise.all(results);
  }

  /** Reads many PVs over one protocol by one client, patiently: name by name what it got. */
  async readAll(protocol: PvProtocol, names: readonly string[]): Promise<Map<string, unknown>> {
    const get = protocol === 'ca' ? caget : p4pGet;
    const results = await get([...names], this.environment, CLIENT_PATIENCE_MS);
    return new Map(results.map((r) => [r.name, r.ok ? r.value : r.error]));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Ctrl-C, and the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (!this.#hasEnded) process.kill(innermost(this.pid), signal);
    return this.#ended;
  }
}

/** What a wrapper such as `unshare` runs: the wrapper itself ignores signals. */
function innermost(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const program = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  return program === 'unshare' && children[0] ? innermost(Number(children[0])) : pid;
}

/** What a person would look at first: one line a container. */
function overview({ name, status, problem, iocs }: ContainerJson): string {
  const servers = iocs.flatMap((ioc) => ioc.servers);
  return JSON.stringify({
    ...{ name, status, problem },
    servers: servers.map(({ protocol, status, listening, local, pvs, problem, note }) => ({
      ...{ protocol, status, port: listening.port, local, pvs, problem, note },
    })),
  });
}
