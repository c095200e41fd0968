/**
 * Which ports of this machine belong to containers that publish them, whether those run or only may
 * start again. Whoever opens a port here asks first, and gives way when the answer changes.
 */
import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import { type Event, EventEmitter } from '../../base/event';
import { type Endpoint, isUnspecified } from '../../model/endpoint';
import type { Engine, PortPublisher } from '../engine';

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
/** Where containers are made one after the other, our ports are not closed for longer on end. */
const MAX_UNSURE_MS = 3000;
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
  /** While containers are made, since when; and the end of our patience with that. */
  #making: { readonly sinceMs: number; readonly timer: Disposable } | undefined;

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
        this.#making?.timer.dispose();
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
        this.#noteMaking();
        this.#awaitLapse();
        this.#changed.fire();
      });
      this.#followed.set(engine, this.#store.add(following));
    }
    for (const [engine, following] of this.#followed) {
      if (engines.has(engine)) continue;
      this.#followed.delete(engine);
      this.#store.release(following);
    }
    this.#noteMaking();
    this.#awaitLapse();
  }

  #noteMaking(): void {
    const isMaking = [...this.#engines].some(({ isMakingContainer }) => isMakingContainer);
    if (isMaking === (this.#making !== undefined)) return;
    this.#making?.timer.dispose();
    this.#making = undefined;
    if (!isMaking) return;
    const timer = this.#clock.after(MAX_UNSURE_MS, () => this.#changed.fire());
    this.#making = { sinceMs: this.#clock.nowMs(), timer };
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
    return this.#making !== undefined && this.#clock.nowMs() - this.#making.sinceMs < MAX_UNSURE_MS;
  }

  /** Every container that publishes something, whatever it does now. */
  get publishers(): readonly PortPublisher[] {
    return [...this.#engines].flatMap(({ publishers }) => publishers);
  }

  find(transport: Transport, endpoint: Endpoint): PortReservation | undefined {
    let specific: PortReservation | undefined;
    for (const publisher of this.publishers) {
      const ports = publisher.ports.filter(
        (port) => port.transport === transport && port.hostPort === endpoint.port,
      );
      if (ports.length === 0 || !holdsItsPorts(publisher, this.#clock.wallMs())) continue;
      if (ports.some(({ hostIp }) => isUnspecified(hostIp))) {
        return { publisher, isEverywhere: true };
      }
      const isMet = ports.some(({ hostIp }) => hostIp === endpoint.host);
      if (isMet || isUnspecified(endpoint.host)) specific ??= { publisher, isEverywhere: false };
    }
    return specific;
  }

  async ready(signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.nowMs() + this.#clock.stretch(READY_TIMEOUT_MS);
    const isReady = (): boolean =>
      !this.isUnsure && this.#sources.every((source) => source.isReady);
    while (!isReady() && this.#clock.nowMs() < untilMs) await delay(this.#clock, LOOK_MS, signal);
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** Whether a container has its ports, or is to have them when it starts. */
function holdsItsPorts(publisher: PortPublisher, wallMs: number): boolean {
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
