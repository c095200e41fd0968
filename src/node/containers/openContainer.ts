import type { Clock } from '../../base/clock';
import { DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import { TransportError } from '../../base/errors';
import { sharingTimers } from '../../base/sharedTimers';
import type { ContainerAccess, SocketWatch, SocketWatchEvents } from '../../services/host/engine';
import type { EngineApi, OpenContainer } from '../engines/engineApi';
import { connectorDialer } from './connectorDialer';
import {
  addressDialer,
  hostNetworkDialer,
  isOfThisMachine,
  publishedDialer,
} from './directDialers';
import { expectConnection } from './expectConnection';
import { enteredDialer, mayEnter } from './enteredDialer';
import { ExecAgent, NODE_AGENT, PYTHON_AGENT, execAgentRoute } from './execAgent';
import { findHostProcess, isInOurNetwork, type HostProcess } from './hostProcess';
import { HostSocketSource } from './hostSocketSource';
import {
  InsideSocketSource,
  findOwnersInside,
  openShellLooker,
  readProcessFileInside,
  type OpenLooker,
} from './insideSocketSource';
import { PolledSocketWatch, type HiddenView, type SocketSource } from './polledSocketWatch';
import { readContainerFile } from './readContainerFile';
import type { Carrier } from '../relay/carrier';
import { DialledRoute, type Dialer } from './dialledRoute';
import type { EngineContainer } from '../engines/containerInfo';

/** What every opened container shares. */
export interface OpenContainerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Carries the circuits of relays; absent: this process. */
  readonly carrier?: Carrier;
}

/**
 * Returns a function that composes the access to one running container from what this machine and
 * the engine allow.
 */
export function createOpenContainer(options: OpenContainerOptions): OpenContainer {
  const watchClock = sharingTimers(options.clock);
  return (api, container) => new OpenedContainer(api, container, options, watchClock);
}

class OpenedContainer implements ContainerAccess {
  readonly routes: readonly DialledRoute[];
  readonly #host: HostProcess | undefined;
  readonly #agents: readonly ExecAgent[];
  readonly #ending = new AbortController();
  readonly #store = new DisposableStore();
  /** The container whose network it has: its own or another one. */
  readonly #ownerId: string;
  /** Which run of that one; undefined: not known. */
  readonly #ownerRun: string | undefined;

  constructor(
    readonly api: EngineApi,
    readonly container: EngineContainer,
    readonly options: OpenContainerOptions,
    readonly watchClock: Clock,
  ) {
    this.#host = findHostProcess(container);
    this.#ownerId = networkOwner(container) ?? container.id;
    this.#ownerRun = this.#findOwner()?.run;
    // Python first: it can enlarge its pipes, and then carries half as much again as Node does.
    this.#agents = [PYTHON_AGENT, NODE_AGENT].map((program) =>
      this.#store.add(new ExecAgent(api, container.id, program, options.clock)),
    );
    this.routes = this.#listRoutes().map((route) =>
      this.#store.add(
        new DialledRoute(route, options.log, options.carrier, (address) =>
          this.#hasAddress(address),
        ),
      ),
    );
  }

  watchSockets(events: SocketWatchEvents): SocketWatch {
    const source = this.#openSource();
    return this.#store.add(new PolledSocketWatch(source, this.watchClock, events));
  }

  readFile(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    return readContainerFile(
      this.api,
      this.container.id,
      path,
      maxBytes,
      this.options.clock,
      signal,
    );
  }

  readLog(signal: AbortSignal): Promise<string> {
    return this.api.readLog(this.container.id, signal);
  }

  dispose(): void {
    this.#ending.abort();
    this.#store.dispose();
  }

  #openSource(): SocketSource {
    const isShared =
      isNetworkShared(this.container) || (this.#host !== undefined && isInOurNetwork(this.#host));
    const { api, container } = this;
    const hidden: HiddenView = {
      findOwners: (sockets) =>
        findOwnersInside(api, container.id, sockets, isShared, this.#ending.signal),
      readProcessFile: (process, file, signal) =>
        readProcessFileInside(api, container.id, process, file, signal),
    };
    if (this.#host) return new HostSocketSource(this.#host, isShared, hidden);
    return new InsideSocketSource(this.#lookers(), isShared, hidden, this.options.clock);
  }

  /** What can look inside the container, cheapest for the container first. */
  #lookers(): readonly OpenLooker[] {
    return [
      (signal) => openShellLooker(this.api, this.container.id, signal),
      // Its link also carries circuits, and stays when a look has failed.
      ...this.#agents.map((agent) => async () => {
        const link = await agent.link();
        return {
          look: (command: string, signal: AbortSignal) => link.look(command, signal),
          dispose: () => undefined,
        };
      }),
    ];
  }

  #listRoutes(): Dialer[] {
    const { api, container } = this;
    const host = this.#host;
    const routes: Dialer[] = [];
    const isHostNetwork = host !== undefined && isInOurNetwork(host);
    if (isHostNetwork) routes.push(hostNetworkDialer());
    if (container.publishedPorts.length > 0 && api.isLocalSocket) {
      routes.push(publishedDialer(container.publishedPorts));
    }
    if (host && !isHostNetwork && !api.isRootless) routes.push(...this.#addressRoutes(host));
    if (host && !isHostNetwork && mayEnter(api.isRootless)) routes.push(enteredDialer(host));
    routes.push(
      ...this.#agents.map(execAgentRoute),
      connectorDialer(api, container.id, this.options.clock, (signal) => this.#addresses(signal)),
    );
    return routes;
  }

  #addressRoutes({ pid }: HostProcess): Dialer[] {
    const { addresses } = this.container;
    const isShared = networkOwner(this.container) !== undefined;
    if (addresses.length === 0 && !isShared) return [];
    const label = isShared
      ? 'address of the container whose network it shares'
      : `container address ${addresses.join(', ')}`;
    return [
      addressDialer(label, {
        known: () => this.#knownAddresses(),
        find: (signal) => this.#addresses(signal),
        expectPeer: async (address) => {
          // Connections from there to there look alike on both sides.
          if (isOfThisMachine(address)) throw new TransportError(`${address} is also this machine`);
          return expectConnection(pid);
        },
      }),
    ];
  }

  /** Its addresses as its engine last reported them: they change with its networks. */
  #knownAddresses(): readonly string[] | undefined {
    const owner = this.#findOwner();
    return owner && this.#hasNetworkOf(owner) ? owner.addresses : undefined;
  }

  /** Whether its network has that address, as its engine last reported it; undefined: not known. */
  #hasAddress(address: string): boolean | undefined {
    const owner = this.#findOwner();
    return owner && this.#hasNetworkOf(owner) && owner.addresses.includes(address);
  }

  /** The addresses of its network namespace that the engine knows now. */
  async #addresses(signal: AbortSignal): Promise<readonly string[]> {
    const owner = await this.api.inspect(this.#ownerId, signal);
    return this.#hasNetworkOf(owner) ? owner.addresses : [];
  }

  /** As its engine last reported it. */
  #findOwner(): EngineContainer | undefined {
    return this.api.containers.find(({ id }) => id === this.#ownerId);
  }

  /**
   * An owner that starts again, mostly with the same address, has a new network namespace; whoever
   * shared its former one stays there, without that address.
   */
  #hasNetworkOf(owner: EngineContainer): boolean {
    return this.#ownerRun === undefined || owner.run === this.#ownerRun;
  }
}

/** Whether other containers' sockets may be in the same network namespace. */
function isNetworkShared(container: EngineContainer): boolean {
  return container.networkMode === 'host' || networkOwner(container) !== undefined;
}

/** The id of the container whose network namespace this one uses: `container:<id>`. */
function networkOwner(container: EngineContainer): string | undefined {
  return /^container:(.+)$/.exec(container.networkMode)?.[1];
}
