/**
 * The known state as plain data that can be serialised: engines, containers, IOC processes,
 * servers, and how many PVs are reachable. Front ends render it and hold no state of their own. The
 * PVs themselves (there may be 100,000) are read in pages, not carried here.
 */
import type { Endpoint } from './endpoint';
import type { Note } from './note';
import type { Problem } from './problem';
import type { PvProtocol } from './pvProtocol';

export type { PvProtocol };

/** The server's software as proved by its bytes on the wire; 'unknown' rather than a guess. */
export type ServerImplementation = string;

/** A container engine. */
export interface EngineState {
  /** Its stable identity: the endpoint as a URI. */
  readonly key: string;
  /** 'docker', 'podman', ...; 'here': the container in which we run. */
  readonly kind: string;
  /** '' if there is none, or it is not known yet. */
  readonly version: string;
  /** Whether it runs without root's rights; absent if that means nothing. */
  readonly isRootless?: boolean;
  readonly status: 'connecting' | 'connected' | 'unreachable';
  readonly problem?: Problem;
}

/** Whether a container runs. */
export type ContainerStatus = 'running' | 'paused' | 'stopped';

/** A container and its IOCs. */
export interface ContainerState {
  /** Its identity: `<engine key>#<container id>`. */
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

/** An IOC process and its servers. */
export interface IocState {
  /** Stable while the process lives. */
  readonly key: string;
  /** IOC_NAME, or the best name that its command line offers. */
  readonly name: string;
  /** The process id, in the container's own numbering if we can see that. */
  readonly pid?: number;
  /** ISO time at which the process started, if the system reports it. */
  readonly startedAt?: string;
  readonly commandLine: string;
  readonly role: 'ioc' | 'gateway';
  /** Why names of PVs are missing; never empty. */
  readonly namesNotes?: readonly Note[];
  /** Whether the names of its PVs are still to come. */
  readonly isNaming?: boolean;
  /** Whether there are more names than are shown, as `namesNotes` say. */
  readonly isNamesCut?: boolean;
  /** Whether it may have PVs that are not listed, as `namesNotes` say. */
  readonly mayLackNames?: boolean;
  /** Why it serves nothing. */
  readonly problem?: Problem;
  /** Its PVs, each once, however many of its servers have it: the best of what it is at those. */
  readonly records: PvCounts;
  /** Empty while it serves nothing. */
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

/** How far a server is on its way to clients on this machine. */
export type ServerStatus =
  | 'identifying' // listening, handshake under way
  | 'exposed' // a client on this machine reaches it at `local`
  | 'shared' // another program already forwards this very server to `local`
  | 'failed' // see problem
  | 'gone'; // it stopped listening; kept for a while so that users see why

/** A server of an IOC. */
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
  /** Where clients reach it by a port of this machine. */
  readonly local?: Endpoint;
  /**
   * The server's own address, to which clients that search by a name server of ours or by UDP are
   * sent instead of to `local`; absent: they are sent to `local`.
   */
  readonly direct?: Endpoint;
  /** Whether what listens at `local` is a relay of ours, which answers searches for all servers. */
  readonly isRelayed?: boolean;
  /** ISO time since when `status` is what it is. */
  readonly since?: string;
  readonly pvs: PvCounts;
  readonly problem?: Problem;
  /** Notes that are no failure (published under another number, ...); never empty. */
  readonly notes?: readonly Note[];
}

/** How many PVs of a server got how far. */
export interface PvCounts {
  readonly total: number;
  /** PVs for which a client here gets a channel, without `unreadable`. */
  readonly reachable: number;
  /** PVs with a channel whose server reported that we may not read them; absent: none. */
  readonly unreadable?: number;
  /** PVs that are not asked for or not answered yet. */
  readonly pending: number;
}

/** Where UDP searches are answered, or why not. */
export interface SearchPort {
  readonly local?: Endpoint;
  /** Further endpoints, on ports on which IOCs in containers take searches; never empty. */
  readonly alsoAt?: readonly Endpoint[];
  /** Broadcast addresses on which searches of clients of this machine are received; never empty. */
  readonly broadcasts?: readonly string[];
  readonly problem?: Problem;
}

/** UDP searches per protocol. */
export type SearchState = Readonly<Partial<Record<PvProtocol, SearchPort>>>;

/** Everything that front ends show, but for the PVs. */
export interface Snapshot {
  /**
   * Whether every engine has answered or failed, and everything found is exposed or has a problem.
   */
  readonly isSettled: boolean;
  /** Why there is no engine at all; absent if there is one. */
  readonly engineProblem?: Problem;
  readonly engines: readonly EngineState[];
  readonly containers: readonly ContainerState[];
  /** Absent while UDP searches are not to be answered. */
  readonly search?: SearchState;
  /** Where clients find the PVs of all servers by TCP, whichever servers there are now. */
  readonly nameServers?: Readonly<Partial<Record<PvProtocol, Endpoint>>>;
  /**
   * Problems of this machine rather than of one container: what keeps clients, or other programs,
   * from a port.
   */
  readonly notices?: readonly Problem[];
  /** Names that the user gave and no IOC has; empty until all have answered. */
  readonly unknownNames: readonly string[];
}

/** Where a server is; undefined if it is not there any more. */
export function placeOfServer(
  { containers }: Pick<Snapshot, 'containers'>,
  serverKey: string,
): { readonly container: ContainerState; readonly ioc: IocState } | undefined {
  for (const container of containers) {
    const ioc = container.iocs.find(({ servers }) => servers.some(({ key }) => key === serverKey));
    if (ioc) return { container, ioc };
  }
  return undefined;
}
