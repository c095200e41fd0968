import type { PvProtocol, ServerImplementation } from '../../../model/snapshot';
import type { CaServerObservations } from '../../../protocol/ca';

/** What a handshake proved. */
export interface ServerIdentity {
  readonly protocol: PvProtocol;
  readonly implementation: ServerImplementation;
  /** PVA only, and only from servers that tell it over TCP. */
  readonly guid?: string;
  /** CA only: what it did; a search reply about one of its PVs may tell more later. */
  readonly caObservations?: CaServerObservations;
}

/** What one protocol makes of the conversation; `done` may be called once. */
export interface Identification {
  /** Speaks, after the server did or had the time to. */
  begin(peer: { readonly wasSilent: boolean }): void;
  receive(chunk: Uint8Array): void;
  dispose(): void;
}
