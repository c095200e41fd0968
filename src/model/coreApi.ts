/**
 * The contract between the core and the front ends that show it. The core implements it in its own
 * process; the broker carries it unchanged over a socket. All of it is plain data.
 */
import type { Disposable } from '../base/disposable';
import type { Event } from '../base/event';
import type { Endpoint } from './endpoint';
import type { NameSource, PvStep } from './pvTable';
import type { PvReading } from './reading';
import type { ContainerHint } from './workspaceContainer';
import type { ContainerStatus, PvProtocol, Snapshot, RouteKind } from './snapshot';
import type { Problem } from './problem';

/** Which containers the user wants. */
export interface Selection {
  /** Names, ids or beginnings of ids; empty: all. */
  readonly containers: readonly string[];
  /** Folder whose dev container is meant; absolute path. */
  readonly workspace?: string;
  /** `key=value`, or `key` for any value; all must match. */
  readonly labels: readonly string[];
}

/** What one front end wants exposed; several requests add up. */
export interface ExposeRequest {
  readonly selection: Selection;
  /** Engine endpoints as URIs or context names; empty: those that are found. */
  readonly engines: readonly string[];
  /** PV names to watch in addition to those that the IOCs report. */
  readonly names: readonly string[];
  /** Which UDP searches are answered; absent: those to 127.0.0.1. */
  readonly search?: SearchMode;
  /** UDP ports on which its user's clients search, where those are not the usual ones. */
  readonly searchPorts?: SearchPorts;
  /**
   * The container that this front end works in; at its first exposure it gets the first address.
   */
  readonly own?: ContainerHint;
}

/** A UDP port for each protocol. */
export type SearchPorts = Readonly<Partial<Record<PvProtocol, number>>>;

/**
 * For a request: the UDP ports on which clients with this environment search
 * (EPICS_CA_SERVER_PORT, EPICS_PVA_BROADCAST_PORT); empty if it names none from 1024 to 65535.
 */
export function searchPortsIn(
  environment: Readonly<Record<string, string | undefined>>,
): Pick<ExposeRequest, 'searchPorts'> {
  const portOf = (text: string | undefined): number | undefined => {
    const port = Number(text);
    return Number.isInteger(port) && port >= 1024 && port <= 65_535 ? port : undefined;
  };
  const ca = portOf(environment['EPICS_CA_SERVER_PORT']);
  const pva = portOf(environment['EPICS_PVA_BROADCAST_PORT']);
  if (ca === undefined && pva === undefined) return {};
  return { searchPorts: { ...(ca !== undefined && { ca }), ...(pva !== undefined && { pva }) } };
}

/**
 * Which UDP searches are answered, from least to most: none; those sent to 127.0.0.1; also those
 * that clients of this machine broadcast.
 */
export const SEARCH_MODES = ['off', 'loopback', 'thishost'] as const;
/** Which UDP searches are answered, see SEARCH_MODES. */
export type SearchMode = (typeof SEARCH_MODES)[number];

/** The mode that satisfies all of these requests. */
export function widestSearch(requests: readonly Pick<ExposeRequest, 'search'>[]): SearchMode {
  const widest = Math.max(
    0,
    ...requests.map(({ search = 'loopback' }) => SEARCH_MODES.indexOf(search)),
  );
  return SEARCH_MODES[widest] ?? 'off';
}

/**
 * The requests to the core: one object of parameters each, and a result or a rejection. The broker
 * carries each by its name (rpc/methods.ts), so a new one is declared here and there.
 */
export interface CoreRequests {
  /** A page of PVs, in the order of their names. */
  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage>;
  /** One level of the PVs of one server, grouped by prefix if there are many. */
  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch>;
  /** All containers of the engines that requests name, exposed or not. */
  listContainers(query: NoParams, signal: AbortSignal): Promise<readonly RunningContainer[]>;
  /** Everything known about a PV, with a preview of its last value (model/preview). */
  describePv(query: PvDetailsQuery, signal: AbortSignal): Promise<PvDetails>;
  /**
   * Reads a value now, all of it or a preview. Rejects with the reason; code 'not-found': no IOC
   * here serves it.
   */
  readPv(query: PvReadQuery, signal: AbortSignal): Promise<PvReading>;
}

/**
 * The core as a front end sees it: the known state, the front end's request, and requests to the
 * core.
 */
export interface CoreApi extends CoreRequests, Disposable {
  /** The state as last reported. */
  readonly snapshot: Snapshot;
  /** The snapshot changed; fires at most some twenty times a second. */
  readonly onDidChange: Event<void>;
  /** Replaces this front end's request; undefined: it wants nothing any more. */
  setRequest(request: ExposeRequest | undefined): Promise<void>;
  /**
   * Follows a value until disposed, over reconnections too. Updates are previews, at most ten a
   * second.
   */
  monitorPv(address: PvAddress, onUpdate: (update: PvUpdate) => void): Disposable;
}

/** No parameters. */
export type NoParams = Readonly<Record<string, never>>;

/** A PV over one of the two protocols. */
export interface PvAddress {
  readonly name: string;
  readonly protocol: PvProtocol;
}

/** Which PV to read. */
export interface PvReadQuery extends PvAddress {
  /**
   * Only as much as people are shown (model/preview): as JSON, a value of 64 MB takes seconds of
   * both programs.
   */
  readonly isPreview?: boolean;
}

/** Which PV to describe. */
export interface PvDetailsQuery {
  readonly name: string;
  /** Milliseconds to wait at most for a value read just now. */
  readonly maxWaitMs: number;
}

/** A running container, exposed or not. */
export interface RunningContainer {
  readonly engineKey: string;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly status: ContainerStatus;
}

/** A PV of one server in a list. */
export interface PvRow {
  readonly name: string;
  readonly protocol: PvProtocol;
  /** How far it got; in `state` a problem of the server comes first. */
  readonly step: PvStep;
  /** The step, or the code of the server's problem. */
  readonly state: string;
  readonly source: NameSource;
  readonly containerName: string;
  readonly iocName: string;
  readonly serverKey: string;
}

/** Which PVs to list. */
export interface PvQuery {
  /**
   * A glob (`*`, `?`) for the whole name, or without those a part of it; upper and lower case are
   * the same.
   */
  readonly pattern?: string;
  readonly serverKey?: string;
  readonly onlyUnreachable?: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** A part of a list of PVs. */
export interface PvPage {
  /** The number of PVs that match, on all pages. */
  readonly total: number;
  readonly reachable: number;
  readonly rows: readonly PvRow[];
}

/** Which level of the tree of PVs to list. */
export interface BranchQuery {
  readonly serverKey: string;
  /** '' is the top level; otherwise the prefix of a group that was listed. */
  readonly prefix: string;
  readonly pattern?: string;
}

/** One level of the tree of PVs. */
export interface Branch {
  readonly groups: readonly PvGroup[];
  readonly rows: readonly PvRow[];
}

/** PVs that share a prefix. */
export interface PvGroup {
  /**
   * What all its names begin with: up to a separator or, if very many names differ without one, as
   * far as they are alike.
   */
  readonly prefix: string;
  readonly total: number;
  readonly reachable: number;
}

/** A PV with everything that hovers and tooltips show. */
export interface PvDetails {
  readonly name: string;
  /** One for each server that has it, or should have it; empty: no IOC here reports that name. */
  readonly paths: readonly PvPath[];
  /** Servers were asked for a name that no IOC reports, and some have not answered yet. */
  readonly isAsked?: true;
}

/** The path of one PV from its IOC to this machine. */
export interface PvPath {
  readonly row: PvRow;
  readonly implementation: string;
  readonly pid?: number;
  readonly route?: RouteKind;
  /** Where its server listens in the container. */
  readonly listening: Endpoint;
  /** Where it is on this machine. */
  readonly local?: Endpoint;
  /** ISO time since when the server has its state. */
  readonly since?: string;
  readonly problem?: Problem;
  /** A preview. */
  readonly reading?: PvReading;
  /** ISO time at which `reading` was read. */
  readonly readAt?: string;
  /** To whom its server denies reading: the user and host that we gave it. */
  readonly deniedTo?: string;
  /** Why there is no value, or no newer one. */
  readonly readProblem?: Problem;
}

/** An update of a monitored PV. */
export type PvUpdate =
  | {
      readonly kind: 'value';
      /** A preview. */
      readonly reading: PvReading;
      /** Lowest and highest number since the previous update, if there were several. */
      readonly range?: readonly [number, number];
    }
  | { readonly kind: 'interrupted'; readonly problem: Problem };
