import type { PvProtocol } from '../../model/snapshot';
import { CaAdapter } from './caAdapter';
import type { AdapterEvents, AdapterOptions, ProtocolAdapter } from './protocolAdapter';
import { PvaAdapter } from './pvaAdapter';

/** Creates our one client side of a protocol on a circuit. */
export function createAdapter(
  protocol: PvProtocol,
  options: AdapterOptions,
  events: AdapterEvents,
): ProtocolAdapter {
  return protocol === 'ca' ? new CaAdapter(options, events) : new PvaAdapter(options, events);
}
