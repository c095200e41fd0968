import type { Duplex } from 'node:stream';
import type { EngineContainer } from './containerInfo';

/**
 * The few calls to a container engine that the rest of `node/` needs, the same for Docker and
 * Podman. `node/engines` implements it on dockerode; `node/containers` builds a ContainerAccess on
 * it.
 */
export interface EngineApi {
  readonly kind: 'docker' | 'podman';
  readonly isRootless: boolean;
  /** Whether the engine may be on this machine: a local unix socket or pipe, not ssh or tcp. */
  readonly isLocalSocket: boolean;
  /** Those that run or are paused, as last reported. */
  readonly containers: readonly EngineContainer[];

  /**
   * Runs a program in the container with stdin, stdout and stderr attached, no tty, and detach keys
   * that do not interfere. Rejects with EngineError (engine or container gone, container paused:
   * HTTP 409). A missing program may show here, or as a session without output, whose stderrText
   * reports it and whose exit code is 126 or 127. `signal` ends the setup; the session lives until
   * its stdio ends or is destroyed (which the program sees as the end of its input, and nothing
   * else).
   */
  exec(
    containerId: string,
    argv: readonly string[],
    options: { readonly user?: string; readonly signal: AbortSignal },
  ): Promise<ExecSession>;

  /**
   * Reads a regular file of the container through the engine's archive call (no program needed in
   * the container), following symbolic links. Rejects with ContainerError.
   */
  readFile(
    containerId: string,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array>;

  /** The last lines that the container's first process printed, at most some kilobytes. */
  readLog(containerId: string, signal: AbortSignal): Promise<string>;

  inspect(containerId: string, signal: AbortSignal): Promise<EngineContainer>;
}

/** A program that runs in a container. */
export interface ExecSession {
  /** Writes go to the program's stdin, reads come from its stdout, with back-pressure both ways. */
  readonly stdio: Duplex;
  /** What it has written to stderr (the last few kilobytes). */
  readonly stderrText: () => string;
  /** Call it after stdio closed: the exit code, undefined if the engine no longer knows it. */
  exitCode(): Promise<number | undefined>;
}

/** Builds the access to one running container (implemented in node/containers). */
export type OpenContainer = (
  api: EngineApi,
  container: EngineContainer,
) => import('../../services/host/engine').ContainerAccess;
