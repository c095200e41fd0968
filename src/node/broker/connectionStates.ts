/** The states of a front end's connection to the broker, as a table. */
import type { Transitions } from '../../base/stateMachine';

export type ConnectionStateName =
  /** No broker has said hello yet. */
  | 'new'
  | 'connected'
  /** The broker ended or was lost; it, or another one, is looked for. */
  | 'lost'
  /** The front end has no more use for it. */
  | 'left';

export type ConnectionEvent =
  | 'greeted' // a broker said hello
  | 'lost' // the connection ended
  | 'left'; // goodbye, or without a word

export const CONNECTION_TRANSITIONS: Transitions<ConnectionStateName, ConnectionEvent> = {
  new: { greeted: 'connected', left: 'left' },
  connected: { lost: 'lost', left: 'left' },
  lost: { greeted: 'connected', left: 'left' },
  left: {},
};
