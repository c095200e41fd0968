/**
 * Byte connections and the routes into a container, as the services need them; `node/` implements
 * them on sockets, child processes and engine execs.
 */
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { Endpoint } from '../../model/endpoint';
import type { PvProtocol, RouteKind } from '../../model/snapshot';

/**
 * A full-duplex byte stream; structurally a Node Duplex, so sockets are passed unchanged. It is
 * paused at first, so that no byte is lost before its owner listens: call `resume`.
 */
export interface Connection {
  /** Returns false when the peer is slower than us: stop writing until 'drain'. */
  write(bytes: Uint8Array): boolean;
  /** Ends our direction; the other one goes on. */
  end(): unknown;
  destroy(error?: Error): unknown;
  pause(): unknown;
  resume(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Follows one relayed connection. It may take messages out of what the client sends and insert
 * others between those of the server. It returns parts of the bytes it got, or bytes of its own;
 * all of them are written before it gets more.
 */
export interface CircuitInterceptor extends Disposable {
  /** What goes on to the server, in order. */
  fromClient(bytes: Uint8Array): readonly Uint8Array[];
  /** The client has ended: what still goes on to the server. */
  clientEnded(): Uint8Array;
  /** What goes on to the client, in order. */
  fromServer(bytes: Uint8Array): readonly Uint8Array[];
  /** Answers that can go to the client now, between what the server sends; often empty. */
  takeAnswers(): Uint8Array;
  /** Where the client connects from. */
  noteClient?(from: Endpoint): void;
}

/**
 * Creates an interceptor for a new connection, which calls `onAnswer` when `takeAnswers` may have
 * something.
 */
export type InterceptCircuit = (onAnswer: () => void) => CircuitInterceptor;

/** Where a name is, as its client is told. */
export interface NamePlace {
  readonly endpoint: Endpoint;
  /** PVA: of its server, 24 hex digits. */
  readonly guid: string;
}

/** How searches over the circuits to one listener are answered, wherever these are followed. */
export interface CircuitSearches {
  readonly protocol: PvProtocol;
  /** Follows a circuit in this process. */
  readonly intercept: InterceptCircuit;
  /** Answers what another process, which follows a circuit, wants to know. */
  answer(client: Endpoint | undefined, reply: (answer: SearchAnswer) => void): CircuitAnswers;
}

/** The searches of one circuit that another process follows; disposing it ends those still open. */
export interface CircuitAnswers extends Disposable {
  ask(question: SearchQuestion): void;
}

/** What a process that follows a circuit wants to know; plain data. */
export type SearchQuestion =
  | { readonly kind: 'name'; readonly id: number; readonly name: string }
  /** All servers of the protocol. */
  | { readonly kind: 'servers'; readonly id: number }
  /** Nobody waits for that name any more. */
  | { readonly kind: 'drop'; readonly id: number };

/** What it is told; plain data. `id`: of the question. */
export type SearchAnswer =
  | { readonly kind: 'found'; readonly id: number; readonly place: NamePlace }
  /** No server has it now; `found` may follow. */
  | { readonly kind: 'absent'; readonly id: number }
  /** Too many wait, and this one is not answered. */
  | { readonly kind: 'dropped'; readonly id: number }
  | { readonly kind: 'servers'; readonly id: number; readonly places: readonly NamePlace[] };

/**
 * A listener on this machine whose connections are carried into the container. Disposing it resets
 * them.
 */
export interface Relay extends Disposable {
  readonly local: Endpoint;
  readonly connectionCount: number;
  /** Why the last connection was not carried into the container; undefined if it was. */
  readonly failure: Error | undefined;
  /**
   * Stops listening at once and lets the connections end on their own, so that a client gets
   * everything its server had sent. The relay ends with the last of them.
   */
  retire(): void;
  /** Resets the connections to an address that the container has had and has no more. */
  dropStale(): void;
  /** Stops listening for a while; open connections go on. */
  standAside(): void;
  /** Listens again after `standAside`; false if another program has the port now. */
  comeBack(): Promise<boolean>;
  /** Fires once, with the reason if it ended unexpectedly. */
  readonly onDidEnd: Event<Error | undefined>;
}

/** The outcome of opening a relay. */
export type RelayResult =
  | { readonly kind: 'listening'; readonly relay: Relay }
  /** Something already listens there (EADDRINUSE). */
  | { readonly kind: 'port-taken' }
  /** This machine has no such address (EADDRNOTAVAIL: macOS and 127.0.0.2) or forbids it (EACCES). */
  | { readonly kind: 'address-unavailable'; readonly reason: string };

/**
 * One way for bytes to get into one container's network namespace. Disposing it ends every
 * connection made through it.
 */
export interface Route extends Disposable {
  readonly kind: RouteKind;
  /** For messages: "container address 172.17.0.2", "python3 over podman exec". */
  readonly label: string;
  /**
   * The endpoint that clients use without a relay, if the target is already on this machine under
   * the same number.
   */
  directEndpoint(target: Endpoint): Endpoint | undefined;
  /** The target's own IPv4 address and port, if this machine reached it there. */
  ownEndpoint(target: Endpoint): Endpoint | undefined;
  /**
   * Connects to an endpoint of the namespace (0.0.0.0 and :: mean its loopback). Resolves when the
   * far TCP connect has succeeded. Rejects with TransportError (refused, gone), ContainerError
   * (what the route needs is missing in the container) or CancelledError.
   */
  dial(target: Endpoint, signal: AbortSignal): Promise<Connection>;
  /** Listens on this machine and dials `target` for every accepted connection. */
  openRelay(local: Endpoint, target: Endpoint, searches?: CircuitSearches): Promise<RelayResult>;
}
