/**
 * Keeps the list of an engine's running and paused containers up to date: one list call, and an
 * inspect for those that are new or that an event was about.
 */
import type Docker from 'dockerode';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { inLanes } from '../../base/lanes';
import type { ContainerInfo } from '../../services/engine';
import { parseContainerInfo, parseStatus, type InspectJson } from './containerInfo';
import { statusCodeOf } from './engineProblem';

const callTimeoutMs = 15_000;
const inspectsAtOnce = 4;
const filters = JSON.stringify({ status: ['running', 'paused'] });

export class ContainerList {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #known = new Map<string, ContainerInfo>();
  readonly #stale = new Set<string>();

  constructor(docker: Docker, clock: Clock) {
    this.#docker = docker;
    this.#clock = clock;
  }

  /** In the order in which the engine lists them. */
  get containers(): readonly ContainerInfo[] {
    return [...this.#known.values()];
  }

  /** The next refresh inspects this container again. */
  markStale(id: string): void {
    this.#stale.add(id);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const listed = (
      await this.#within('list its containers', signal, (abortSignal) =>
        this.#docker.listContainers({ all: true, filters, abortSignal }),
      )
    ).map(({ Id: id, State: state }) => ({ id, status: parseStatus(state) }));
    const stale = new Set(this.#stale);
    this.#stale.clear();
    const outdated = listed.filter(
      ({ id, status }) => stale.has(id) || this.#known.get(id)?.status !== status,
    );
    const fresh = new Map<string, ContainerInfo>();
    await inLanes(inspectsAtOnce, outdated, async ({ id }) => {
      const info = await this.inspect(id, signal).catch(ignoreNotFound);
      if (info) fresh.set(id, info);
    });
    const before = new Map(this.#known);
    this.#known.clear();
    for (const { id } of listed) {
      const info =
        fresh.get(id) ?? (outdated.some((o) => o.id === id) ? undefined : before.get(id));
      if (info && info.status !== 'stopped') this.#known.set(id, info);
    }
  }

  async inspect(id: string, signal: AbortSignal): Promise<ContainerInfo> {
    const json = await this.#within(`inspect ${id.slice(0, 12)}`, signal, (abortSignal) =>
      this.#docker.getContainer(id).inspect({ abortSignal }),
    );
    return parseContainerInfo(json as unknown as InspectJson);
  }

  #within<T>(
    what: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const message = `the engine did not ${what} within ${callTimeoutMs} ms`;
    return withDeadline(this.#clock, callTimeoutMs, message, signal, start);
  }
}

/** It went between the list and the inspect. */
function ignoreNotFound(error: unknown): undefined {
  if (statusCodeOf(error) === 404) return undefined;
  throw error;
}
