import type { Transitions } from '../../base/stateMachine';
import type { ServerStatus } from '../../model/snapshot';

/** How far a listening server is on its way to clients of this machine. */
export type ServerStateName =
  /** Routes are tried, or its relay is being opened. */
  | 'identifying'
  /** Clients here reach it at an endpoint of ours, or of its engine. */
  | 'exposed'
  /** Clients here reach it through what another program forwards. */
  | 'shared'
  /** It failed, and is tried again for as long as it listens. */
  | 'failed'
  /**
   * It answered in neither protocol and nothing indicates that it should: not shown, and left
   * alone.
   */
  | 'foreign'
  /**
   * It was not reached and nothing indicates that it is an EPICS server: not shown, and tried
   * again.
   */
  | 'unreached'
  /** It stopped listening. */
  | 'gone';

/** What can happen to a server on its way. */
export type ServerEvent =
  | 'exposed' // its endpoint on this machine is open
  | 'forwarded' // another program forwards it
  | 'failed'
  | 'neither' // what answered is no EPICS server
  | 'unreached'
  | 'moved' // its last endpoint here belongs to another program now
  | 'unsure' // the program that forwards it may be gone
  | 'ended'; // it stopped listening

/** A server that failed stays so while it is tried again, until something else is known. */
const UNDECIDED = {
  exposed: 'exposed',
  forwarded: 'shared',
  failed: 'failed',
  neither: 'foreign',
  unreached: 'unreached',
  ended: 'gone',
} as const;

/** The states of a server as a table. */
export const SERVER_TRANSITIONS: Transitions<ServerStateName, ServerEvent> = {
  identifying: UNDECIDED,
  // After a pause, or when its relay ended, it is identified again.
  exposed: { ...UNDECIDED, moved: 'identifying' },
  shared: { unsure: 'identifying', ended: 'gone' },
  failed: UNDECIDED,
  foreign: UNDECIDED,
  unreached: UNDECIDED,
  gone: {},
};

/** What the snapshot calls each state; for those that are not shown, the nearest word. */
export const SERVER_STATUS: Readonly<Record<ServerStateName, ServerStatus>> = {
  identifying: 'identifying',
  exposed: 'exposed',
  shared: 'shared',
  failed: 'failed',
  foreign: 'identifying',
  unreached: 'failed',
  gone: 'gone',
};
