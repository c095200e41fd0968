/**
 * The few calls to a container engine that the rest of `node/` needs, normalised over Docker and
 * Podman. `node/engines` makes it on dockerode; `node/containers` builds a ContainerAccess on it.
 */
import type { Duplex } from 'node:stream';
import type { EngineContainer } from './containerInfo';

export interface EngineApi {
  readonly kind: 'docker' | 'podman';
  readonly isRootless: boolean;
  /** Whether the engine could be on this machine: a local unix socket or pipe, no ssh, no tcp. */
  readonly isLocalSocket: boolean;

  /**
   * Runs a program in the container with stdin, stdout and stderr attached, no tty, detach keys out
   * of the way. Rejects with EngineError (engine or container gone, container paused: HTTP 409).
   * A missing program may surface here, or as a session without output, whose stderrText says so and
   * whose exit code is 126 or 127. `signal` ends the setting up; the session lives until its stdio
   * ends or is destroyed (which the program sees as the end of its input, and nothing more).
   */
  exec(
    containerId: string,
    argv: readonly string[],
    options: { readonly user?: string; readonly signal: AbortSignal },
  ): Promise<ExecSession>;

  /**
   * A regular file of the container through the engine's archive call (no program needed in the
   * container), following symbolic links. Rejects with ContainerError.
   */
  readFile(
    containerId: string,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array>;

  inspect(containerId: string, signal: AbortSignal): Promise<EngineContainer>;
}

export interface ExecSession {
  /** Writes go to the program's stdin, reads are its stdout, with back-pressure both ways. */
  readonly stdio: Duplex;
  /** What it wrote to stderr so far (the last few kilobytes). */
  readonly stderrText: () => string;
  /** After stdio closed: the exit code, undefined when the engine cannot say any more. */
  exitCode(): Promise<number | undefined>;
}

/** Builds the access to one running container (implemented in node/containers). */
export type OpenContainer = (
  api: EngineApi,
  container: EngineContainer,
) => import('../../services/host/engine').ContainerAccess;
