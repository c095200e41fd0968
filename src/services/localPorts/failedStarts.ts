/**
 * Containers that could not start because a port they publish was ours. By the time an engine says
 * so the port has been left to them, so that starting them again is all there is to do. Docker says
 * why a start failed; Podman does not.
 */
import type { Clock } from '../../base/clock';
import { type Endpoint, formatEndpoint, isUnspecified } from '../../model/endpoint';
import type { Problem } from '../../model/problem';
import type { PortPublisher, PublishedPort } from '../host/engine';
import type { Transport } from './portReservations';

export interface HeldPort {
  readonly transport: Transport;
  readonly endpoint: Endpoint;
}

export interface FailedStartsInput {
  readonly publishers: () => readonly PortPublisher[];
  /** What we listen on now. */
  readonly held: () => readonly HeldPort[];
  readonly clock: Clock;
}

/** A failed start is told of some time after the port was left. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1000;
const MAX_ERROR_LENGTH = 4000;
/** Docker's words for EADDRINUSE, on Linux and on its Desktop. */
const IN_USE = ['address already in use', 'port is already allocated', 'ports are not available'];

export class FailedStarts {
  readonly #input: FailedStartsInput;
  /** When each port was last ours. */
  readonly #heldAtMs = new Map<string, { port: HeldPort; atMs: number }>();
  /** By container: what it missed. */
  readonly #missed = new Map<string, HeldPort>();

  constructor(input: FailedStartsInput) {
    this.#input = input;
  }

  /** Notes what we hold; call it before anything is given away. */
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

  /** One for each container, until it runs or is removed. */
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

  /** The port of ours that the engine names: others of its ports may be somebody else's. */
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
