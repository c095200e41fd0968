import type { Transitions } from '../../base/stateMachine';

/** What we see of a running container. */
export type ContainerStateName =
  /** It has not been looked into yet. */
  | 'looking'
  /** Its sockets are listed. */
  | 'seen'
  /** Its sockets cannot be listed at present; what was seen before still counts. */
  | 'unseen'
  /** Its first process ended. */
  | 'ended';

/** What can happen to our view of a container. */
export type ContainerEvent =
  | 'report' // its sockets were listed
  | 'failed' // they could not be listed; that is tried again
  | 'ended'; // its first process is gone

const RUNNING = { report: 'seen', failed: 'unseen', ended: 'ended' } as const;

/** The states of a container as a table. */
export const CONTAINER_TRANSITIONS: Transitions<ContainerStateName, ContainerEvent> = {
  looking: RUNNING,
  seen: RUNNING,
  unseen: RUNNING,
  ended: {},
};
