/**
 * Which ports of this machine belong to containers that publish them, whether those run or only may
 * start again. Whoever opens a port here asks first, and gives way when the answer changes.
 */
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import { type Event, EventEmitter } from '../../base/event';
import { waitFor } from '../../base/waitFor';
import { type Endpoint, isUnspecified } from '../../model/endpoint';
import type { Engine, PortPublisher } from '../host/engine';

export type Transport = 'tcp' | 'udp';

export interface PortReservation {
  readonly publisher: PortPublisher;
  /** It publishes the port on every address of this machine. */
  readonly isEverywhere: boolean;
}

export interface PortReservations {
  /** Whose port it is, if a container's; on a wildcard address also one of a single address. */
  find(transport: Transport, endpoint: Endpoint): PortReservation | undefined;
  /**
   * A container is being made, and nobody knows yet which ports it is about to bind: listen on none
   * that it might want.
   */
  readonly isUnsure: boolean;
  /** Fires when one of the above may be another; at once, since a start does not wait. */
  readonly onDidChange: Event<void>;
  /** Resolves when every engine has been asked and none is unsure, or after a few seconds. */
  ready(signal: AbortSignal): Promise<void>;
}

/** A machine without containers that publish anything. */
export const NO_RESERVATIONS: PortReservations = {
  find: () => undefined,
  isUnsure: false,
  onDidChange: () => ({ dispose: () => undefined }),
  ready: () => Promise.resolve(),
};

/** The engines whose containers publish ports of this machine. */
export interface PublishingEngines {
  readonly engines: readonly Engine[];
  readonly isReady: boolean;
  readonly onDidChange: Event<void>;
}

/** A container that stopped within this time is likely to be started again. */
const RECENT_MS = 24 * 60 * 60 * 1000;
/**
 * Where containers are made one after the other (a build, tests), our ports are closed for so long at
 * most, and a third of the time on the whole: circuits go on, and who connects meanwhile tries again.
 */
const MAX_UNSURE_MS = 3000;
const UNSURE_SHARE = 1 / 3;
/**
 * A container that was removed is likely to be made again at once (`docker rm -f` and `docker run`): for so
 * long its ports stay free of us, longer on a busy machine. Clients that know no other port wait as long.
 */
const REMOVED_MS = 1000;
/** Who publishes more than that has them when it runs, and none ahead of it: nothing would be left. */
const MAX_PORTS_AHEAD = 1000;
/** An engine that does not answer must not keep ports closed for ever. */
const READY_TIMEOUT_MS = 5000;
const LOOK_MS = 20;

export class ContainerPorts implements PortReservations, Disposable {
  readonly #sources: readonly PublishingEngines[];
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #followed = new Map<Engine, Disposable>();
  #lapse: Disposable | undefined;
  /** As last told, by id. */
  #known: ReadonlyMap<string, PortPublisher> = new Map();
  /** Removed just now, by id, each with what ends it. */
  readonly #removed = new Map<string, { readonly publisher: PortPublisher; timer: Disposable }>();
  /** While containers are made and we stand aside for it. */
  #unsure: { readonly sinceMs: number; readonly timer: Disposable } | undefined;
  /** How long we may stand aside, as of then. */
  #patienceMs = MAX_UNSURE_MS;
  #patienceAtMs = 0;
  #byPort: ReadonlyMap<string, readonly Published[]> | undefined;

  readonly onDidChange = this.#changed.event;

  constructor(sources: readonly PublishingEngines[], clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
    for (const source of sources) {
      this.#store.add(
        source.onDidChange(() => {
          this.#follow();
          this.#changed.fire();
        }),
      );
    }
    this.#store.add(
      toDisposable(() => {
        this.#lapse?.dispose();
        this.#unsure?.timer.dispose();
        for (const { timer } of this.#removed.values()) timer.dispose();
      }),
    );
    this.#follow();
  }

  get #engines(): ReadonlySet<Engine> {
    return new Set(this.#sources.flatMap(({ engines }) => engines));
  }

  #follow(): void {
    const engines = this.#engines;
    for (const engine of engines) {
      if (this.#followed.has(engine)) continue;
      const following = engine.onDidChange(() => {
        this.#review();
        this.#changed.fire();
      });
      this.#followed.set(engine, this.#store.add(following));
    }
    for (const [engine, following] of this.#followed) {
      if (engines.has(engine)) continue;
      this.#followed.delete(engine);
      this.#store.release(following);
    }
    this.#review();
  }

  #review(): void {
    this.#byPort = undefined;
    this.#noteRemoved();
    this.#noteMaking();
    this.#awaitLapse();
  }

  #noteRemoved(): void {
    const known = new Map(this.publishers.map((publisher) => [publisher.id, publisher]));
    for (const [id, publisher] of this.#known) {
      if (known.has(id) || this.#removed.has(id)) continue;
      const timer = this.#clock.after(this.#clock.stretch(REMOVED_MS), () => {
        this.#removed.delete(id);
        this.#byPort = undefined;
        this.#changed.fire();
      });
      this.#removed.set(id, { publisher, timer });
    }
    this.#known = known;
  }

  #noteMaking(): void {
    const isMaking = [...this.#engines].some(
      ({ publishing }) => publishing?.isMakingContainer === true,
    );
    if (isMaking === (this.#unsure !== undefined)) return;
    const nowMs = this.#clock.nowMs();
    if (isMaking) {
      const earnedMs = (nowMs - this.#patienceAtMs) * UNSURE_SHARE;
      this.#patienceMs = Math.min(MAX_UNSURE_MS, this.#patienceMs + earnedMs);
      const timer = this.#clock.after(this.#patienceMs, () => this.#changed.fire());
      this.#unsure = { sinceMs: nowMs, timer };
    } else if (this.#unsure) {
      this.#unsure.timer.dispose();
      this.#patienceMs = Math.max(0, this.#patienceMs - (nowMs - this.#unsure.sinceMs));
      this.#patienceAtMs = nowMs;
      this.#unsure = undefined;
    }
  }

  /** Tells when the next reservation lapses; nothing else happens then. */
  #awaitLapse(): void {
    const wallMs = this.#clock.wallMs();
    const lapses = this.publishers.flatMap((publisher) => lapseOf(publisher) ?? []);
    const next = Math.min(...lapses.filter((atMs) => atMs >= wallMs));
    this.#lapse?.dispose();
    this.#lapse = undefined;
    if (next === Infinity) return;
    this.#lapse = this.#clock.after(Math.min(next - wallMs, RECENT_MS) + 1, () => {
      this.#changed.fire();
      this.#awaitLapse();
    });
  }

  get isUnsure(): boolean {
    return (
      this.#unsure !== undefined && this.#clock.nowMs() - this.#unsure.sinceMs < this.#patienceMs
    );
  }

  /** Every container that publishes something, whatever it does now. */
  get publishers(): readonly PortPublisher[] {
    return [...this.#engines].flatMap(({ publishing }) => publishing?.publishers ?? []);
  }

  find(transport: Transport, endpoint: Endpoint): PortReservation | undefined {
    this.#byPort ??= byPort([
      ...this.publishers,
      ...[...this.#removed.values()].map(({ publisher }) => publisher),
    ]);
    const wallMs = this.#clock.wallMs();
    let specific: PortReservation | undefined;
    for (const { publisher, hostIp } of this.#byPort.get(`${transport} ${endpoint.port}`) ?? []) {
      if (!holdsItsPorts(publisher, wallMs)) continue;
      if (isUnspecified(hostIp)) return { publisher, isEverywhere: true };
      if (hostIp === endpoint.host || isUnspecified(endpoint.host)) {
        specific ??= { publisher, isEverywhere: false };
      }
    }
    return specific;
  }

  async ready(signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.nowMs() + this.#clock.stretch(READY_TIMEOUT_MS);
    const isReady = (): boolean =>
      !this.isUnsure && this.#sources.every((source) => source.isReady);
    const isOver = (): boolean => isReady() || this.#clock.nowMs() >= untilMs;
    await waitFor(this.#clock, () => (isOver() ? true : undefined), LOOK_MS, signal);
  }

  dispose(): void {
    this.#store.dispose();
  }
}

interface Published {
  readonly publisher: PortPublisher;
  readonly hostIp: string;
}

/** By `tcp 5064`. */
function byPort(publishers: readonly PortPublisher[]): ReadonlyMap<string, readonly Published[]> {
  const index = new Map<string, Published[]>();
  for (const publisher of publishers) {
    for (const { transport, hostIp, hostPort } of publisher.ports) {
      const key = `${transport} ${hostPort}`;
      const known = index.get(key);
      if (known) known.push({ publisher, hostIp });
      else index.set(key, [{ publisher, hostIp }]);
    }
  }
  return index;
}

/** Whether a container has its ports, or is to have them when it starts. */
function holdsItsPorts(publisher: PortPublisher, wallMs: number): boolean {
  const { state, ports } = publisher;
  const isLive = state === 'running' || state === 'paused' || state === 'restarting';
  if (!isLive && ports.length > MAX_PORTS_AHEAD) return false;
  const lapseMs = lapseOf(publisher);
  return lapseMs === undefined || wallMs <= lapseMs;
}

/** When it is not expected to start again any more, in ms since 1970; undefined: no such time. */
function lapseOf({ state, restartsByItself, finishedAt }: PortPublisher): number | undefined {
  const endedMs = finishedAt === '' ? -Infinity : Date.parse(finishedAt);
  // `exited`, of Docker; the others are Podman's.
  const hasEnded = state === 'exited' || state === 'stopped' || state === 'dead';
  return hasEnded && !restartsByItself ? endedMs + RECENT_MS : undefined;
}
