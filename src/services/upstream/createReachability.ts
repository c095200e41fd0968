import type { PvProtocol } from '../../model/snapshot';
import type { Reachability, ReachabilityInput } from './reachability';
import { ReachabilityWatcher } from './reachabilityWatcher';

/**
 * Follows how far the PVs of a server get: connects at once, and again whenever the circuit ended,
 * until disposed.
 */
export function createReachability(protocol: PvProtocol, input: ReachabilityInput): Reachability {
  return new ReachabilityWatcher(protocol, input);
}
