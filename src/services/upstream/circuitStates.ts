import type { Transitions } from '../../base/stateMachine';

/** How far a circuit to a server is. */
export type CircuitStateName =
  | 'connecting'
  /** Connected; the protocol's handshake is under way. */
  | 'greeting'
  /** The handshake is done. */
  | 'ready'
  | 'ended';

/** What can happen to a circuit. */
export type CircuitEvent = 'connected' | 'ready' | 'ended';

/** The states of a circuit as a table. */
export const CIRCUIT_TRANSITIONS: Transitions<CircuitStateName, CircuitEvent> = {
  connecting: { connected: 'greeting', ended: 'ended' },
  greeting: { ready: 'ready', ended: 'ended' },
  ready: { ended: 'ended' },
  ended: {},
};
