import { setMaxListeners } from 'node:events';
import type { OnReadOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { onAbort } from '../../base/abort';
import { DisposableStore, toDisposable } from '../../base/disposable';
import { CancelledError, DisposedError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { Endpoint } from '../../model/endpoint';
import type { RouteKind } from '../../model/snapshot';
import type { CircuitSearches, RelayResult, Route } from '../../services/host/connection';
import type { Carrier } from '../relay/carrier';
import { openTcpRelay, type DialledStream } from '../relay/tcpRelay';

/** How one kind of route connects. */
export interface Dialer {
  readonly kind: RouteKind;
  /** For messages: "container address 172.17.0.2". */
  readonly label: string;
  /** As Route.directEndpoint; absent: never. */
  directEndpoint?(target: Endpoint): Endpoint | undefined;
  /** As Route.ownEndpoint; absent: never. */
  ownEndpoint?(target: Endpoint): Endpoint | undefined;
  /** As Route.dial and Dial. Messages fit after a prefix of the caller. */
  connect(target: Endpoint, signal: AbortSignal, onread?: OnReadOpts): Promise<DialledStream>;
  /** As connect, for the many clients of a relay: what was proved a moment ago holds. Absent: `connect`. */
  connectForRelay?: Dialer['connect'];
  /** Ends what the dialer has started. */
  dispose?(): void;
}

/** A route made from a dialer. Everything that was dialled or opened through it ends with it. */
export class DialledRoute implements Route {
  readonly kind: RouteKind;
  readonly label: string;
  readonly #store = new DisposableStore();
  readonly #ending = new AbortController();

  constructor(
    readonly dialer: Dialer,
    readonly log: Log,
    /** Carries the circuits of relays; absent: this process. */
    readonly carrier?: Carrier,
    /** As TcpRelayOptions. */
    readonly hasAddress?: (address: string) => boolean | undefined,
  ) {
    this.kind = dialer.kind;
    this.label = dialer.label;
    setMaxListeners(0, this.#ending.signal); // one for each open dial
  }

  directEndpoint(target: Endpoint): Endpoint | undefined {
    return this.dialer.directEndpoint?.(target);
  }

  ownEndpoint(target: Endpoint): Endpoint | undefined {
    return this.dialer.ownEndpoint?.(target);
  }

  async dial(target: Endpoint, signal: AbortSignal): Promise<Duplex> {
    const { stream } = await this.#connect(signal, (both) => this.dialer.connect(target, both));
    const owned = toDisposable(() => stream.destroy());
    this.#store.add(owned);
    stream.once('close', () => this.#store.release(owned));
    if (stream.destroyed) throw new CancelledError();
    return stream;
  }

  async openRelay(
    local: Endpoint,
    target: Endpoint,
    searches?: CircuitSearches,
  ): Promise<RelayResult> {
    if (this.#ending.signal.aborted) throw new DisposedError(this.label);
    const { log, carrier, dialer, hasAddress } = this;
    const connectOne: Dialer['connect'] = (...all) =>
      dialer.connectForRelay ? dialer.connectForRelay(...all) : dialer.connect(...all);
    const result = await openTcpRelay(
      local,
      (signal, onread) => this.#connect(signal, (both) => connectOne(target, both, onread)),
      {
        log,
        ...(searches && { searches }),
        ...(carrier && { carrier }),
        ...(hasAddress && { hasAddress }),
      },
    );
    if (result.kind === 'listening') {
      const { relay } = result;
      this.#store.add(relay);
      relay.onDidEnd(() => this.#store.release(relay));
    }
    return result;
  }

  /** Ends with the caller's signal or with this route. */
  async #connect(
    signal: AbortSignal,
    connect: (both: AbortSignal) => Promise<DialledStream>,
  ): Promise<DialledStream> {
    if (this.#ending.signal.aborted) throw new DisposedError(this.label);
    const both = new AbortController();
    const listeners = [signal, this.#ending.signal].map((one) => onAbort(one, () => both.abort()));
    try {
      return await connect(both.signal);
    } finally {
      for (const listener of listeners) listener.dispose();
    }
  }

  dispose(): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#store.dispose();
    this.dialer.dispose?.();
  }
}
