/**
 * What front ends and the broker say to each other: JSON-RPC 2.0 in the framing of the Language
 * Server Protocol. The requests are those of model/exposure.ts, word for word, and a few about the
 * broker itself. `hello` comes first.
 */
import type { PvUpdate, Wish } from '../model/exposure';
import type { Snapshot } from '../model/snapshot';

/** Counted up with every change that an older side would not understand. */
export const RPC_PROTOCOL = 1;

/** Front end to broker. */
export const METHODS = {
  hello: 'hello',
  setWish: 'setWish',
  listPvs: 'listPvs',
  listBranch: 'listBranch',
  listContainers: 'listContainers',
  tellPv: 'tellPv',
  readPv: 'readPv',
  startMonitor: 'startMonitor',
  stopMonitor: 'stopMonitor',
  /** What all front ends want now. */
  listWishes: 'listWishes',
  /** Ends this front end's wish at once; without it the wish stays for the grace. */
  goodbye: 'goodbye',
  /** A newer version wants to take over: no new front ends from now on. */
  handOver: 'handOver',
  /** The broker ends, everything with it. */
  stop: 'stop',
} as const;

/** Broker to front end. */
export const NEWS = { snapshot: 'snapshot', update: 'update' } as const;

export interface HelloParams {
  readonly protocol: number;
  readonly version: string;
  /** Who comes back under the same id within the grace finds its wish as it was. */
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
  readonly wish?: Wish;
  readonly snapshot: Snapshot;
}

export interface UpdateNews {
  readonly monitorId: number;
  readonly update: PvUpdate;
}
