/** The states of one listening server on its way to clients of this machine, as a table. */
import type { Transitions } from '../../base/stateMachine';
import type { ServerStatus } from '../../model/snapshot';

export type ServerStateName =
  /** Routes are tried, or its relay is being opened. */
  | 'identifying'
  /** Clients here reach it at an endpoint of ours, or of its engine. */
  | 'exposed'
  /** Clients here reach it by what another program forwards. */
  | 'shared'
  /** It is tried again for as long as it listens. */
  | 'failed'
  /** It answered in neither protocol and nothing says that it should: not shown, and left alone. */
  | 'foreign'
  /** Nothing says that it is an EPICS server and nobody was reached: not shown, and tried again. */
  | 'unreached'
  /** It stopped listening. */
  | 'gone';

export type ServerEvent =
  | 'exposed' // its endpoint on this machine is open
  | 'forwarded' // another program forwards it
  | 'failed'
  | 'neither' // what answered is no EPICS server
  | 'unreached'
  | 'moved' // its last endpoint here belongs to somebody else now
  | 'unsure' // who forwards it may be gone
  | 'ended'; // it listens no more

/** As long as nothing else is known a server that failed stays so, while it is tried again. */
const UNDECIDED = {
  exposed: 'exposed',
  forwarded: 'shared',
  failed: 'failed',
  neither: 'foreign',
  unreached: 'unreached',
  ended: 'gone',
} as const;

export const SERVER_TRANSITIONS: Transitions<ServerStateName, ServerEvent> = {
  identifying: UNDECIDED,
  // After a pause, or when its relay ended, it is identified anew.
  exposed: { ...UNDECIDED, moved: 'identifying' },
  shared: { unsure: 'identifying', ended: 'gone' },
  failed: UNDECIDED,
  foreign: UNDECIDED,
  unreached: UNDECIDED,
  gone: {},
};

/** What the snapshot calls each; those that are not shown have the nearest word. */
export const SERVER_STATUS: Readonly<Record<ServerStateName, ServerStatus>> = {
  identifying: 'identifying',
  exposed: 'exposed',
  shared: 'shared',
  failed: 'failed',
  foreign: 'identifying',
  unreached: 'failed',
  gone: 'gone',
};
