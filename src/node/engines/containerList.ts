import type Docker from 'dockerode';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { mapConcurrent } from '../../base/mapConcurrent';
import type { PortPublisher } from '../../services/host/engine';
import {
  type EngineContainer,
  type InspectJson,
  parseContainerInfo,
  parsePortPublisher,
} from './containerInfo';
import { statusCodeOf } from './engineProblem';

const callTimeoutMs = 15_000;
const inspectsAtOnce = 4;
/**
 * An inspect of a container that is being started waits for the start; others must not wait for it.
 */
const stoppedTimeoutMs = 2000;
/**
 * How many containers that do not run are kept, newest first; an inspect of each takes a few
 * milliseconds, once.
 */
const maxStopped = 1000;

interface Known {
  /** The engine's word for its state at the inspect. */
  readonly state: string;
  readonly info: EngineContainer;
  readonly publisher: PortPublisher | undefined;
}

/**
 * Keeps the list of an engine's containers up to date: those that run or are paused and, for all,
 * the ports that they publish on the engine's machine. A refresh is one list call, and an inspect
 * of each container that is new or that an event was about.
 */
export class ContainerList {
  readonly #docker: Docker;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #stale = new Set<string>();
  /** Containers that are inspected now, apart from a refresh. */
  readonly #learning = new Set<string>();
  readonly #onLearnt: () => void;

  /** `onLearnt` is called when it learns something between two refreshes. */
  constructor(docker: Docker, clock: Clock, onLearnt: () => void = () => undefined) {
    this.#docker = docker;
    this.#clock = clock;
    this.#onLearnt = onLearnt;
  }

  /** The containers that run or are paused, in the engine's order. */
  get containers(): readonly EngineContainer[] {
    return [...this.#known.values()].flatMap(({ info }) =>
      info.status === 'stopped' ? [] : [info],
    );
  }

  /** The others, as they were when they were last inspected. */
  get stopped(): readonly EngineContainer[] {
    return [...this.#known.values()].flatMap(({ info }) =>
      info.status === 'stopped' ? [info] : [],
    );
  }

  get publishers(): readonly PortPublisher[] {
    return [...this.#known.values()].flatMap(({ publisher }) => publisher ?? []);
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** The next refresh inspects this container again. */
  markStale(id: string): void {
    this.#stale.add(id);
  }

  async refresh(signal: AbortSignal): Promise<void> {
    const listed = inBounds(
      await this.#within('list its containers', signal, (abortSignal) =>
        this.#docker.listContainers({ all: true, abortSignal }),
      ),
    );
    const stale = new Set(this.#stale);
    this.#stale.clear();
    const outdated = listed.filter(
      ({ id, state }) =>
        !this.#learning.has(id) && (stale.has(id) || this.#known.get(id)?.state !== state),
    );
    // Something happens to a container that did not and does not run: a start, perhaps.
    const isStill = ({ id, state }: Listed): boolean =>
      !isLive(state) && this.#known.get(id)?.state === state;
    for (const { id } of outdated.filter(isStill)) {
      void this.learn(id, signal).then(this.#onLearnt, () => undefined);
    }
    const asked = outdated.filter((one) => !isStill(one));
    const fresh = new Map<string, Known>();
    await mapConcurrent(inspectsAtOnce, asked, async ({ id, state }) => {
      const json = await (isLive(state)
        ? this.#inspect(id, signal).catch(ignoreNotFound)
        : this.#inspect(id, signal, stoppedTimeoutMs).catch(() => undefined));
      if (json) fresh.set(id, knownOf(state, json));
    });
    const before = new Map(this.#known);
    this.#known.clear();
    for (const { id } of listed) {
      const isAsked = asked.some((one) => one.id === id);
      const known = fresh.get(id) ?? (isAsked ? undefined : before.get(id));
      if (known) this.#known.set(id, known);
    }
  }

  /**
   * Inspects a container that is being created as soon as the engine knows it; resolves with
   * whether it does.
   */
  async learn(id: string, signal: AbortSignal): Promise<boolean> {
    this.#learning.add(id);
    try {
      const json = await this.#inspect(id, signal).catch(ignoreNotFound);
      if (json) this.#known.set(id, knownOf(json.State?.Status ?? '', json));
      return json !== undefined;
    } finally {
      this.#learning.delete(id);
    }
  }

  async inspect(id: string, signal: AbortSignal): Promise<EngineContainer> {
    return parseContainerInfo(await this.#inspect(id, signal));
  }

  async #inspect(id: string, signal: AbortSignal, timeoutMs = callTimeoutMs): Promise<InspectJson> {
    const json = await this.#within(
      `inspect ${id.slice(0, 12)}`,
      signal,
      (abortSignal) => this.#docker.getContainer(id).inspect({ abortSignal }),
      timeoutMs,
    );
    return json as unknown as InspectJson;
  }

  #within<T>(
    what: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<T>,
    timeoutMs = callTimeoutMs,
  ): Promise<T> {
    const message = `the engine did not ${what} within ${timeoutMs} ms`;
    return withDeadline(this.#clock, timeoutMs, message, signal, start);
  }
}

interface Listed {
  readonly id: string;
  readonly state: string;
}

/** Limits the list, newest first as engines send it. */
function inBounds(containers: readonly Docker.ContainerInfo[]): Listed[] {
  let stoppedCount = 0;
  return containers
    .map(({ Id: id, State: state }) => ({ id, state }))
    .filter(({ state }) => isLive(state) || ++stoppedCount <= maxStopped);
}

const isLive = (state: string): boolean => state === 'running' || state === 'paused';

function knownOf(state: string, json: InspectJson): Known {
  return { state, info: parseContainerInfo(json), publisher: parsePortPublisher(json) };
}

/** The container was removed between the list and the inspect. */
function ignoreNotFound(error: unknown): undefined {
  if (statusCodeOf(error) === 404) return undefined;
  throw error;
}
