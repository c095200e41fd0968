import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { schedule } from '../../base/schedule';
import { type Endpoint, formatEndpoint, isSameEndpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import { isSameProblem, type PortRefusal, type Problem, problemLog } from '../../model/problem';
import type { CircuitInterceptor } from '../host/connection';
import { CA_SERVER_PORT, PVA_SERVER_PORT } from '../discovery/detect/candidates';
import type { PortHolder } from '../host/portHolder';
import { heldBy } from '../localPorts/localPorts';
import type { PortReservations } from '../localPorts/portReservations';
import type { SearchSockets } from '../host/searchSockets';

/** The endpoints in the settings of clients, such as Phoebus' in ioc-template. */
export const WELL_KNOWN_ENDPOINTS: Readonly<Record<PvProtocol, Endpoint>> = {
  ca: { host: '127.0.0.1', port: CA_SERVER_PORT },
  pva: { host: '127.0.0.1', port: PVA_SERVER_PORT },
};

/** What FallbackListeners needs. */
export interface FallbackListenersInput {
  readonly sockets: Pick<SearchSockets, 'openNameServer'>;
  readonly reservations: PortReservations;
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  /** As in LocalPortsInput. */
  readonly mayShareNumbers: boolean;
  readonly intercept: (protocol: PvProtocol, onAnswer: () => void) => CircuitInterceptor;
  /** `problems` changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** An exposed server, and where clients of this machine reach it. */
export interface ReachedServer {
  readonly protocol: PvProtocol;
  readonly local: Endpoint;
  /** Whether a relay of ours is there, which answers searches for all servers. */
  readonly isRelayed: boolean;
}

const PROTOCOLS = ['ca', 'pva'] as const;
const RETRY_MS = 5000;

/**
 * Name servers of ours on the ports that clients have in their settings, 127.0.0.1:5064 and :5075,
 * whenever no relay is there, so that those ports answer for every exposed server of their
 * protocol. None listens while no server of the protocol is exposed, and each makes room for
 * whoever the port belongs to.
 */
export class FallbackListeners implements Disposable {
  readonly #input: FallbackListenersInput;
  readonly #store = new DisposableStore();
  /** The listeners that are open, or being opened. */
  readonly #open = new Map<PvProtocol, DisposableStore>();
  readonly #listening = new Set<PvProtocol>();
  /** Attempts under way, which may hold the port although it is no longer wanted. */
  readonly #attempts = new Map<PvProtocol, Promise<void>>();
  readonly #problems = new Map<PvProtocol, Problem>();
  #servers: readonly ReachedServer[] = [];

  constructor(input: FallbackListenersInput) {
    this.#input = input;
    this.#store.add(input.reservations.onDidChange(() => this.#review()));
  }

  /** The endpoints on which they listen now. */
  get held(): readonly Endpoint[] {
    return [...this.#listening].map((protocol) => WELL_KNOWN_ENDPOINTS[protocol]);
  }

  /** Why clients that know only such a port do not find everything. */
  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** Takes the servers that are reached on this machine now. */
  setServers(servers: readonly ReachedServer[]): void {
    this.#servers = servers;
    this.#review();
  }

  /** Frees the port for another listener of ours; resolves when it is free. */
  async releasePort(endpoint: Endpoint): Promise<void> {
    for (const protocol of PROTOCOLS) {
      if (!isSameEndpoint(WELL_KNOWN_ENDPOINTS[protocol], endpoint)) continue;
      this.#close(protocol);
      await this.#attempts.get(protocol);
    }
  }

  #review(): void {
    if (this.#store.isDisposed) return;
    const { reservations } = this.#input;
    for (const protocol of PROTOCOLS) {
      const endpoint = WELL_KNOWN_ENDPOINTS[protocol];
      const servers = this.#servers.filter((server) => server.protocol === protocol);
      const there = servers.find(({ local }) => isSameEndpoint(local, endpoint));
      const publisher = reservations.find('tcp', endpoint)?.publisher;
      if (servers.length === 0 || there || publisher || reservations.isUnsure) {
        this.#close(protocol);
      } else if (!this.#open.has(protocol)) {
        const store = this.#store.add(new DisposableStore());
        this.#open.set(protocol, store);
        this.#start(protocol, store);
      }
      // A server that has the port answers for itself alone.
      const isOnlyItself = servers.length === 0 || there?.isRelayed === true;
      const isAlone = there !== undefined && servers.length === 1;
      if (isOnlyItself || isAlone) this.#setProblem(protocol, undefined);
      else if (publisher) {
        this.#setProblem(protocol, { why: 'published', container: publisher.name });
      } else if (there) this.#setProblem(protocol, { why: 'one-server' });
    }
  }

  #start(protocol: PvProtocol, store: DisposableStore): void {
    const attempt = Promise.all([this.#attempts.get(protocol), this.#listen(protocol, store)]).then(
      () => {
        if (this.#attempts.get(protocol) === attempt) this.#attempts.delete(protocol);
      },
    );
    this.#attempts.set(protocol, attempt);
  }

  async #listen(protocol: PvProtocol, store: DisposableStore): Promise<void> {
    const { sockets, intercept, findHolder, mayShareNumbers, clock, log } = this.#input;
    const endpoint = WELL_KNOWN_ENDPOINTS[protocol];
    try {
      const rival = mayShareNumbers ? await findHolder(endpoint) : undefined;
      if (store.isDisposed) return;
      const relay = rival
        ? undefined
        : await sockets.openNameServer(protocol, endpoint.port, (onAnswer) =>
            intercept(protocol, onAnswer),
          );
      if (relay) {
        store.add(relay);
        if (store.isDisposed) return;
        this.#listening.add(protocol);
        this.#setProblem(protocol, undefined);
        return;
      }
      const holder = rival ?? (await findHolder(endpoint));
      if (store.isDisposed) return;
      this.#setProblem(protocol, heldBy(holder));
    } catch (error) {
      log('info', 'search', `${formatEndpoint(endpoint)}: ${messageOf(error)}`);
    }
    schedule(store, clock, RETRY_MS, () => this.#start(protocol, store));
  }

  #close(protocol: PvProtocol): void {
    const store = this.#open.get(protocol);
    this.#open.delete(protocol);
    this.#listening.delete(protocol);
    if (store) this.#store.release(store);
  }

  #setProblem(protocol: PvProtocol, refusal: PortRefusal | undefined): void {
    const endpoint = WELL_KNOWN_ENDPOINTS[protocol];
    const problem: Problem | undefined = refusal && {
      code: 'well-known-port-taken',
      protocol,
      endpoint,
      refusal,
    };
    if (isSameProblem(problem, this.#problems.get(protocol))) return;
    if (problem) this.#problems.set(protocol, problem);
    else this.#problems.delete(protocol);
    if (problem) this.#input.log('info', 'search', problemLog(problem));
    this.#input.onChange();
  }

  dispose(): void {
    this.#store.dispose();
    this.#open.clear();
  }
}
