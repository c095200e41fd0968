/**
 * What we know, as plain data that can be serialised: engines, containers, IOC processes, servers,
 * and how many PVs are reachable. Front ends render it and hold no state of their own. The PVs
 * themselves (there may be 100,000) are read in pages, not carried here.
 */
import type { Endpoint } from './endpoint';
import type { Note, Problem } from './problem';
import type { PvProtocol } from './pvProtocol';

export type { PvProtocol };

/** Server software as proved by its bytes on the wire; 'unknown' rather than a guess. */
export type ServerImplementation = string;

export interface EngineState {
  /** Stable identity: the endpoint as a URI. */
  readonly key: string;
  /** 'docker', 'podman', ...; 'here': the container that we run in ourselves. */
  readonly kind: string;
  /** '' where there is none, or none is known yet. */
  readonly version: string;
  /** It runs without root's rights; absent where that means nothing. */
  readonly isRootless?: boolean;
  readonly status: 'connecting' | 'connected' | 'unreachable';
  readonly problem?: Problem;
}

export type ContainerStatus = 'running' | 'paused' | 'stopped';

export interface ContainerState {
  /** `<engine key>#<container id>` */
  readonly key: string;
  readonly engineKey: string;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly status: ContainerStatus;
  readonly iocs: readonly IocState[];
  readonly problem?: Problem;
}

export interface IocState {
  /** Stable while the process lives. */
  readonly key: string;
  /** IOC_NAME, or the best name its command line offers. */
  readonly name: string;
  /** In the container's own numbering where we could see it. */
  readonly pid?: number;
  /** ISO time at which the process started, where the system tells. */
  readonly startedAt?: string;
  readonly commandLine: string;
  readonly role: 'ioc' | 'gateway';
  /** Why names of PVs are missing; never empty. */
  readonly namesNotes?: readonly Note[];
  /** There are more names than are shown, as `namesNotes` say. */
  readonly isNamesCut?: boolean;
  readonly servers: readonly ServerState[];
}

/** How bytes get from this machine into the container. */
export type RouteKind =
  | 'host-network' // the IOC listens on this machine itself
  | 'published' // the engine publishes the port
  | 'address' // the container's own address is routable from here
  | 'entered' // our agent in the container's network namespace, started from this machine
  | 'exec-node' // our agent in the container, run by its node
  | 'exec-python' // our agent in the container, run by its python3
  | 'exec-connector' // one socat, nc or bash per connection
  | 'demo';

export type ServerStatus =
  | 'identifying' // listening, handshake under way
  | 'exposed' // a client on this machine reaches it at `local`
  | 'shared' // somebody else already forwards this very server to `local`
  | 'failed' // see problem
  | 'gone'; // it stopped listening; kept for a moment so that people see why

export interface ServerState {
  readonly key: string;
  readonly protocol: PvProtocol;
  readonly implementation: ServerImplementation;
  /** PVA server GUID, 24 hex digits. */
  readonly guid?: string;
  /** Where it listens, in the container's network namespace. */
  readonly listening: Endpoint;
  readonly status: ServerStatus;
  readonly route?: RouteKind;
  /** Where clients on this machine reach it. */
  readonly local?: Endpoint;
  /** Whether what listens at `local` is a relay of ours, which answers searches for all servers. */
  readonly isRelayed?: boolean;
  /** ISO time since when `status` is what it is. */
  readonly since?: string;
  readonly pvs: PvCounts;
  readonly problem?: Problem;
  /** What is worth knowing and no failure (published under another number, ...); never empty. */
  readonly notes?: readonly Note[];
}

export interface PvCounts {
  readonly total: number;
  /** Those of which a client here gets a channel, but for `unreadable`. */
  readonly reachable: number;
  /** Those with a channel whose server said that we may not read them; absent: none. */
  readonly unreadable?: number;
  /** Not yet asked or not yet answered. */
  readonly pending: number;
}

/** Where searches by UDP are answered, or why not. */
export interface SearchPort {
  readonly local?: Endpoint;
  /** Further ports, on which IOCs in containers were told to take searches; never empty. */
  readonly alsoAt?: readonly Endpoint[];
  /** Broadcast addresses at which clients of this machine are heard, never empty. */
  readonly broadcasts?: readonly string[];
  readonly problem?: Problem;
}

export type SearchState = Readonly<Partial<Record<PvProtocol, SearchPort>>>;

export interface Snapshot {
  /** Whether every engine was asked, and all that was found is exposed or has its reason. */
  readonly isSettled: boolean;
  /** Why there is no engine at all, when there is none. */
  readonly engineProblem?: Problem;
  readonly engines: readonly EngineState[];
  readonly containers: readonly ContainerState[];
  /** Absent while no searches by UDP are to be answered. */
  readonly search?: SearchState;
  /** Where clients find PVs of all servers by TCP, whichever of them are there now. */
  readonly nameServers?: Readonly<Partial<Record<PvProtocol, Endpoint>>>;
  /** What concerns this machine rather than one container: what keeps clients, or others, from a port. */
  readonly notices?: readonly Problem[];
  /** Names the person gave that no IOC has, as far as was asked. */
  readonly unknownNames: readonly string[];
}
