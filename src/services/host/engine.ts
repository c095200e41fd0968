/** Container engines as the services need them; `node/engines/openEngines` lists the kinds. */
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { ContainerStatus, EngineState } from '../../model/snapshot';
import type { Route } from './connection';
import type { ProcessFile, ProcessInfo, SocketReport } from './socketReport';

/** A container as the engine's inspect describes it, with Docker and Podman normalised. */
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
  /** How often its engine has started it again by itself; absent: not known. */
  readonly restartCount?: number;
  /** How its last run ended; absent while it runs, and where nobody knows. */
  readonly ended?: { readonly exitCode: number; readonly finishedAt: string };
  /** What it is started with; absent: not known. */
  readonly start?: ContainerStart;
  /** Ports of this machine that lead into it; absent where its engine publishes none. */
  readonly publishedPorts?: readonly PublishedPort[];
}

/** The command of a container, and what of its environment concerns EPICS. */
export interface ContainerStart {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A port of a container that the engine publishes on this machine. */
export interface PublishedPort {
  readonly transport: 'tcp' | 'udp';
  readonly containerPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
}

/**
 * A container that has, or will have when it runs, ports of this machine, whatever its state. A
 * stopped container binds nothing, but cannot start again while another program has its ports.
 */
export interface PortPublisher {
  readonly id: string;
  /** Without the leading slash. */
  readonly name: string;
  /** In the engine's words: created, running, paused, restarting, exited, ... */
  readonly state: string;
  /** Its restart policy starts it automatically. */
  readonly restartsAutomatically: boolean;
  /** ISO time of its last end; '' when it never ran. */
  readonly finishedAt: string;
  /** Why its last start failed, in the engine's words; '' when it did not. */
  readonly startError: string;
  /** Ports with a fixed number, and those that were assigned while it runs. */
  readonly ports: readonly PublishedPort[];
}

/** One container engine and its containers. */
export interface Engine extends Disposable {
  /** Stable identity: the endpoint as a URI. */
  readonly key: string;
  readonly state: EngineState;
  /** Running and paused containers, as the engine last reported them. */
  readonly containers: readonly ContainerInfo[];
  /** Containers that do not run, those that the engine is about to start again included. */
  readonly stoppedContainers?: readonly ContainerInfo[];
  /** Absent: its containers have no port of this machine, whatever they do. */
  readonly publishing?: PortPublishing;
  /** Fires when `state`, `containers` or `publishing` changed. */
  readonly onDidChange: Event<void>;
  /**
   * Access to one of `containers`, by its id; disposing it ends everything we started for it.
   * @throws ContainerError when there is none of that id.
   */
  open(containerId: string): ContainerAccess;
  /** As in ContainerAccess, also of a container that does not run. Absent: there are no logs. */
  readLog?(containerId: string, signal: AbortSignal): Promise<string>;
}

/** Which ports of this machine an engine's containers have, or are about to have. */
export interface PortPublishing {
  /** Every container that publishes ports on this machine, running or not; as last reported. */
  readonly publishers: readonly PortPublisher[];
  /**
   * Whether a container is being created that is not among `publishers` yet. Its ports are bound
   * some 20 ms after the first sign of it, and until then the engine may not say which (its inspect
   * waits for the start to end): meanwhile, whoever holds a port steps aside.
   */
  readonly isMakingContainer: boolean;
}

/** What we can do with one running container. */
export interface ContainerAccess extends Disposable {
  /**
   * Reports the bound sockets now and after each change, which is noticed well within a second.
   * Disposing it stops the watch and leaves no process behind.
   */
  watchSockets(events: SocketWatchEvents): SocketWatch;
  /**
   * The routes that may work, best first, without trying them: on this machine, published, address,
   * entered, exec. They are created on demand and shared; this access owns them.
   */
  readonly routes: readonly Route[];
  /**
   * Reads a file of the container, at most `maxBytes` (more is an error). Rejects with
   * ContainerError that says what and why (missing, not a file, too large, not readable).
   */
  readFile(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array>;
  /**
   * The last lines of what the container's first process and its children printed in this run, at
   * most some kilobytes. Absent: there is no log.
   */
  readLog?(signal: AbortSignal): Promise<string>;
}

/** What a socket watch reports. */
export interface SocketWatchEvents {
  /**
   * The bound sockets changed. Also called when the watch works again after `failed`, whether or
   * not something changed.
   */
  report(report: SocketReport): void;
  /**
   * The sockets cannot be read now: a program is missing in the container, the engine is away, this
   * machine has no free descriptor. That says nothing about the IOCs. It is retried, less and less
   * often.
   */
  failed(error: Error): void;
  /** The container's first process is gone, as seen; no further calls follow. */
  ended(): void;
}

/** A running watch of a container's sockets. */
export interface SocketWatch extends Disposable {
  /** Reads again at once, on a hint (a circuit that closed) that a process came or went. */
  lookNow(): void;
  /**
   * The text of a file below /proc/PID of a process that was reported; undefined when it cannot be
   * seen, or the process is gone. Rejects with CancelledError.
   */
  readProcessFile(
    process: ProcessInfo,
    file: ProcessFile,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}
