/**
 * This machine in memory: who listens on which TCP port, and connections to them. Relays on it carry
 * their clients as real ones do (`pipeBoth`), over streams in place of sockets.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TransportError } from '../../src/base/errors';
import { EventEmitter } from '../../src/base/event';
import { type Endpoint, formatEndpoint } from '../../src/model/endpoint';
import type { PvProtocol } from '../../src/model/snapshot';
import { attachServer } from '../../src/node/relay/attachServer';
import { duplexPair } from '../../src/node/relay/duplexPair';
import { pipeBoth } from '../../src/node/relay/pipeBoth';
import { CaServerCircuit } from '../../src/protocol/ca';
import { PvaServerConnection } from '../../src/protocol/pva';
import type { InterceptCircuit, Relay, RelayResult } from '../../src/services/host/connection';
import type {
  SearchPortTaken,
  SearchSocket,
  SearchSockets,
} from '../../src/services/host/searchSockets';
import type { PortHolder } from '../../src/services/host/portHolder';

/** Serves one connection; it may say nothing at all. */
export type Serve = (stream: Duplex) => void;

/** A program of this machine that is not ours. */
export interface Stranger {
  /** As it is shown: 'softIoc'. */
  readonly command: string;
  /** It belongs to another user. */
  readonly isForeign?: boolean;
  /** What it does with who connects; absent: nothing. */
  readonly serve?: Serve;
}

const FIRST_EPHEMERAL_PORT = 49_152;
const NOTHING = { find: () => undefined, names: () => [] };

export class FakeMachine {
  /** By '127.0.0.1:5064', or '*:5064' for who listens on every address. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #relays = new Map<string, FakeRelay>();
  readonly #streams = new Map<string, Set<Duplex>>();
  /** Addresses of containers that this machine reaches, each with how it connects there. */
  readonly #hosts = new Map<string, (port: number) => Promise<Duplex>>();
  #nextPort = FIRST_EPHEMERAL_PORT;

  /** Somebody else listens there from now on. */
  take(place: string, stranger: Stranger): void {
    this.#strangers.set(place, stranger);
  }

  /** Who had taken the port goes, and its connections with it. */
  free(place: string): void {
    this.#strangers.delete(place);
    for (const stream of this.#streams.get(place) ?? []) stream.destroy();
    this.#streams.delete(place);
  }

  /** Who had taken the port listens no more, but keeps its connections. */
  stopListening(place: string): void {
    this.#strangers.delete(place);
  }

  /** A container has that address from now on. */
  join(host: string, dial: (port: number) => Promise<Duplex>): void {
    this.#hosts.set(host, dial);
  }

  /** Nobody has that address any more. */
  leave(host: string): void {
    this.#hosts.delete(host);
  }

  /** Where we listen, in order. */
  get listening(): string[] {
    return [...this.#relays.keys()].sort();
  }

  /** Our listener there. */
  relay(place: string): FakeRelay {
    const relay = this.#relays.get(place);
    if (!relay) throw new Error(`nothing of ours listens at ${place}: ${this.listening.join(' ')}`);
    return relay;
  }

  /** Connects as a client of this machine does. */
  async dial(endpoint: Endpoint): Promise<Duplex> {
    const container = this.#hosts.get(endpoint.host);
    if (container) return container(endpoint.port);
    const place = formatEndpoint(endpoint);
    const relay = this.#relays.get(place);
    const [strangersPlace, stranger] = this.#strangerAt(endpoint) ?? [];
    if (!relay && !stranger) throw new TransportError(`connect ECONNREFUSED ${place}`);
    const [client, server] = duplexPair();
    client.pause();
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    if (relay) {
      server.pause();
      relay.accept(server);
    } else if (strangersPlace !== undefined) {
      const streams = this.#streams.get(strangersPlace) ?? new Set();
      this.#streams.set(strangersPlace, streams.add(server));
      stranger?.serve?.(server);
    }
    return client;
  }

  async findHolder(endpoint: Endpoint): Promise<PortHolder | undefined> {
    const [place, stranger] = this.#strangerAt(endpoint) ?? [];
    if (place === undefined || !stranger) return undefined;
    const { command, isForeign } = stranger;
    return {
      process: { pid: 7, command },
      isEverywhere: place.startsWith('*'),
      ...(isForeign !== undefined && { isForeign }),
    };
  }

  isListening(endpoint: Endpoint): Promise<boolean> {
    return Promise.resolve(!this.isFree(endpoint));
  }

  isFree(endpoint: Endpoint): boolean {
    return !this.#relays.has(formatEndpoint(endpoint)) && !this.#strangerAt(endpoint);
  }

  #strangerAt(endpoint: Endpoint): readonly [string, Stranger] | undefined {
    for (const place of [formatEndpoint(endpoint), `*:${endpoint.port}`]) {
      const stranger = this.#strangers.get(place);
      if (stranger) return [place, stranger];
    }
    return undefined;
  }

  async openRelay(
    local: Endpoint,
    dial: () => Promise<Duplex>,
    intercept?: InterceptCircuit,
  ): Promise<RelayResult> {
    if (!this.isFree(local)) return { kind: 'port-taken' };
    const endpoint = local.port === 0 ? { ...local, port: this.#nextPort++ } : local;
    const place = formatEndpoint(endpoint);
    const relay: FakeRelay = new FakeRelay(endpoint, dial, intercept, {
      isFree: () => this.isFree(endpoint),
      listen: () => this.#relays.set(place, relay),
      close: () => this.#relays.get(place) === relay && this.#relays.delete(place),
    });
    this.#relays.set(place, relay);
    return { kind: 'listening', relay };
  }

  /** Name servers listen here, too; UDP ports are as free as the TCP ones, and hear nobody. */
  readonly searchSockets: SearchSockets = {
    ports: { ca: 5064, pva: 5076 },
    open: (_protocol, port) => Promise.resolve(this.#openSearch(port)),
    openBroadcast: () => Promise.reject(new TransportError('no network here')),
    addresses: () => ({ own: [], broadcasts: { loopback: [], thishost: [] } }),
    openBeacons: () => ({ send: () => undefined, dispose: () => undefined }),
    openNameServer: async (protocol, port, intercept) => {
      const local = { host: '127.0.0.1', port };
      const opened = await this.openRelay(local, () => dialNameServer(protocol, port), intercept);
      return opened.kind === 'listening' ? opened.relay : undefined;
    },
  };

  #openSearch(port: number): SearchSocket | SearchPortTaken {
    return {
      local: { host: '127.0.0.1', port },
      send: () => undefined,
      passOn: () => undefined,
      findRival: () => Promise.resolve(undefined),
      dispose: () => undefined,
    };
  }
}

async function dialNameServer(protocol: PvProtocol, port: number): Promise<Duplex> {
  const [client, server] = duplexPair();
  client.pause();
  client.on('error', () => undefined);
  attachServer(server, (onOutput) =>
    protocol === 'ca'
      ? new CaServerCircuit(NOTHING, { peer: 'client', port, onOutput })
      : new PvaServerConnection(NOTHING, {
          ...{ guid: 'f'.repeat(24), tcpPort: port, version: 'test', onOutput },
        }),
  );
  return client;
}

interface Place {
  isFree(): boolean;
  listen(): void;
  close(): void;
}

/** A listener of ours. */
export class FakeRelay implements Relay {
  readonly #ended = new EventEmitter<Error | undefined>();
  readonly #clients = new Set<Duplex>();
  readonly #streams = new Set<Duplex>();
  #isRetired = false;
  #isAside = false;
  #hasEnded = false;

  failure: Error | undefined;
  readonly onDidEnd = this.#ended.event;

  constructor(
    readonly local: Endpoint,
    readonly dial: () => Promise<Duplex>,
    readonly intercept: InterceptCircuit | undefined,
    readonly place: Place,
  ) {}

  get connectionCount(): number {
    return this.#clients.size;
  }

  accept(client: Duplex): void {
    this.#clients.add(client);
    this.#streams.add(client);
    client.once('close', () => {
      this.#clients.delete(client);
      if (this.#isRetired && this.#clients.size === 0) this.#end(undefined);
    });
    this.dial().then(
      (upstream) => {
        this.failure = undefined;
        this.#streams.add(upstream);
        // All that it uses of a socket a stream has, too.
        if (client.destroyed || this.#hasEnded) upstream.destroy();
        else pipeBoth(client as Socket, upstream, undefined, this.intercept);
      },
      (error: unknown) => {
        this.failure = error as Error;
        client.destroy();
      },
    );
  }

  retire(): void {
    this.#isRetired = true;
    this.place.close();
    if (this.#clients.size === 0) this.#end(undefined);
  }

  dropStale(): void {
    // It knows no addresses.
  }

  standAside(): void {
    this.#isAside = true;
    this.place.close();
  }

  async comeBack(): Promise<boolean> {
    if (!this.#isAside || this.#isRetired || this.#hasEnded) return true;
    if (!this.place.isFree()) return false;
    this.#isAside = false;
    this.place.listen();
    return true;
  }

  /** It fails, as a listener may when the system takes something from it. */
  fail(error: Error): void {
    this.#end(error);
  }

  dispose(): void {
    this.#end(undefined);
  }

  #end(reason: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.place.close();
    for (const stream of this.#streams) stream.destroy();
    this.#ended.fire(reason);
    this.#ended.dispose();
  }
}
