/** Container engines as the services need them; `node/engines` implements them on dockerode. */
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { ContainerStatus, EngineState } from '../../model/snapshot';
import type { Route } from './connection';
import type { SocketReport } from './socketReport';

/** One container, as far as every kind of engine knows it. What else an engine knows it keeps to itself. */
export interface ContainerInfo {
  /** Unique within its engine, and the same for as long as the container exists. */
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: ContainerStatus;
  /** ISO time of the start, '' where nobody knows: of two with the same PV the first counts. */
  readonly startedAt: string;
  /** Tells one run of the container from the next: whatever changes with each start. */
  readonly run: string;
  /** Ports of this machine that lead into it; absent where its engine publishes none. */
  readonly publishedPorts?: readonly PublishedPort[];
}

export interface PublishedPort {
  readonly transport: 'tcp' | 'udp';
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
}

/**
 * A container that has, or will have, ports of this machine when it runs, whatever it does now. A
 * container that is stopped binds nothing, but cannot start again where somebody else has its ports.
 */
export interface PortPublisher {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** In the engine's words: created, running, paused, restarting, exited, ... */
  readonly state: string;
  /** Its restart policy starts it without anybody's doing. */
  readonly restartsByItself: boolean;
  /** ISO time at which it ended last; '' when it never ran. */
  readonly finishedAt: string;
  /** Why its last start failed, in the engine's words; '' when it did not. */
  readonly startError: string;
  /** Those whose number is fixed, and those that it was given while it runs. */
  readonly ports: readonly PublishedPort[];
}

/**
 * Runs containers, or stands for what does. It reports what there is, and opens one of them; how it looks
 * into a container and how bytes get there is its own business (`ContainerAccess`).
 */
export interface Engine extends Disposable {
  /** Stable identity: the endpoint as a URI. */
  readonly key: string;
  readonly state: EngineState;
  /** Running and paused containers, as last told by the engine. */
  readonly containers: readonly ContainerInfo[];
  /** Absent: its containers have no port of this machine, whatever they do. */
  readonly publishing?: PortPublishing;
  /** Fires when `state`, `containers` or `publishing` changed. */
  readonly onDidChange: Event<void>;
  /**
   * Access to one of `containers`, by its id; disposing it ends everything we started for it.
   * @throws ContainerError when there is none of that id.
   */
  open(containerId: string): ContainerAccess;
}

/** Which ports of this machine an engine's containers have, or are about to have. */
export interface PortPublishing {
  /** Every container that publishes ports on this machine, running or not; as last told. */
  readonly publishers: readonly PortPublisher[];
  /**
   * Whether a container is being made that is not among `publishers` yet. Its ports are bound some
   * 20 ms after the first sign of it, and until then the engine may not say which (its inspect waits
   * for the start to end): who holds a port steps aside meanwhile.
   */
  readonly isMakingContainer: boolean;
}

export interface ContainerAccess extends Disposable {
  /**
   * Reports the bound sockets now and after each change, noticed well within a second by something
   * that stays attached. Disposing stops it and leaves no process behind.
   */
  watchSockets(events: SocketWatchEvents): SocketWatch;
  /**
   * The routes that may work, best first, without trying them: on this machine, published,
   * address, entered, exec. Each is made when asked and shared; owned by this access.
   */
  readonly routes: readonly Route[];
  /**
   * A file of the container, at most `maxBytes` (more is an error). Rejects with ContainerError
   * saying what and why (missing, not a file, too large, not readable).
   */
  readFile(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
}

export interface SocketWatchEvents {
  /** Also after `failed`, when it works again, whether or not something has changed. */
  report(report: SocketReport): void;
  /**
   * It cannot be looked now: a program is missing in the container, the engine is away, this machine
   * has no descriptor left. That says nothing about the IOCs; it is tried again, ever more seldom.
   */
  failed(error: Error): void;
  /** The container's first process is gone, as seen; nothing follows. */
  ended(): void;
}

export interface SocketWatch extends Disposable {
  /** Looks again at once: something (a circuit that closed) hints that a process came or went. */
  lookNow(): void;
}
