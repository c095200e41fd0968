import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import { type Event, EventEmitter } from '../../base/event';
import { waitFor } from '../../base/waitFor';
import { type Endpoint, isUnspecified } from '../../model/endpoint';
import type { Engine, PortPublisher } from '../host/engine';

/** The transport of a port. */
export type Transport = 'tcp' | 'udp';

/** A port that belongs to a container. */
export interface PortReservation {
  readonly publisher: PortPublisher;
  /** It publishes the port on every address of this machine. */
  readonly isEverywhere: boolean;
}

/**
 * Which ports of this machine belong to containers that publish them, whether those run now or may
 * start again. Whoever opens a port here asks first, and gives way when the answer changes.
 */
export interface PortReservations {
  /**
   * The container that has the port, if any; for a wildcard address also one that has it on a
   * single address.
   */
  find(transport: Transport, endpoint: Endpoint): PortReservation | undefined;
  /**
   * A container is being created and it is not known yet which ports it will bind: listen on none
   * that it could want.
   */
  readonly isUnsure: boolean;
  /** Fires when one of the above may have changed; without delay, because a start does not wait. */
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
 * If containers are created one after the other (a build, tests), our ports are closed for this
 * long at most, and a third of the time overall: circuits go on, and clients that connect meanwhile
 * try again.
 */
const MAX_UNSURE_MS = 3000;
const UNSURE_SHARE = 1 / 3;
/**
 * A removed container is often created again at once (`docker rm -f` and `docker run`): its ports
 * stay free for this long, and longer on a busy machine. Clients that know no other port wait as
 * long.
 */
const REMOVED_MS = 1000;
/**
 * A container that publishes more ports has them only while it runs: otherwise nothing would be
 * left.
 */
const MAX_PORTS_AHEAD = 1000;
/** An engine that does not answer must not keep ports closed for ever, ms. */
const READY_TIMEOUT_MS = 5000;
const LOOK_MS = 20;

/** The reservations of all containers of these engines. */
export class ContainerPorts implements PortReservations, Disposable {
  readonly #sources: readonly PublishingEngines[];
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #followed = new Map<Engine, Disposable>();
  #lapse: Disposable | undefined;
  /** As last reported, by id. */
  #known: ReadonlyMap<string, PortPublisher> = new Map();
  /** Removed just now, by id, each with the timer that ends it. */
  readonly #removed = new Map<string, { readonly publisher: PortPublisher; timer: Disposable }>();
  /** Set while containers are created and we stand aside. */
  #unsure: { readonly sinceMs: number; readonly timer: Disposable } | undefined;
  /** How long we may stand aside, as of `sinceMs`. */
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

  /** Fires when the next reservation lapses, because nothing else happens then. */
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

  /** Every container that publishes ports, in any state. */
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

/** Publishers by transport and number, such as `tcp 5064`. */
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

/** Whether a container has its ports, or gets them when it starts. */
function holdsItsPorts(publisher: PortPublisher, wallMs: number): boolean {
  const { state, ports } = publisher;
  const isLive = state === 'running' || state === 'paused' || state === 'restarting';
  if (!isLive && ports.length > MAX_PORTS_AHEAD) return false;
  const lapseMs = lapseOf(publisher);
  return lapseMs === undefined || wallMs <= lapseMs;
}

/** When it is no longer expected to start again, ms since 1970; undefined: no such time. */
function lapseOf({ state, restartsAutomatically, finishedAt }: PortPublisher): number | undefined {
  const endedMs = finishedAt === '' ? -Infinity : Date.parse(finishedAt);
  // `exited` is Docker's word; the others are Podman's.
  const hasEnded = state === 'exited' || state === 'stopped' || state === 'dead';
  return hasEnded && !restartsAutomatically ? endedMs + RECENT_MS : undefined;
}
