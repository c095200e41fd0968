import type { PvProtocol } from '../../model/snapshot';
import { createCaDialect } from './caDialect';
import { HeldReachability } from './heldReachability';
import { createPvaDialect } from './pvaDialect';
import type { Reachability, ReachabilityInput } from './reachability';

export function createReachability(protocol: PvProtocol, input: ReachabilityInput): Reachability {
  const createDialect = protocol === 'ca' ? createCaDialect : createPvaDialect;
  return new HeldReachability(protocol, input, (events) => createDialect(input, events));
}
