import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import type { SearchMode } from '../../model/coreApi';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import type { Problem } from '../../model/problem';
import type { PvProtocol, Snapshot } from '../../model/snapshot';
import type { CircuitInterceptor } from '../host/connection';
import type { PortHolder } from '../host/portHolder';
import type { SearchSockets } from '../host/searchSockets';
import type { HeldPort } from '../localPorts/failedStarts';
import type { OpenRelays } from '../localPorts/openRelays';
import type { PortReservations } from '../localPorts/portReservations';
import type { CircuitPath } from '../search/answerEndpoint';
import { type AnnouncedServer, Beacons } from '../search/beacons';
import { FallbackListeners, type ReachedServer } from '../search/fallbackListeners';
import { type FurtherPorts, HostSearch } from '../search/hostSearch';
import { NameServers } from '../search/nameServers';
import type { PvServer } from './pvServer';
import type { SessionSearch } from './sessionSearch';

/** What SearchPlaces needs. */
export interface SearchPlacesInput {
  readonly sockets: SearchSockets;
  readonly search: SessionSearch;
  readonly reservations: PortReservations;
  readonly relays: OpenRelays;
  readonly findHolder: (endpoint: Endpoint) => Promise<PortHolder | undefined>;
  /** As in LocalPortsInput. */
  readonly mayShareNumbers: boolean;
  /** What is reported here changed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What front ends want of searches. */
export interface WantedSearch {
  readonly mode: SearchMode;
  /** UDP ports of their users' clients, in addition to those of the servers. */
  readonly ports: (protocol: PvProtocol) => readonly number[];
  /** False: no front end has a request any more. */
  readonly hasRequest: boolean;
}

/**
 * Where clients of this machine that search are answered, apart from relays: name servers, fallback
 * listeners and UDP. Opens and closes them as servers come and go.
 */
export class SearchPlaces implements Disposable {
  readonly #relays: OpenRelays;
  readonly #store = new DisposableStore();
  readonly #hostSearch: HostSearch;
  readonly #nameServers: NameServers;
  readonly #fallbacks: FallbackListeners;
  readonly #beacons: Beacons;
  /** Whether there was ever something to search for: clients then wait for what comes later, too. */
  #hasReached = false;

  constructor(input: SearchPlacesInput) {
    const { sockets, search, reservations, findHolder, mayShareNumbers } = input;
    const { onChange, clock, log } = input;
    this.#relays = input.relays;
    const intercept =
      (by: CircuitPath) =>
      (protocol: PvProtocol, onAnswer: () => void): CircuitInterceptor =>
        search.searchesBy(protocol, by).intercept(onAnswer);
    const listeners = {
      sockets: this.#counted(sockets),
      ...{ reservations, onChange, clock, log },
    };
    this.#hostSearch = this.#store.add(
      new HostSearch({ sockets, reservations, names: search.services, onChange, clock, log }),
    );
    this.#nameServers = this.#store.add(
      new NameServers({ ...listeners, intercept: intercept('name-server') }),
    );
    this.#fallbacks = this.#store.add(
      new FallbackListeners({
        ...{ ...listeners, findHolder, mayShareNumbers },
        // Clients, and tunnels, find a relay there at other times.
        intercept: intercept('relay'),
      }),
    );
    this.#beacons = this.#store.add(new Beacons(sockets.openBeacons(), clock));
  }

  /** Takes all current servers, and opens what they and the front ends need. */
  setServers(servers: readonly PvServer[], { mode, ports, hasRequest }: WantedSearch): void {
    // Searches for servers in this machine's own network are not ours to answer.
    const isCarrying = servers.some(isCarried);
    this.#hasReached = (this.#hasReached || servers.some(isReachedHere)) && hasRequest;
    // Ports that are not ours alone are held only while there is something to find.
    this.#hostSearch.setMode(isCarrying && !this.#relays.isRetired ? mode : 'off');
    this.#hostSearch.setFurtherPorts(furtherPorts(servers, ports));
    this.#nameServers.setOpen(this.#hasReached);
    this.#fallbacks.setServers(isCarrying ? servers.flatMap(reached) : []);
    if (mode !== 'off') this.#beacons.setServers(servers.flatMap(announced));
  }

  /** Whether what clients are given does not change any more because of these servers. */
  isDecided(servers: readonly PvServer[]): boolean {
    return this.#nameServers.isDecided || !servers.some(isReachedHere);
  }

  /** Whether a name server of ours answers for that protocol. */
  hasNameServer(protocol: PvProtocol): boolean {
    return this.#nameServers.state[protocol] !== undefined;
  }

  /** Makes room where a fallback listener is, and resolves when it has. */
  releasePort(endpoint: Endpoint): Promise<void> {
    return this.#fallbacks.releasePort(endpoint);
  }

  /** For the snapshot; empty parts are absent. */
  get state(): Pick<Snapshot, 'search' | 'nameServers'> {
    const search = this.#hostSearch.state;
    // Both name servers at once, because each change makes environments out of date.
    const nameServers = this.#nameServers.isDecided ? this.#nameServers.state : {};
    return {
      ...(Object.keys(search).length > 0 && { search }),
      ...(Object.keys(nameServers).length > 0 && { nameServers }),
    };
  }

  /** What keeps clients from a well-known port. */
  get problems(): readonly Problem[] {
    return this.#fallbacks.problems;
  }

  /** Every port on which these listen now. */
  get held(): readonly HeldPort[] {
    const udp = Object.values(this.#hostSearch.state).flatMap(({ local, alsoAt = [] }) =>
      local ? [local, ...alsoAt] : alsoAt,
    );
    return [
      ...[...Object.values(this.#nameServers.state), ...this.#fallbacks.held].map(
        (endpoint): HeldPort => ({ transport: 'tcp', endpoint }),
      ),
      ...udp.map((endpoint): HeldPort => ({ transport: 'udp', endpoint })),
    ];
  }

  #counted(sockets: SearchSockets): Pick<SearchSockets, 'openNameServer'> {
    return {
      openNameServer: async (...place) => {
        const relay = this.#relays.isRetired ? undefined : await sockets.openNameServer(...place);
        return relay && this.#relays.add(relay);
      },
    };
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** Whether clients of this machine need us to find it, whichever program forwards it. */
function isReachedHere({ forwarder }: PvServer): boolean {
  return (
    (forwarder.status === 'exposed' || forwarder.status === 'shared') &&
    forwarder.routeKind !== 'host-network'
  );
}

function isCarried({ forwarder }: PvServer): boolean {
  return forwarder.status === 'exposed' && forwarder.routeKind !== 'host-network';
}

/** A CA server that listens again, or elsewhere, is announced again. */
function announced({ key, protocol, forwarder }: PvServer): AnnouncedServer[] {
  const { local, isRelayed, listener } = forwarder;
  if (protocol !== 'ca' || !local || !isRelayed) return [];
  return [{ key: `${key}/${listener.inode} ${formatEndpoint(local)}`, endpoint: local }];
}

/**
 * Where clients of this machine reach a server of a container; empty for servers in this machine's
 * own network.
 */
function reached({ protocol, forwarder }: PvServer): ReachedServer[] {
  const { local, isRelayed, halted, status, routeKind } = forwarder;
  const isReached = !halted && (status === 'exposed' || status === 'shared');
  return local && isReached && routeKind !== 'host-network' ? [{ protocol, local, isRelayed }] : [];
}

function furtherPorts(servers: readonly PvServer[], wanted: WantedSearch['ports']): FurtherPorts {
  const its = (protocol: PvProtocol): number[] => [
    ...new Set([
      ...wanted(protocol),
      ...servers
        .filter((server) => server.protocol === protocol)
        .filter(({ forwarder }) => forwarder.local && forwarder.routeKind !== 'host-network')
        .flatMap(({ ioc }) => ioc.searchPorts[protocol]),
    ]),
  ];
  return { ca: its('ca'), pva: its('pva') };
}
