/** The states of a circuit to a server, as a table. */
import type { Transitions } from '../../base/stateMachine';

export type CircuitStateName =
  | 'connecting'
  /** Connected; the protocol's handshake is under way. */
  | 'greeting'
  /** The handshake is done. */
  | 'ready'
  | 'ended';

export type CircuitEvent = 'connected' | 'ready' | 'ended';

export const CIRCUIT_TRANSITIONS: Transitions<CircuitStateName, CircuitEvent> = {
  connecting: { connected: 'greeting', ended: 'ended' },
  greeting: { ready: 'ready', ended: 'ended' },
  ready: { ended: 'ended' },
  ended: {},
};
