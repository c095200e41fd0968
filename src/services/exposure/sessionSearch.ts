import { type Disposable, DisposableStore } from '../../base/disposable';
import { hasChannel } from '../../model/pvTable';
import type { Note } from '../../model/note';
import type { PvProtocol } from '../../model/snapshot';
import type { CircuitSearches } from '../host/connection';
import type { ContainerInfo } from '../host/engine';
import type { IocTracker, IocServer } from './iocTracker';
import { NameService, type NameServiceInput, type SearchedServer } from '../search/nameService';
import type { CircuitPath } from '../search/answerEndpoint';
import { circuitSearches } from '../search/circuitSearches';

type ExposedServer = IocServer & {
  readonly container: ContainerInfo;
  readonly ioc: Pick<IocTracker, 'name' | 'isGateway'>;
};

/** The name services of a session, one for each protocol, over the servers that it exposes. */
export class SessionSearch implements Disposable {
  readonly #store = new DisposableStore();
  readonly #services: Readonly<Record<PvProtocol, NameService>>;

  /** `input.onNote` is called after notesAbout changed. */
  constructor(input: NameServiceInput) {
    this.#services = {
      ca: this.#store.add(new NameService('ca', input)),
      pva: this.#store.add(new NameService('pva', input)),
    };
  }

  /**
   * Takes all current servers; of two with the same PV, the one whose container started first
   * counts.
   */
  setServers(servers: readonly ExposedServer[]): void {
    const byStart = [...servers].sort(
      (a, b) =>
        a.container.startedAt.localeCompare(b.container.startedAt) || a.key.localeCompare(b.key),
    );
    for (const protocol of ['ca', 'pva'] as const) {
      const its = byStart.filter((server) => server.protocol === protocol);
      this.#services[protocol].setServers(its.map(searched));
    }
  }

  /** For answering searches that do not arrive through a relay. */
  get services(): Readonly<Record<PvProtocol, NameService>> {
    return this.#services;
  }

  /** How searches over the circuits to a listener of that kind are answered. */
  searchesBy(protocol: PvProtocol, by: CircuitPath): CircuitSearches {
    return circuitSearches(protocol, by, this.#services[protocol]);
  }

  /** Notes about a server's names. */
  notesAbout(server: IocServer): readonly Note[] {
    return this.#services[server.protocol].notesAbout(keyOf(server));
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** A server that listens again is another one, even on the same port. */
function keyOf({ key, forwarder }: IocServer): string {
  return `${key}/${forwarder.listener.inode}`;
}

function searched(server: ExposedServer): SearchedServer {
  const { forwarder, names, stepOf, container, ioc } = server;
  return {
    key: keyOf(server),
    label: `${ioc.name} in ${container.name}`,
    home: `${container.name}#${ioc.name}`,
    isGateway: ioc.isGateway,
    guid: forwarder.identity?.guid,
    endpoint: () =>
      forwarder.status === 'exposed' || forwarder.status === 'shared' ? forwarder.local : undefined,
    directEndpoint: () => forwarder.direct,
    broadcastEndpoint: () => forwarder.broadcastEndpoint,
    isReachable(name) {
      const index = names.indexOf(name);
      return index !== undefined && hasChannel(stepOf(index));
    },
    isOwn(name) {
      const index = names.indexOf(name);
      if (index === undefined || names.source(index).kind === 'user') return false;
      return hasChannel(stepOf(index)) || stepOf(index) === 'disconnected';
    },
    reachableCount: () => server.reachableCount(),
    dialInside: (signal) => forwarder.dialInside(signal),
  };
}
