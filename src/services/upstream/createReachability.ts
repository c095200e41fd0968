import type { PvProtocol } from '../../model/snapshot';
import { createCaDialect } from './caDialect';
import { ReachabilityWatcher } from './reachabilityWatcher';
import { createPvaDialect } from './pvaDialect';
import type { Reachability, ReachabilityInput } from './reachability';

export function createReachability(protocol: PvProtocol, input: ReachabilityInput): Reachability {
  const createDialect = protocol === 'ca' ? createCaDialect : createPvaDialect;
  return new ReachabilityWatcher(protocol, input, (events) => createDialect(input, events));
}
