import type {
  FollowChange,
  LiveUpdate,
  PvAddress,
  PvUpdate,
  ExposeRequest,
} from '../model/coreApi';
import type { PlotRequest, PlotUpdate } from '../model/plotValue';
import type { Snapshot } from '../model/snapshot';

/**
 * The version of the protocol between front end and broker: incremented with every change that an
 * older side would not understand.
 */
export const RPC_PROTOCOL = 4;

/** How a front end introduces itself. */
export interface HelloParams {
  readonly protocol: number;
  readonly version: string;
  /**
   * A front end that returns with the same id within the grace period finds its request unchanged.
   */
  readonly clientId: string;
  /** For the log: "VS Code", "epics-expose get". */
  readonly clientName: string;
}

/** What a broker says about itself. */
export interface BrokerFacts {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** Whether it is a command in a terminal that serves others while it runs. */
  readonly isForeground: boolean;
  /** Undefined when it logs to a terminal. */
  readonly logFile?: string;
  /** Number of connected front ends, including this one. */
  readonly frontEndCount: number;
}

/** The answer to a hello: the broker, and the front end's request and state if it returns. */
export interface HelloResult {
  readonly broker: BrokerFacts;
  readonly request?: ExposeRequest;
  readonly snapshot: Snapshot;
}

/** Which PV to follow. */
export interface MonitorParams extends PvAddress {
  /** The front end's own number for this monitor. */
  readonly monitorId: number;
}

/** Which PVs to follow in addition, and which no longer. */
export interface FollowParams extends FollowChange {
  /** The front end's own number for this follower; a new one begins with its first change. */
  readonly followerId: number;
}

/** Which PV to plot; ended as a monitor is. */
export interface PlotParams extends PlotRequest {
  /** The front end's own number, which no monitor has. */
  readonly monitorId: number;
}

/** Notification: the state changed. */
export interface SnapshotNews {
  readonly snapshot: Snapshot;
}

/** Notification: a monitor has an update. */
export interface UpdateNews {
  readonly monitorId: number;
  readonly update: PvUpdate;
}

/** Notification: followed PVs have news. */
export interface FollowedNews {
  readonly followerId: number;
  readonly updates: readonly LiveUpdate[];
}

/** Notification: a plotted PV has an update. */
export interface PlotNews {
  readonly monitorId: number;
  readonly update: PlotUpdate;
}
