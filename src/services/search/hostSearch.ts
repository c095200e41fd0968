import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { type Endpoint, formatEndpoint, isLoopback } from '../../model/endpoint';
import type { SearchMode } from '../../model/coreApi';
import type { PvProtocol, SearchPort, SearchState } from '../../model/snapshot';
import { type PortRefusal, type Problem, problemLog } from '../../model/problem';
import { heldBy } from '../localPorts/localPorts';
import type { PortReservations } from '../localPorts/portReservations';
import type { NameService } from './nameService';
import type { SearchSocket, SearchSockets } from '../host/searchSockets';
import { UdpResponder } from './udpResponder';

/** What a HostSearch needs. */
export interface HostSearchInput {
  readonly sockets: SearchSockets;
  readonly reservations: PortReservations;
  readonly names: Readonly<Record<PvProtocol, Pick<NameService, 'ask' | 'servers'>>>;
  /** `state` changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ports, in addition to the usual one, on which IOCs in containers are configured to take searches.
 */
export type FurtherPorts = Readonly<Record<PvProtocol, readonly number[]>>;

/** A port that another program has is tried again after this time. */
const RETRY_MS = 10_000;
/** Networks come and go: of containers, of a laptop. */
const LOOK_MS = 5000;
const MAX_FURTHER_PORTS = 8;
const PROTOCOLS = ['ca', 'pva'] as const;
const HOST = '127.0.0.1';

/** An address and port on which we listen, or try to. */
class Place {
  readonly store = new DisposableStore();
  socket: SearchSocket | undefined;
  problem: Problem | undefined;
  isOpening = false;

  constructor(
    readonly protocol: PvProtocol,
    readonly endpoint: Endpoint,
  ) {}

  get isBroadcast(): boolean {
    return this.endpoint.host !== HOST;
  }
}

/**
 * Answers searches on the UDP ports on which this machine's clients search, open while there is
 * something to find: on 127.0.0.1 and, if requested, on the broadcast addresses of this machine.
 * Ports that containers publish are left to them.
 */
export class HostSearch implements Disposable {
  readonly #input: HostSearchInput;
  readonly #following: Disposable;
  readonly #places = new Map<string, Place>();
  #mode: SearchMode = 'off';
  #further: FurtherPorts = { ca: [], pva: [] };
  /** Set while searches are to be answered. */
  #store: DisposableStore | undefined;
  #responders: Readonly<Record<PvProtocol, UdpResponder>> | undefined;
  #own: ReadonlySet<string> = new Set();
  #broadcasts: readonly string[] = [];
  #isDisposed = false;
  #state: SearchState = {};

  constructor(input: HostSearchInput) {
    this.#input = input;
    this.#following = input.reservations.onDidChange(() => this.#review());
  }

  /** Which ports are open, and why others are not. */
  get state(): SearchState {
    return this.#state;
  }

  #stateOf(protocol: PvProtocol): SearchPort {
    const main = this.#input.sockets.ports[protocol];
    const its = [...this.#places.values()].filter((place) => place.protocol === protocol);
    const loopback = its.find((place) => !place.isBroadcast && place.endpoint.port === main);
    const alsoAt = its.filter((place) => place.socket && !place.isBroadcast && place !== loopback);
    const broadcasts = its.filter((place) => place.socket && place.isBroadcast);
    const problem = loopback?.problem ?? this.#reservedProblem(protocol);
    return {
      ...(loopback?.socket && { local: loopback.socket.local }),
      ...(alsoAt.length > 0 && { alsoAt: alsoAt.map(({ endpoint }) => endpoint) }),
      ...(broadcasts.length > 0 && {
        broadcasts: broadcasts.map(({ endpoint: { host } }) => host).sort(),
      }),
      ...(problem && { problem }),
    };
  }

  #reservedProblem(protocol: PvProtocol): Problem | undefined {
    const endpoint = { host: HOST, port: this.#input.sockets.ports[protocol] };
    const publisher = this.#input.reservations.find('udp', endpoint)?.publisher;
    const refusal = publisher && ({ why: 'published', container: publisher.name } as const);
    return refusal && { code: 'search-port-taken', protocol, endpoint, refusal };
  }

  setMode(mode: SearchMode): void {
    if (mode === this.#mode || this.#isDisposed) return;
    const wasOff = this.#mode === 'off';
    this.#mode = mode;
    if (mode === 'off') this.#close();
    else if (wasOff) this.#begin();
    else this.#look();
    this.#reportChanges();
  }

  /**
   * Takes the ports on which the exposed servers are configured to take searches; those free here
   * are answered too.
   */
  setFurtherPorts(further: FurtherPorts): void {
    this.#further = further;
    this.#review();
  }

  #begin(): void {
    const { names, clock, log } = this.#input;
    const store = new DisposableStore();
    this.#store = store;
    const responderOf = (protocol: PvProtocol): UdpResponder =>
      store.add(
        new UdpResponder({
          ...{ protocol, names: names[protocol], clock, log },
          // Answers go to this machine alone, even if others can reach these ports by mistake.
          isOwnAddress: (host) => isLoopback(host) || this.#own.has(host),
        }),
      );
    this.#responders = { ca: responderOf('ca'), pva: responderOf('pva') };
    const lookOn = (): void => {
      this.#look();
      schedule(store, clock, LOOK_MS, lookOn);
    };
    lookOn();
  }

  #look(): void {
    if (this.#mode === 'off') return;
    const { own, broadcasts } = this.#input.sockets.addresses();
    this.#own = new Set(own);
    this.#broadcasts = broadcasts[this.#mode];
    for (const place of this.#places.values()) void this.#giveWay(place);
    this.#review();
  }

  /** Gives way to an IOC of this machine that came later: clients that search there mean it. */
  async #giveWay(place: Place): Promise<void> {
    const { socket } = place;
    const holder = await socket?.findRival();
    if (holder && place.socket === socket) this.#fail(place, heldBy(holder));
  }

  /** Opens what is wanted and free, closes what is not; what failed waits for its retry. */
  #review(): void {
    if (this.#mode === 'off' || this.#isDisposed) return;
    const { reservations } = this.#input;
    const wanted = new Map<string, Place>();
    for (const place of reservations.isUnsure ? [] : this.#wantedPlaces()) {
      if (reservations.find('udp', place.endpoint)) continue;
      wanted.set(`${place.protocol} ${formatEndpoint(place.endpoint)}`, place);
    }
    for (const [key, place] of this.#places) {
      if (wanted.has(key)) continue;
      this.#places.delete(key);
      this.#store?.release(place.store);
    }
    for (const [key, place] of wanted) {
      if (this.#places.has(key) || !this.#store) continue;
      this.#places.set(key, place);
      this.#store.add(place.store);
      void this.#open(place);
    }
    this.#reportChanges();
  }

  #wantedPlaces(): Place[] {
    return PROTOCOLS.flatMap((protocol) => {
      const main = this.#input.sockets.ports[protocol];
      const further = this.#further[protocol].filter((port) => port !== main);
      const ports = [main, ...further.slice(0, MAX_FURTHER_PORTS)];
      return [
        ...ports.map((port) => new Place(protocol, { host: HOST, port })),
        ...this.#broadcasts.map((host) => new Place(protocol, { host, port: main })),
      ];
    });
  }

  async #open(place: Place): Promise<void> {
    const { sockets, log } = this.#input;
    const { protocol, endpoint, isBroadcast, store } = place;
    let socket = undefined as SearchSocket | undefined;
    place.isOpening = true;
    const events = {
      received: (datagram: Uint8Array, from: Endpoint, wasBroadcast: boolean): void | undefined =>
        socket && this.#responders?.[protocol].receive(datagram, from, wasBroadcast, socket),
      ended: (detail: string): void => this.#fail(place, { why: 'unavailable', detail }),
    };
    if (isBroadcast) {
      try {
        socket = await sockets.openBroadcast(protocol, endpoint.host, events);
      } catch (error) {
        // Not tried again until the address goes and returns.
        log('info', 'search', `broadcasts to ${endpoint.host}: ${messageOf(error)}`);
        place.isOpening = false;
        this.#reportChanges();
        return;
      }
    } else {
      const opened = await sockets.open(protocol, endpoint.port, events);
      if (!('local' in opened)) {
        const { holder, reason } = opened;
        this.#fail(place, holder ? heldBy(holder) : { why: 'unavailable', detail: reason });
        return;
      }
      socket = opened;
    }
    store.add(socket);
    if (store.isDisposed) return;
    place.socket = socket;
    place.problem = undefined;
    place.isOpening = false;
    this.#reportChanges();
  }

  /** Closes it; it is tried again later. */
  #fail(place: Place, refusal: PortRefusal): void {
    const { protocol, endpoint, store } = place;
    if (store.isDisposed || !this.#store) return;
    if (place.socket) store.release(place.socket);
    place.socket = undefined;
    place.isOpening = false;
    place.problem = { code: 'search-port-taken', protocol, endpoint, refusal };
    schedule(store, this.#input.clock, RETRY_MS, () => void this.#open(place));
    this.#reportChanges();
  }

  /**
   * Reports changes, but not intermediate ones: a port that is left for a moment, or is being
   * opened, is no news.
   */
  #reportChanges(): void {
    const isBetween =
      this.#input.reservations.isUnsure ||
      [...this.#places.values()].some(({ isOpening }) => isOpening);
    if (this.#mode !== 'off' && isBetween) return;
    const former = this.#state;
    const ports = this.#mode === 'off' ? [] : PROTOCOLS.map((p) => [p, this.#stateOf(p)] as const);
    this.#state = Object.fromEntries(ports.filter(([, port]) => Object.keys(port).length > 0));
    if (JSON.stringify(this.#state) === JSON.stringify(former)) return;
    for (const [protocol, port] of ports) {
      if (JSON.stringify(port) !== JSON.stringify(former[protocol])) this.#logState(protocol, port);
    }
    this.#input.onChange();
  }

  #logState(
    protocol: PvProtocol,
    { local, alsoAt = [], broadcasts = [], problem }: SearchPort,
  ): void {
    const places = [...(local ? [local] : []), ...alsoAt].map(formatEndpoint);
    const parts = [
      ...(places.length > 0 ? [`answers at ${places.join(', ')}`] : []),
      ...(broadcasts.length > 0 ? [`receives broadcasts to ${broadcasts.join(', ')}`] : []),
      ...(problem ? [problemLog(problem)] : []),
    ];
    this.#input.log('info', 'search', `UDP ${protocol}: ${parts.join('; ') || 'not answered'}`);
  }

  #close(): void {
    this.#store?.dispose();
    this.#store = undefined;
    this.#responders = undefined;
    this.#places.clear();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#following.dispose();
    this.#close();
  }
}
