/**
 * Byte connections and the routes into a container, as the services need them. `node/` implements
 * them on sockets, child processes and engine execs.
 */
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { Endpoint } from '../../model/endpoint';
import type { RouteKind } from '../../model/snapshot';

/**
 * A full-duplex byte stream; structurally a Node Duplex, so sockets are passed as they are. It comes
 * paused, so that no byte is lost before its owner listens: call `resume`.
 */
export interface Connection {
  /** False when the peer is slower than us: stop writing until 'drain'. */
  write(bytes: Uint8Array): boolean;
  /** Sends the end of our direction; the other one goes on. */
  end(): unknown;
  destroy(error?: Error): unknown;
  pause(): unknown;
  resume(): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Follows one connection that is carried through a relay, and may take messages out of what the
 * client says and put others in between those of the server. What it returns are parts of the bytes
 * it was given, or bytes of its own; all of it is written before it is given more.
 */
export interface CircuitInterceptor extends Disposable {
  /** What goes on to the server, in order. */
  fromClient(bytes: Uint8Array): readonly Uint8Array[];
  /** The client ended: what still goes on to the server. */
  clientEnded(): Uint8Array;
  /** What goes on to the client, in order. */
  fromServer(bytes: Uint8Array): readonly Uint8Array[];
  /** What may be said to the client now, beside what the server says; often empty. */
  takeAnswers(): Uint8Array;
}

/** Makes a interceptor for a new connection; it calls `onAnswer` when takeAnswers may have something. */
export type InterceptCircuit = (onAnswer: () => void) => CircuitInterceptor;

/**
 * A listener on this machine whose connections are carried into the container. Disposing it resets
 * them.
 */
export interface Relay extends Disposable {
  readonly local: Endpoint;
  readonly connectionCount: number;
  /**
   * Stops listening at once and lets the connections come to their own ends, so that a client gets
   * all that its server had sent; the relay ends with the last of them.
   */
  retire(): void;
  /** Stops listening for a while; connections go on. */
  standAside(): void;
  /** Listens again after that; false: somebody else has the port now. */
  comeBack(): Promise<boolean>;
  /** Fires once, with the reason when it ended by itself. */
  readonly onDidEnd: Event<Error | undefined>;
}

export type RelayResult =
  | { readonly kind: 'listening'; readonly relay: Relay }
  /** Something already listens there (EADDRINUSE). */
  | { readonly kind: 'port-taken' }
  /** This machine has no such address (EADDRNOTAVAIL: macOS and 127.0.0.2) or forbids it (EACCES). */
  | { readonly kind: 'address-unavailable'; readonly reason: string };

/** One way for bytes to get into one container's network namespace. Disposing it ends every connection made by it. */
export interface Route extends Disposable {
  readonly kind: RouteKind;
  /** For messages: "container address 172.17.0.2", "python3 over podman exec". */
  readonly label: string;
  /**
   * Whether the target is on this machine already under the same number, so that clients need no
   * relay; the endpoint they use.
   */
  directEndpoint(target: Endpoint): Endpoint | undefined;
  /** Where the target itself is reached from this machine, once it was, if it is by IPv4. */
  ownEndpoint(target: Endpoint): Endpoint | undefined;
  /**
   * Connects to an endpoint of the namespace (0.0.0.0 and :: mean its loopback). Resolves when the
   * far TCP connect succeeded. Rejects with TransportError (refused, gone), ContainerError (what
   * the route needs is missing in the container), CancelledError.
   */
  dial(target: Endpoint, signal: AbortSignal): Promise<Connection>;
  /** Listens on this machine; every accepted connection is dialled to `target`. */
  openRelay(local: Endpoint, target: Endpoint, intercept?: InterceptCircuit): Promise<RelayResult>;
}
