/** What the messages about the front end itself and the broker carry; the others are in model/coreApi. */
import type { PvAddress, PvUpdate, ExposeRequest } from '../model/coreApi';
import type { Snapshot } from '../model/snapshot';

/** Counted up with every change that an older side would not understand. */
export const RPC_PROTOCOL = 3;

export interface HelloParams {
  readonly protocol: number;
  readonly version: string;
  /** Who comes back under the same id within the grace finds its request as it was. */
  readonly clientId: string;
  /** For the log: "VS Code", "epics-expose get". */
  readonly clientName: string;
}

export interface BrokerFacts {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  /** A command in somebody's terminal that serves others while it runs. */
  readonly isForeground: boolean;
  /** Undefined where it talks to a terminal. */
  readonly logFile?: string;
  /** Front ends connected now, this one included. */
  readonly frontEndCount: number;
}

export interface HelloResult {
  readonly broker: BrokerFacts;
  readonly request?: ExposeRequest;
  readonly snapshot: Snapshot;
}

export interface MonitorParams extends PvAddress {
  /** The front end's own number for it. */
  readonly monitorId: number;
}

export interface SnapshotNews {
  readonly snapshot: Snapshot;
}

export interface UpdateNews {
  readonly monitorId: number;
  readonly update: PvUpdate;
}
