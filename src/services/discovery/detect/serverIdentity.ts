import type { PvProtocol, ServerImplementation } from '../../../model/snapshot';
import type { CaServerObservations } from '../../../protocol/ca';

/** What a handshake proved. */
export interface ServerIdentity {
  readonly protocol: PvProtocol;
  readonly implementation: ServerImplementation;
  /** PVA only, from servers that send it over TCP. */
  readonly guid?: string;
  /** CA only: what it did. A search reply about one of its PVs may reveal more later. */
  readonly caObservations?: CaServerObservations;
}

/** How one protocol takes part in the conversation; `done` may be called once. */
export interface Identification {
  /** Starts to speak, after the server did or had the time to. */
  begin(): void;
  receive(chunk: Uint8Array): void;
  dispose(): void;
}
