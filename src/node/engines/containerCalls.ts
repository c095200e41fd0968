import { setMaxListeners } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import type Docker from 'dockerode';
import { delay, onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { ContainerError, DisposedError, EngineError, EpicsExposeError } from '../../base/errors';
import { linkHopCap, readArchiveEntry } from './archiveFile';
import { ContainerList } from './containerList';
import { parseLog } from './parseLog';
import type { ExecSession } from './engineApi';
import { engineMessageOf, statusCodeOf } from './engineProblem';
import { ExecStream } from './execStream';
import { type EngineContainer, type InspectJson, runBeginsAt } from './containerInfo';

/** Setting up an exec takes 70 to 150 ms on an idle machine. */
const execTimeoutMs = 20_000;
const readTimeoutMs = 30_000;
const exitCodeTimeoutMs = 5_000;

/** Lines of a log that are read: the last ones. */
const LOG_LINES = 50;

/**
 * Podman looks for the detach keys in the input even without a tty, and ctrl-p ctrl-q, its default,
 * ends the session (pkg/detach/copy.go). It cannot be switched off, only made improbable: eight keys
 * that have to arrive one by one, each in a read of its own.
 */
const detachKeys = 'ctrl-^,ctrl-_,ctrl-],ctrl-^,ctrl-_,ctrl-],ctrl-^,ctrl-_';

/**
 * Exec, files and inspect of containers: the calls of EngineApi, on whichever client is current.
 */
export class ContainerCalls implements Disposable {
  readonly #requireDocker: () => Docker;
  readonly #clock: Clock;
  readonly #streams = new Set<ExecStream>();
  readonly #stop = new AbortController();

  constructor(requireDocker: () => Docker, clock: Clock) {
    this.#requireDocker = requireDocker;
    this.#clock = clock;
    // Each call under way listens to it; Node takes more than ten listeners for a leak.
    setMaxListeners(0, this.#stop.signal);
  }

  async exec(
    containerId: string,
    argv: readonly string[],
    options: { readonly user?: string; readonly signal: AbortSignal },
  ): Promise<ExecSession> {
    const what = `exec of ${argv[0] ?? 'nothing'} in container ${shortId(containerId)}`;
    const exec = await this.#call(what, execTimeoutMs, options.signal, (abortSignal, docker) =>
      docker.getContainer(containerId).exec({
        Cmd: [...argv],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false,
        DetachKeys: detachKeys,
        ...(options.user === undefined ? {} : { User: options.user }),
        abortSignal,
      }),
    );
    const socket = await this.#call(what, execTimeoutMs, options.signal, (abortSignal) =>
      exec.start({ hijack: true, stdin: true, abortSignal }),
    );
    const stdio = this.#adopt(socket);
    return {
      stdio,
      stderrText: () => stdio.stderrText,
      exitCode: () => this.#exitCode(exec),
    };
  }

  /** Follows symbolic links, at most `linkHopCap` of them. */
  async readFile(
    containerId: string,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const what = `reading ${path} in container ${shortId(containerId)}`;
    let at = path;
    for (let hop = 0; hop <= linkHopCap; hop++) {
      const from = at;
      const entry = await this.#call(what, readTimeoutMs, signal, async (abortSignal, docker) => {
        const container = docker.getContainer(containerId);
        const archive = await container
          .getArchive({ path: from, abortSignal })
          .catch((error: unknown) => Promise.reject(describeUnread(error, from, what)));
        return readArchiveEntry(archive as Readable, from, maxBytes, abortSignal);
      });
      if (entry.kind === 'file') return entry.bytes;
      at = entry.path;
    }
    throw new ContainerError(`${path}: more than ${linkHopCap} symbolic links`);
  }

  async readLog(containerId: string, signal: AbortSignal): Promise<string> {
    const what = `the log of container ${shortId(containerId)}`;
    const bytes = await this.#call(what, readTimeoutMs, signal, async (abortSignal, docker) => {
      const container = docker.getContainer(containerId);
      // Engines keep the lines of earlier runs.
      const since = runBeginsAt((await container.inspect({ abortSignal })) as InspectJson);
      return container.logs({
        ...{ stdout: true, stderr: true, follow: false, tail: LOG_LINES, abortSignal },
        ...(since !== undefined && { since }),
      });
    });
    return parseLog(bytes);
  }

  async inspect(containerId: string, signal: AbortSignal): Promise<EngineContainer> {
    const what = `inspect of container ${shortId(containerId)}`;
    return this.#call(what, execTimeoutMs, signal, (abortSignal, docker) =>
      new ContainerList(docker, this.#clock).inspect(containerId, abortSignal),
    );
  }

  /** Ends all sessions, because the HTTP agent no longer knows the hijacked sockets. */
  dispose(): void {
    this.#stop.abort();
    for (const stream of this.#streams) stream.destroy();
  }

  #adopt(socket: Duplex): ExecStream {
    const stream = new ExecStream(socket);
    // The session's owner listens, too; without any listener an error would end the process.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#streams.delete(stream));
    this.#streams.add(stream);
    if (this.#stop.signal.aborted) stream.destroy();
    return stream;
  }

  /**
   * The engine may report Running for a moment after the end of the stream; Podman does so with an
   * ExitCode of 0.
   */
  async #exitCode(exec: Docker.Exec): Promise<number | undefined> {
    const { signal } = this.#stop;
    const ask = async (abortSignal: AbortSignal): Promise<number | undefined> => {
      for (let waitMs = 5; ; waitMs = Math.min(250, waitMs * 2)) {
        const { Running: isRunning, ExitCode: code } = await exec.inspect({ abortSignal });
        if (!isRunning) return code ?? undefined;
        await delay(this.#clock, waitMs, abortSignal);
      }
    };
    try {
      return await withDeadline(this.#clock, exitCodeTimeoutMs, 'no exit code', signal, ask);
    } catch {
      return undefined; // the engine forgot the exec, or is gone: the code is lost
    }
  }

  async #call<T>(
    what: string,
    timeoutMs: number,
    signal: AbortSignal,
    start: (signal: AbortSignal, docker: Docker) => Promise<T>,
  ): Promise<T> {
    if (this.#stop.signal.aborted) throw new DisposedError('the engine');
    const docker = this.#requireDocker();
    const message = `${what} took more than ${timeoutMs} ms`;
    // Not AbortSignal.any: Node 20 keeps its result for as long as its sources live.
    const either = new AbortController();
    const listening = [signal, this.#stop.signal].map((one) => onAbort(one, () => either.abort()));
    try {
      return await withDeadline(this.#clock, timeoutMs, message, either.signal, (inner) =>
        start(inner, docker),
      );
    } catch (error) {
      throw describe(error, what);
    } finally {
      for (const item of listening) item.dispose();
    }
  }
}

function describe(error: unknown, what: string): Error {
  if (error instanceof EpicsExposeError) return error;
  const message = `${what}: ${engineMessageOf(error)}`;
  return statusCodeOf(error) === 404
    ? new ContainerError(message, { cause: error })
    : new EngineError(message, { cause: error });
}

/**
 * Engines refuse an archive with any of 404, 400 and 500, and describe the problem with the file in
 * words.
 */
/** How Docker and Podman say that a path leads nowhere; Docker adds paths of the engine's machine. */
const PATH_REFUSALS: readonly [RegExp, string][] = [
  [/^Could not find the file |no such file or directory$/, 'no such file'],
  [/not a directory$/, 'not a directory'],
];

function describeUnread(error: unknown, path: string, what: string): Error {
  const message = statusCodeOf(error) === undefined ? '' : engineMessageOf(error);
  const [, reason] = PATH_REFUSALS.find(([pattern]) => pattern.test(message)) ?? [];
  return reason === undefined
    ? describeRefusal(error, what)
    : new ContainerError(`${path}: ${reason}`, { cause: error });
}

function describeRefusal(error: unknown, what: string): Error {
  return statusCodeOf(error) === undefined
    ? describe(error, what)
    : new ContainerError(`${what}: ${engineMessageOf(error)}`, { cause: error });
}

function shortId(containerId: string): string {
  return containerId.slice(0, 12);
}
