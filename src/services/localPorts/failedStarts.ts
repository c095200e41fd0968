import type { Clock } from '../../base/clock';
import { type Endpoint, formatEndpoint, isUnspecified } from '../../model/endpoint';
import type { Problem } from '../../model/problem';
import type { PortPublisher, PublishedPort } from '../host/engine';
import type { Transport } from './portReservations';

/** A port on which we listen, or listened. */
export interface HeldPort {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
}

/** What FailedStarts needs. */
export interface FailedStartsInput {
  readonly publishers: () => readonly PortPublisher[];
  /** The ports on which we listen now. */
  readonly held: () => readonly HeldPort[];
  readonly clock: Clock;
}

/** A failed start is reported some time after we left the port, ms. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1000;
const MAX_ERROR_LENGTH = 4000;
/** How Docker reports EADDRINUSE, on Linux and in Docker Desktop. */
const IN_USE = ['address already in use', 'port is already allocated', 'ports are not available'];

/**
 * Containers that could not start because we had a port that they publish. When the engine reports
 * it, we have already left the port, so starting the container again is enough. Docker gives the
 * reason of a failed start; Podman does not.
 */
export class FailedStarts {
  readonly #input: FailedStartsInput;
  /** When each port was last ours, oldest first. */
  readonly #heldAtMs = new Map<string, { port: HeldPort; atMs: number }>();
  /** By container id: the port that it did not get. */
  readonly #missed = new Map<string, HeldPort>();

  constructor(input: FailedStartsInput) {
    this.#input = input;
  }

  /** Records the ports we hold; call it before any is given up. */
  note(): void {
    const { held, clock } = this.#input;
    const atMs = clock.nowMs();
    for (const port of held()) {
      const key = `${port.transport} ${formatEndpoint(port.endpoint)}`;
      this.#heldAtMs.delete(key);
      this.#heldAtMs.set(key, { port, atMs });
    }
    for (const [key, one] of this.#heldAtMs) {
      if (atMs - one.atMs <= REMEMBERED_MS && this.#heldAtMs.size <= MAX_REMEMBERED) break;
      this.#heldAtMs.delete(key);
    }
  }

  /** One problem for each container, until it runs or is removed. */
  get problems(): readonly Problem[] {
    const failed = this.#input.publishers().filter(isFailed);
    const ids = new Set(failed.map(({ id }) => id));
    for (const id of this.#missed.keys()) if (!ids.has(id)) this.#missed.delete(id);
    return failed.flatMap((publisher) => {
      const port = this.#missed.get(publisher.id) ?? this.#ours(publisher);
      if (!port) return [];
      this.#missed.set(publisher.id, port);
      return [problemOf(publisher, port)];
    });
  }

  /** The port of ours that the engine names: another of its ports may be held by somebody else. */
  #ours({ ports, startError }: PortPublisher): HeldPort | undefined {
    return [...this.#heldAtMs.values()].find(
      ({ port }) =>
        namesPort(startError, port.endpoint.port) &&
        ports.some((published) => isMet(published, port)),
    )?.port;
  }
}

function isFailed({ state, startError }: PortPublisher): boolean {
  return state !== 'running' && state !== 'paused' && IN_USE.some((w) => startError.includes(w));
}

/** `listen tcp4 127.0.0.1:5064: bind: ...`, `Bind for 0.0.0.0:5064 failed: ...`. */
function namesPort(startError: string, port: number): boolean {
  const text = startError.slice(0, MAX_ERROR_LENGTH);
  const [, ...after] = text.split(`:${port}`);
  return after.some((rest) => !/^\d/.test(rest));
}

function isMet(
  { transport, hostIp, hostPort }: PublishedPort,
  { transport: ours, endpoint }: HeldPort,
): boolean {
  return (
    transport === ours &&
    hostPort === endpoint.port &&
    (isUnspecified(hostIp) || hostIp === endpoint.host)
  );
}

function problemOf({ name }: PortPublisher, { transport, endpoint }: HeldPort): Problem {
  return { code: 'port-given-back', container: name, transport, endpoint };
}
