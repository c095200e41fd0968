/**
 * The contract between the core and the front ends that show it. The core implements it in its own
 * process; the broker carries it unchanged over a socket. All of it is plain data.
 */
import type { IocPlace, RecordPlace, SimilarPv } from './iocPlace';
import type { Disposable } from '../base/disposable';
import type { Event } from '../base/event';
import type { Endpoint } from './endpoint';
import type { PlotRequest, PlotUpdate } from './plotValue';
import type { NameSource, PvStep } from './pvTable';
import type { LiveReading } from './liveReading';
import type { PvReading } from './reading';
import type { ContainerHint } from './workspaceContainer';
import type { PvAddress } from './pvAddress';
import type { ContainerStatus, PvProtocol, Snapshot, RouteKind } from './snapshot';
import type { PortOwner, Problem } from './problem';

export type { PvAddress, SimilarPv };

/** Which containers the user wants. */
export interface Selection {
  /** Names, ids or beginnings of ids; empty: all. */
  readonly containers: readonly string[];
  /** Those that are left out all the same, as `containers`; absent: none. */
  readonly except?: readonly string[];
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
  /** Which address clients that search are told; absent: 'auto'. */
  readonly answers?: AnswerMode;
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
 * Which address clients are told that search by a name server of ours or by UDP: that of the server
 * itself, where this machine reaches it there, and otherwise the relay's (`direct`); or always the
 * relay's; or whichever suits this machine (`auto`).
 */
export const ANSWER_MODES = ['auto', 'direct', 'relay'] as const;
/** Which address clients that search are told, see ANSWER_MODES. */
export type AnswerMode = (typeof ANSWER_MODES)[number];
/** What comes of it. */
export type ToldAddress = Exclude<AnswerMode, 'auto'>;

/** The address with which the clients of all these requests get on: the relay's, as soon as one asks. */
export function safestAnswers(
  requests: readonly Pick<ExposeRequest, 'answers'>[],
  automatic: ToldAddress,
): ToldAddress {
  const wanted = requests.map(({ answers = 'auto' }) => (answers === 'auto' ? automatic : answers));
  return wanted.includes('relay') ? 'relay' : 'direct';
}

/**
 * The requests to the core: one object of parameters each, and a result or a rejection. The broker
 * carries each by its name (rpc/methods.ts), so a new one is declared here and there.
 */
export interface CoreRequests {
  /** A page of PVs, in natural order of their names (CH9 before CH89). */
  listPvs(query: PvQuery, signal: AbortSignal): Promise<PvPage>;
  /** One level of the PVs of a server or of an IOC, grouped by prefix if there are many. */
  listBranch(query: BranchQuery, signal: AbortSignal): Promise<Branch>;
  /** How many PVs of each server and of each IOC match; those without any are left out. */
  countPvs(query: PvFilter, signal: AbortSignal): Promise<readonly MatchCount[]>;
  /** Reads PVs once and returns those in alarm: of very many, only some are looked at. */
  findAlarms(query: AlarmQuery, signal: AbortSignal): Promise<AlarmPage>;
  /** All containers of the engines that requests name, exposed or not, running or stopped. */
  listContainers(query: NoParams, signal: AbortSignal): Promise<readonly KnownContainer[]>;
  /** Those of some names that no IOC here reports; servers are asked for none. */
  findUnlisted(query: NamesQuery, signal: AbortSignal): Promise<readonly string[]>;
  /** The PVs whose names are most like this one, best first; at most three. */
  findSimilar(query: NameQuery, signal: AbortSignal): Promise<readonly SimilarPv[]>;
  /**
   * Where the database files that IOCs load have a record of that name now, whether or not the IOC has
   * it: reads the files again.
   */
  findRecord(query: NameQuery, signal: AbortSignal): Promise<readonly RecordPlace[]>;
  /** PVs that two IOCs report. */
  findDuplicates(query: NoParams, signal: AbortSignal): Promise<readonly DuplicatePvs[]>;
  /** What is at an endpoint of this machine, as far as it is certain. */
  traceEndpoint(query: EndpointQuery, signal: AbortSignal): Promise<TracedEndpoint>;
  /** The last lines that a container printed in this run, or its last one. */
  readContainerLog(query: ContainerQuery, signal: AbortSignal): Promise<readonly string[]>;
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
  /**
   * Follows many PVs at once, in lines of text: at most ten times a second `onUpdates` gets what
   * changed since the last time, each PV once. For rows, where `monitorPv` would be a message per
   * PV and update.
   */
  followPvs(onUpdates: (updates: readonly LiveUpdate[]) => void): PvFollower;
  /** As monitorPv, but updates have what can be drawn of the value, such as an image's pixels. */
  plotPv(request: PlotRequest, onUpdate: (update: PlotUpdate) => void): Disposable;
}

/** The PVs of one `followPvs`; disposing it ends them all. */
export interface PvFollower extends Disposable {
  /** Follows some more PVs and some no longer; the others are not touched. */
  change(change: FollowChange): void;
}

/** Which PVs are followed in addition, and which no longer. */
export interface FollowChange {
  readonly add: readonly FollowedPv[];
  /** Ids. */
  readonly remove: readonly number[];
}

/** A PV, and the number by which its updates name it: the follower's own, 0 or more. */
export interface FollowedPv extends PvAddress {
  readonly id: number;
}

/** What is new of a followed PV: its value, or why there is none now. */
export type LiveUpdate =
  | { readonly id: number; readonly reading: LiveReading }
  | { readonly id: number; readonly problem: Problem };

/** No parameters. */
export type NoParams = Readonly<Record<string, never>>;

/** The name of a PV. */
export interface NameQuery {
  readonly name: string;
}

/** An endpoint of this machine, and the protocol in which it is asked. */
export interface EndpointQuery {
  readonly protocol: PvProtocol;
  readonly endpoint: Endpoint;
}

/** What is at an endpoint of this machine. */
export interface TracedEndpoint extends EndpointQuery {
  /** A relay or name server of ours, which answers searches for every server. */
  readonly isOurs?: boolean;
  /** Who listens, as far as the system shows. */
  readonly owner?: PortOwner;
  /** Whether it answered in that protocol, in time. */
  readonly hasAnswered: boolean;
  /** The IOC that it leads to; absent: it is none that is known here, or that is not certain. */
  readonly ioc?: IocPlace;
}

/** A container. */
export interface ContainerQuery {
  /** Its key in the snapshot. */
  readonly key: string;
}

/** PVs that two IOCs report over the same protocol. */
export interface DuplicatePvs {
  readonly protocol: PvProtocol;
  readonly count: number;
  /** The name of one of them. */
  readonly example: string;
  /** First the one that started first: clients that we answer get its PVs. */
  readonly iocs: readonly IocPlace[];
}

/** Names of PVs, at most MAX_NAMES. */
export interface NamesQuery {
  readonly names: readonly string[];
}
/** How many names one query may have. */
export const MAX_NAMES = 5000;

/**
 * What a name with slashes means if no PV has it: a part of a PV's structure, as in
 * `pva://REC/valueAlarm/highAlarmLimit`.
 */
export interface PvPart {
  readonly name: string;
  /** Names of fields, from the outermost on; at least one. */
  readonly path: readonly string[];
}

/** Which PV to read. */
export interface PvReadQuery extends PvAddress {
  readonly part?: PvPart;
  /**
   * Only as much as people are shown (model/preview): as JSON, a value of 64 MB takes seconds of
   * both programs.
   */
  readonly isPreview?: boolean;
}

/** Which PV to describe. */
export interface PvDetailsQuery {
  readonly name: string;
  readonly part?: PvPart;
  /** Milliseconds to wait at most for a value read just now. */
  readonly maxWaitMs: number;
}

/** A container, exposed or not. */
export interface KnownContainer {
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
  /** The same name at the other servers of its IOC, in the level of an IOC; never empty. */
  readonly others?: readonly PvRow[];
}

/** Which PVs are meant. */
export interface PvFilter {
  /**
   * A glob (`*`, `?`) for the whole name, or without those a part of it; upper and lower case are
   * the same.
   */
  readonly pattern?: string;
  /** Of an IOC, a PV is in a state if it is so at one of its servers. */
  readonly state?: FilterState;
}

/**
 * States by which PVs are filtered: whatever a client here does not get a channel for; what was
 * there, and is not now. Absent: all.
 */
export const FILTER_STATES = ['unreachable', 'disconnected'] as const;
/** See FILTER_STATES. */
export type FilterState = (typeof FILTER_STATES)[number];

/** Among which PVs to look for alarms. */
export interface AlarmQuery {
  /** As in PvFilter. */
  readonly pattern?: string;
  /** How many PVs are read at most. */
  readonly limit: number;
}

/** The PVs in alarm, each record once, in natural order of their names. */
export interface AlarmPage {
  /** PVs that match. */
  readonly total: number;
  /** Those of them that were read. */
  readonly lookedAt: number;
  readonly rows: readonly PvRow[];
}

/** How many PVs match a filter. */
export interface MatchCount {
  /** That of a server or of an IOC. */
  readonly key: string;
  /** Of an IOC, each name once. */
  readonly count: number;
}

/** Which PVs to list. */
export interface PvQuery {
  /** As in PvFilter. */
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
export interface BranchQuery extends PvFilter {
  /** That of a server, or that of an IOC for all its PVs, each once. */
  readonly key: string;
  /** '' is the top level; otherwise the prefix of a group that was listed. */
  readonly prefix: string;
}

/** One level of the tree of PVs, in natural order of the names (CH9 before CH89). */
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
  /** The part that is described: the values are those of the part, over pvAccess. */
  readonly part?: readonly string[];
  /** One for each server that has it, or should have it; empty: no IOC here reports that name. */
  readonly paths: readonly PvPath[];
  /** Servers were asked for a name that no IOC reports, and some have not answered yet. */
  readonly isAsked?: true;
  /** For one that nobody has: the IOC that had it when it ended some minutes ago. */
  readonly endedIn?: IocPlace;
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
  /** As in ServerState. */
  readonly direct?: Endpoint;
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
  /** A newer value was asked for, and has not come yet. */
  readonly isReading?: true;
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
