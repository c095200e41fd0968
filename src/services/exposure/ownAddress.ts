import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import { type Endpoint, isSameEndpoint } from '../../model/endpoint';
import type { Connection, Route } from '../host/connection';
import type { ServerIdentity } from '../discovery/detect/serverIdentity';

/** An address that did not lead to the server is not tried again before that, ms. */
const TRY_AGAIN_MS = 30_000;
const settled: Disposable = toDisposable(() => undefined);

/** What an OwnAddress needs. */
export interface OwnAddressInput {
  /** Where the server listens, in the container's network namespace. */
  readonly target: Endpoint;
  /** The routes into the container. */
  readonly routes: () => readonly Route[];
  /** What the server is known to be; undefined: do not try now. */
  readonly identity: () => ServerIdentity | undefined;
  /** Makes a handshake over that route; rejects if there is no answer in time. */
  readonly ask: (route: Route) => Promise<ServerIdentity | undefined>;
  /** `endpoint` may have changed. */
  readonly onDidChange: () => void;
  readonly clock: Clock;
}

/**
 * The address at which a server in a container listens, for as long as it is proved that this
 * machine reaches it there: by a handshake with the same server, and by its engine, which says that
 * the container has that address.
 */
export class OwnAddress implements Disposable {
  readonly #input: OwnAddressInput;
  #route: Route | undefined;
  #proved: Endpoint | undefined;
  #proof: Promise<void> | undefined;
  /** Set after it has failed, until it is tried again. */
  #pause: Disposable | undefined;
  #isDisposed = false;

  constructor(input: OwnAddressInput) {
    this.#input = input;
  }

  /** Where clients of this machine reach the server without us; undefined: not known. */
  get endpoint(): Endpoint | undefined {
    // It may have others beside.
    const now = this.#proved && this.#route?.ownEndpoint(this.#proved);
    return now && this.#proved && isSameEndpoint(now, this.#proved) ? now : undefined;
  }

  /** Connects there, as clients do, but where that leads into the container only. */
  dial(signal: AbortSignal): Promise<Connection> {
    const { endpoint } = this;
    if (!endpoint || !this.#route) return Promise.reject(new Error('its address is not known'));
    return this.#route.dial(endpoint, signal);
  }

  /** A handshake over that route has identified the server. */
  accept(route: Route): void {
    this.#pause?.dispose();
    this.#pause = undefined;
    this.#route = route;
    this.#proved = route.ownEndpoint(this.#input.target);
  }

  /** It does not lead to the server, for whatever reason: tried again in a while. */
  reject(): void {
    this.#pause?.dispose();
    this.#pause = this.#isDisposed
      ? settled
      : this.#input.clock.after(TRY_AGAIN_MS, () => {
          this.#pause = undefined;
          void this.find();
        });
    this.withdraw();
  }

  /** The container's networks have changed: what failed may lead there now. */
  retry(): void {
    this.#pause?.dispose();
    this.#pause = undefined;
    void this.find();
  }

  /** It is not known any more whether it leads to the server. */
  withdraw(): void {
    if (!this.#proved) return;
    this.#proved = undefined;
    this.#input.onDidChange();
  }

  /** The endpoint; if it is not proved, that is tried now, but soon after a failure. Never rejects. */
  async find(): Promise<Endpoint | undefined> {
    if (this.endpoint) return this.endpoint;
    this.#proof ??= this.#prove().finally(() => (this.#proof = undefined));
    await this.#proof;
    return this.endpoint;
  }

  async #prove(): Promise<void> {
    const { routes, identity, ask, onDidChange } = this.#input;
    const mine = identity();
    const route = routes().find(({ kind }) => kind === 'address');
    if (!route || !mine || this.#pause || this.#isDisposed) return;
    const other = await ask(route).catch(() => undefined);
    if (other?.protocol !== mine.protocol || other.guid !== mine.guid) {
      this.reject();
      return;
    }
    this.accept(route);
    onDidChange();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#pause?.dispose();
  }
}
