import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withDeadline } from '../../base/abort';
import { EngineError, messageOf } from '../../base/errors';
import { waitFor } from '../../base/waitFor';
import { EngineProblemError } from './engineProblem';
import type { EngineTransport, TransportOptions } from './engineTransport';
import type { GuardedChild } from './guardedChild';
import { takesConnections } from './takesConnections';

const commandTimeoutMs = 20_000;
const startTimeoutMs = 20_000;
const lookEveryMs = 25;
const noPodmanRetryMs = 60_000;
const idleRetryMs = 4_000;
const forcedCheckMs = 60_000;

/**
 * Podman without a socket: Podman needs no daemon, so on a plain Linux machine containers run while
 * nothing listens. Then we run `podman system service` on a socket of our own, for as long as we
 * live.
 *
 * Only if containers run, or the user asked for it: the service takes some 40 MB of memory, of no
 * use to users who merely have Podman installed. `podman ps` (about 0.1 s of CPU) is run when
 * Podman's files show that something happened, and once a minute.
 */
export class PodmanServiceStarter {
  readonly #options: TransportOptions;
  #watchedFiles: readonly string[] | undefined;
  #fingerprint = '';
  #checkedMs = -Infinity;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** @throws EngineProblemError if there is no podman, or it runs no container. */
  async open(signal: AbortSignal): Promise<EngineTransport> {
    if (!hasProgram('podman', this.#options.env)) throw noPodman();
    if (!this.#options.isAskedFor && !(await this.#hasContainers(signal))) throw nothingRuns();
    return this.#start(signal);
  }

  async #start(signal: AbortSignal): Promise<EngineTransport> {
    const { clock, env, children, log } = this.#options;
    const child = children.start(
      (folder) => ['podman', 'system', 'service', '--time=0', `unix://${folder}/podman.sock`],
      env,
    );
    const socketPath = join(child.folder, 'podman.sock');
    log(
      'info',
      'engine',
      'no Podman socket answers: started "podman system service" for ourselves',
    );
    try {
      const message = `podman system service did not listen within ${startTimeoutMs} ms`;
      const isListening = async (): Promise<true | undefined> => {
        if (await takesConnections(socketPath)) return true;
        if (child.end) throw serviceProblem(child.end.output);
        return undefined;
      };
      await withDeadline(clock, startTimeoutMs, message, signal, (inner) =>
        waitFor(clock, isListening, lookEveryMs, inner),
      );
    } catch (error) {
      child.dispose();
      throw error;
    }
    return {
      endpoint: { socketPath },
      explain: () => Promise.resolve(explain(child)),
      dispose: () => child.dispose(),
    };
  }

  async #hasContainers(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    this.#watchedFiles ??= await this.#findFiles(signal);
    const fingerprint = this.#watchedFiles.map(changeTime).join();
    const isDue = clock.nowMs() - this.#checkedMs >= forcedCheckMs;
    if (fingerprint === this.#fingerprint && !isDue) return false;
    const names = await this.#run(['ps', '--quiet'], signal);
    this.#fingerprint = this.#watchedFiles.map(changeTime).join();
    this.#checkedMs = clock.nowMs();
    return names.trim() !== '';
  }

  /**
   * The files that change when a container is created or started: its database, and its run folder.
   */
  async #findFiles(signal: AbortSignal): Promise<readonly string[]> {
    const format = '{{.Store.GraphRoot}}\n{{.Store.RunRoot}}\n{{.Store.GraphDriverName}}';
    const output = await this.#run(['info', '--format', format], signal);
    const [graphRoot = '', runRoot = '', driver = ''] = output.trim().split('\n');
    return [
      join(graphRoot, 'libpod', 'bolt_state.db'),
      join(graphRoot, 'db.sql'),
      join(graphRoot, 'db.sql-wal'),
      join(runRoot, `${driver}-containers`),
    ];
  }

  #run(argv: readonly string[], signal: AbortSignal): Promise<string> {
    const { clock, env } = this.#options;
    const what = `podman ${argv[0] ?? ''}`;
    const message = `${what} took more than ${commandTimeoutMs} ms`;
    return withDeadline(clock, commandTimeoutMs, message, signal, (inner) => {
      return new Promise((resolve, reject) => {
        execFile('podman', argv, { signal: inner, env }, (error, stdout, stderr) => {
          if (error) reject(serviceProblem(stderr || messageOf(error)));
          else resolve(stdout);
        });
      });
    });
  }
}

function changeTime(path: string): string {
  try {
    return `${statSync(path).mtimeMs}`;
  } catch {
    return '-'; // does not exist (yet)
  }
}

function explain(child: GuardedChild): Error | undefined {
  return child.end ? serviceProblem(child.end.output) : undefined;
}

function serviceProblem(output: string): Error {
  const detail = output.trim().split('\n').at(-1)?.trim() ?? '';
  return new EngineProblemError({ code: 'podman-service', detail }, noPodmanRetryMs, {
    cause: new EngineError(output),
  });
}

function noPodman(): Error {
  return new EngineProblemError({ code: 'podman-missing' }, noPodmanRetryMs);
}

function nothingRuns(): Error {
  return new EngineProblemError({ code: 'engine-idle' }, idleRetryMs);
}

function hasProgram(name: string, env: TransportOptions['env']): boolean {
  return (env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}
