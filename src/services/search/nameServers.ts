import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { schedule } from '../../base/schedule';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import { NAME_SERVER_PORTS } from '../../model/nameServerPorts';
import type { PvProtocol } from '../../model/snapshot';
import type { CircuitInterceptor } from '../host/connection';
import type { PortReservations } from '../localPorts/portReservations';
import type { SearchSockets } from '../host/searchSockets';

/** What NameServers needs. */
export interface NameServersInput {
  readonly sockets: Pick<SearchSockets, 'openNameServer'>;
  readonly reservations: PortReservations;
  readonly intercept: (protocol: PvProtocol, onAnswer: () => void) => CircuitInterceptor;
  /** `state` has changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const PROTOCOLS = ['ca', 'pva'] as const;
const HOST = '127.0.0.1';
/** Two sockets that cannot be bound cost microseconds; clients wait for who takes over. */
const RETRY_MS = 1000;

/**
 * The name servers of this machine that belong to no IOC, one per protocol: the printed environment
 * names them. They outlive IOCs, so that a client's search stays open while its IOC is away.
 */
export class NameServers implements Disposable {
  readonly #input: NameServersInput;
  readonly #following: Disposable;
  /** Set per protocol while it is open. */
  readonly #stores = new Map<PvProtocol, DisposableStore>();
  #isDisposed = false;
  /** Protocols of which it is known whether there is a name server. */
  readonly #decided = new Set<PvProtocol>();
  #state: Partial<Record<PvProtocol, Endpoint>> = {};

  constructor(input: NameServersInput) {
    this.#input = input;
    this.#following = input.reservations.onDidChange(() => this.#makeRoom());
  }

  /** Where they listen. */
  get state(): Readonly<Partial<Record<PvProtocol, Endpoint>>> {
    return this.#state;
  }

  /** Whether they are open, or cannot be: then `state` is what clients should use. */
  get isDecided(): boolean {
    return PROTOCOLS.every((protocol) => this.#decided.has(protocol));
  }

  /** Opens or closes the name servers. */
  setOpen(isOpen: boolean): void {
    if (isOpen === this.#stores.size > 0 || this.#isDisposed) return;
    if (isOpen) for (const protocol of PROTOCOLS) this.#begin(protocol);
    else {
      this.#close();
      this.#input.onChange();
    }
  }

  #begin(protocol: PvProtocol): void {
    const store = new DisposableStore();
    this.#stores.set(protocol, store);
    void this.#open(protocol, store);
  }

  /**
   * Takes the first free port, and keeps trying the ones before it, because clients know the first
   * one.
   */
  async #open(
    protocol: PvProtocol,
    store: DisposableStore,
    ports: readonly number[] = NAME_SERVER_PORTS[protocol],
  ): Promise<void> {
    const { sockets, reservations, intercept, onChange, clock, log } = this.#input;
    let left = ports;
    try {
      for (const [index, port] of ports.entries()) {
        if (reservations.find('tcp', { host: HOST, port })) continue;
        const relay = await sockets.openNameServer(protocol, port, (onAnswer) =>
          intercept(protocol, onAnswer),
        );
        if (!relay) continue;
        store.add(relay);
        if (store.isDisposed) return;
        left = ports.slice(0, index);
        this.#state = { ...this.#state, [protocol]: relay.local };
        log('info', 'search', `name server for ${protocol} at ${formatEndpoint(relay.local)}`);
        break;
      }
    } catch (error) {
      log('warn', 'search', `no name server for ${protocol}: ${messageOf(error)}`);
    }
    if (store.isDisposed) return;
    this.#decided.add(protocol);
    if (left !== ports || ports === NAME_SERVER_PORTS[protocol]) onChange();
    if (left.length === 0) return;
    schedule(store, clock, RETRY_MS, () => void this.#open(protocol, store, left));
  }

  /** A container publishes the port of one of them: that one takes another number. */
  #makeRoom(): void {
    for (const [protocol, endpoint] of Object.entries(this.#state) as [PvProtocol, Endpoint][]) {
      if (!this.#input.reservations.find('tcp', endpoint)) continue;
      this.#stores.get(protocol)?.dispose();
      const { [protocol]: _, ...others } = this.#state;
      this.#state = others;
      this.#decided.delete(protocol);
      this.#begin(protocol);
    }
  }

  #close(): void {
    for (const store of this.#stores.values()) store.dispose();
    this.#stores.clear();
    this.#decided.clear();
    this.#state = {};
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#following.dispose();
    this.#close();
  }
}
