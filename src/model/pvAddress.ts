import type { PvProtocol } from './pvProtocol';

/** A PV over one of the two protocols. */
export interface PvAddress {
  readonly name: string;
  readonly protocol: PvProtocol;
}
