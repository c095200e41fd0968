/**
 * What a front end asks for and gets: the one contract between the core and whoever shows it. The
 * core implements it in its own process; the broker carries it over a socket, word for word. All of
 * it is plain data. Pure.
 */
import type { Disposable } from '../base/disposable';
import type { Event } from '../base/event';
import type { Endpoint } from './endpoint';
import type { NameSource, PvStep } from './pvTable';
import type { PvReading } from './reading';
import type { ContainerHint } from './workspaceContainer';
import type { ContainerStatus, PvProtocol, Snapshot, RouteKind } from './snapshot';
import type { Problem } from './problem';

/** Which containers the person wants. */
export interface Selection {
  /** Names, ids or beginnings of ids; empty means all. */
  readonly containers: readonly string[];
  /** Folder whose devcontainer is meant, absolute. */
  readonly workspace?: string;
  /** `key=value`, or `key` for any value; all must match. */
  readonly labels: readonly string[];
}

/** What one front end wants exposed; several requests add up. */
export interface ExposeRequest {
  readonly selection: Selection;
  /** Engine endpoints as URIs or context names; empty means those that are found. */
  readonly engines: readonly string[];
  /** PV names to watch beside those that the IOCs tell. */
  readonly names: readonly string[];
  /** Which searches by UDP are answered; absent: those to 127.0.0.1. */
  readonly search?: SearchMode;
  /** The container that this front end works in: at its first exposure it has the first address. */
  readonly own?: ContainerHint;
}

/** From least to most: none, those sent to 127.0.0.1, also what clients of this machine broadcast. */
export const SEARCH_MODES = ['off', 'loopback', 'thishost'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

/** What satisfies all of them. */
export function widestSearch(requests: readonly Pick<ExposeRequest, 'search'>[]): SearchMode {
  const widest = Math.max(
    0,
    ...requests.map(({ search = 'loopback' }) => SEARCH_MODES.indexOf(search)),
  );
  return SEARCH_MODES[widest] ?? 'off';
}

/**
 * What can be asked of the core: one object of parameters, and an answer or a rejection. The broker
 * carries each of them by its name (rpc/methods.ts), so a new one is declared here and there.
 */
export interface CoreRequests {
  /** PVs in the order of their names. */
  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage>;
  /** One level of the PVs of one server, grouped by prefix where there are many. */
  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch>;
  /** All containers of the engines that requests name, exposed or not. */
  listContainers(query: NoParams, signal: AbortSignal): Promise<readonly RunningContainer[]>;
  /** All that is known about a PV, with a preview of its last value (model/preview). */
  describePv(query: PvDetailsQuery, signal: AbortSignal): Promise<PvDetails>;
  /** Reads all of a value now. Rejects with the reason; code 'not-found': no IOC here serves it. */
  readPv(query: PvAddress, signal: AbortSignal): Promise<PvReading>;
}

/** The core as a front end has it: what is known, what is wanted, and what can be asked. */
export interface CoreApi extends CoreRequests, Disposable {
  /** As last told. */
  readonly snapshot: Snapshot;
  /** The snapshot changed; at most some twenty times a second. */
  readonly onDidChange: Event<void>;
  /** Takes the place of this front end's former request; undefined: nothing any more. */
  setRequest(request: ExposeRequest | undefined): Promise<void>;
  /** Follows a value until disposed, over reconnections too: previews, ten a second at most. */
  monitorPv(address: PvAddress, onUpdate: (update: PvUpdate) => void): Disposable;
}

export type NoParams = Readonly<Record<string, never>>;

/** A PV over one of the two protocols. */
export interface PvAddress {
  readonly name: string;
  readonly protocol: PvProtocol;
}

export interface PvDetailsQuery {
  readonly name: string;
  /** Waits so long at most for a value that was just read. */
  readonly maxWaitMs: number;
}

export interface RunningContainer {
  readonly engineKey: string;
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly status: ContainerStatus;
}

export interface PvRow {
  readonly name: string;
  readonly protocol: PvProtocol;
  /** How far it got; `state` says it with the server's own trouble first. */
  readonly step: PvStep;
  /** The step, or the code of the server's problem. */
  readonly state: string;
  readonly source: NameSource;
  readonly containerName: string;
  readonly iocName: string;
  readonly serverKey: string;
}

export interface PvQuery {
  /** A glob (`*`, `?`) over the whole name, or without those a part of it; upper or lower case. */
  readonly pattern?: string;
  readonly serverKey?: string;
  readonly onlyUnreachable?: boolean;
  readonly offset: number;
  readonly limit: number;
}

export interface PvPage {
  /** Of all that match. */
  readonly total: number;
  readonly reachable: number;
  readonly rows: readonly PvRow[];
}

export interface BranchQuery {
  readonly serverKey: string;
  /** '' is the top; else the prefix of a group that was listed. */
  readonly prefix: string;
  readonly pattern?: string;
}

export interface Branch {
  readonly groups: readonly PvGroup[];
  readonly rows: readonly PvRow[];
}

export interface PvGroup {
  /**
   * What all its names begin with: to a separator, or where very many names differ without one, as
   * far as they are alike.
   */
  readonly prefix: string;
  readonly total: number;
  readonly reachable: number;
}

/** A PV with all that hover and tooltip tell. */
export interface PvDetails {
  readonly name: string;
  /** One for each server that has it, or should have it; empty: no IOC here tells that name. */
  readonly paths: readonly PvPath[];
}

/** The way of one PV from its IOC to this machine. */
export interface PvPath {
  readonly row: PvRow;
  readonly implementation: string;
  readonly pid?: number;
  readonly route?: RouteKind;
  /** In the container. */
  readonly listening: Endpoint;
  /** On this machine. */
  readonly local?: Endpoint;
  /** ISO time since when it is so. */
  readonly since?: string;
  readonly problem?: Problem;
  /** A preview. */
  readonly reading?: PvReading;
  /** ISO time at which `reading` was got. */
  readonly readAt?: string;
  /** To whom its server denies reading: the user and host that it was told. */
  readonly deniedTo?: string;
  /** Why there is no (newer) value. */
  readonly readProblem?: Problem;
}

export type PvUpdate =
  | {
      readonly kind: 'value';
      /** A preview. */
      readonly reading: PvReading;
      /** Lowest and highest of the numbers since the update before, where several came. */
      readonly range?: readonly [number, number];
    }
  | { readonly kind: 'interrupted'; readonly problem: Problem };
