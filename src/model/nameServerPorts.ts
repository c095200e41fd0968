import type { PvProtocol } from './pvProtocol';

/**
 * TCP ports of our name servers on 127.0.0.1: below those of servers, which IOCs in containers may
 * want; the second ones are for a second epics-expose.
 */
export const NAME_SERVER_PORTS: Readonly<Record<PvProtocol, readonly number[]>> = {
  ca: [5063, 15_063, 25_063, 35_063],
  pva: [5074, 15_074, 25_074, 35_074],
};
