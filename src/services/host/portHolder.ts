import type { Endpoint } from '../../model/endpoint';
import type { PortOwner } from '../../model/problem';

/** Who listens on a port of this machine, as far as the system reports it. */
export interface PortHolder extends PortOwner {
  /**
   * Another user of this machine listens there, neither root nor us. It must not count as the same
   * server even if it answers like it, because that program may change what it forwards.
   */
  readonly isForeign?: boolean;
  /** It is known not to answer, so it is not asked. */
  readonly isSilent?: boolean;
  /** It listens on every address, so no other loopback address is free either. */
  readonly isEverywhere: boolean;
}

/** Whether what answers there may count as the same server, and is worth asking. */
export function mayBeSame(holder: PortHolder | undefined): boolean {
  return holder?.isForeign !== true && holder?.isSilent !== true;
}

/** Where a client of this machine searches from: its end of a connection, or its UDP socket. */
export interface SearchOrigin {
  readonly transport: 'tcp' | 'udp';
  readonly endpoint: Endpoint;
}
