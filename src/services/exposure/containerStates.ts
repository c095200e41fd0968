/** The states of what we see of a running container, as a table. */
import type { Transitions } from '../../base/stateMachine';

export type ContainerStateName =
  /** Nothing was seen of it yet. */
  | 'looking'
  /** Its sockets are seen. */
  | 'seen'
  /** They cannot be seen at present; what was seen before still counts. */
  | 'unseen'
  /** Its first process ended. */
  | 'ended';

export type ContainerEvent =
  | 'report' // its sockets were listed
  | 'failed' // they could not be listed; it is tried again
  | 'ended'; // its first process is gone

const RUNNING = { report: 'seen', failed: 'unseen', ended: 'ended' } as const;

export const CONTAINER_TRANSITIONS: Transitions<ContainerStateName, ContainerEvent> = {
  looking: RUNNING,
  seen: RUNNING,
  unseen: RUNNING,
  ended: {},
};
