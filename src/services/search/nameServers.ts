/** The name servers of this machine that belong to no IOC, one for each protocol. */
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { schedule } from '../../base/schedule';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type { CircuitSifter } from '../connection';
import type { SearchSockets } from './searchSockets';

export interface NameServersInput {
  readonly sockets: Pick<SearchSockets, 'openNameServer'>;
  readonly sift: (protocol: PvProtocol, onAnswer: () => void) => CircuitSifter;
  /** `state` is another now. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface StandIn {
  readonly protocol: PvProtocol;
  /** On 127.0.0.1. */
  readonly endpoint: Endpoint;
}

const PROTOCOLS = ['ca', 'pva'] as const;
/** Below those of servers, which IOCs in containers may want; others for who comes second. */
const PORTS: Readonly<Record<PvProtocol, readonly number[]>> = {
  ca: [5063, 15_063, 25_063, 35_063],
  pva: [5074, 15_074, 25_074, 35_074],
};
const RETRY_MS = 5000;

export class NameServers implements Disposable {
  readonly #input: NameServersInput;
  /** While open. */
  #store: DisposableStore | undefined;
  readonly #standIns = new Map<string, DisposableStore>();
  #isDisposed = false;
  /** Of which it is known whether there is one. */
  readonly #decided = new Set<PvProtocol>();
  #state: Partial<Record<PvProtocol, Endpoint>> = {};

  constructor(input: NameServersInput) {
    this.#input = input;
  }

  /** Where they listen. */
  get state(): Readonly<Partial<Record<PvProtocol, Endpoint>>> {
    return this.#state;
  }

  /** Whether they are open, or cannot be: then `state` is what clients are told. */
  get isDecided(): boolean {
    return PROTOCOLS.every((protocol) => this.#decided.has(protocol));
  }

  setOpen(isOpen: boolean): void {
    if (isOpen === (this.#store !== undefined) || this.#isDisposed) return;
    if (!isOpen) {
      this.#close();
      this.#input.onChange();
      return;
    }
    const store = new DisposableStore();
    this.#store = store;
    for (const protocol of PROTOCOLS) void this.#open(protocol, store);
  }

  /** Takes the first port that is free, and goes on trying those before it: clients know the first. */
  async #open(
    protocol: PvProtocol,
    store: DisposableStore,
    ports: readonly number[] = PORTS[protocol],
  ): Promise<void> {
    const { sockets, sift, onChange, clock, log } = this.#input;
    let left = ports;
    try {
      for (const [index, port] of ports.entries()) {
        const relay = await sockets.openNameServer(protocol, port, (onAnswer) =>
          sift(protocol, onAnswer),
        );
        if (!relay) continue;
        store.add(relay);
        if (store.isDisposed) return;
        left = ports.slice(0, index);
        this.#state = { ...this.#state, [protocol]: relay.local };
        log('info', 'search', `name server of ${protocol} at ${formatEndpoint(relay.local)}`);
        break;
      }
    } catch (error) {
      log('warn', 'search', `no name server of ${protocol}: ${messageOf(error)}`);
    }
    if (store.isDisposed) return;
    this.#decided.add(protocol);
    if (left !== ports || ports === PORTS[protocol]) onChange();
    if (left.length === 0) return;
    schedule(store, clock, RETRY_MS, () => void this.#open(protocol, store, left));
  }

  /**
   * Takes where relays of a protocol were that clients know by heart, while others are there to be
   * found: for as long as none is there again, we answer in their place.
   */
  setStandIns(wanted: readonly StandIn[]): void {
    const store = this.#store;
    const keys = new Set(wanted.map(({ endpoint }) => formatEndpoint(endpoint)));
    for (const key of [...this.#standIns.keys()]) if (!keys.has(key)) this.#endStandIn(key);
    if (!store) return;
    for (const { protocol, endpoint } of wanted) {
      const key = formatEndpoint(endpoint);
      if (this.#standIns.has(key)) continue;
      const its = store.add(new DisposableStore());
      this.#standIns.set(key, its);
      void this.#openStandIn(protocol, endpoint, its);
    }
  }

  async #openStandIn(
    protocol: PvProtocol,
    { port }: Endpoint,
    its: DisposableStore,
  ): Promise<void> {
    const { sockets, sift, log } = this.#input;
    try {
      const relay = await sockets.openNameServer(protocol, port, (onAnswer) =>
        sift(protocol, onAnswer),
      );
      if (relay) its.add(relay);
    } catch (error) {
      log('info', 'search', `nobody answers for others at port ${port}: ${messageOf(error)}`);
    }
  }

  /** A relay is to listen there: at once. */
  vacate(endpoint: Endpoint): void {
    this.#endStandIn(formatEndpoint(endpoint));
  }

  #endStandIn(key: string): void {
    const standIn = this.#standIns.get(key);
    this.#standIns.delete(key);
    if (standIn) this.#store?.release(standIn);
  }

  #close(): void {
    this.#store?.dispose();
    this.#store = undefined;
    this.#standIns.clear();
    this.#decided.clear();
    this.#state = {};
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#close();
  }
}
