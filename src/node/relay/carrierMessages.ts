/** What is said between us and the carrier over its IPC channel; circuits have numbers of ours. */
import type { SearchAnswer, SearchQuestion } from '../../services/host/connection';
import type { PvProtocol } from '../../model/snapshot';

/** To the carrier. */
export type ToCarrier =
  /** Each with one end of the circuit as a socket, one after the other. */
  | { readonly kind: 'client' | 'server'; readonly circuit: number }
  /** Both ends have been sent; without a protocol, every byte passes unseen. */
  | { readonly kind: 'join'; readonly circuit: number; readonly protocol?: PvProtocol }
  | { readonly kind: 'reset'; readonly circuit: number }
  | {
      readonly kind: 'answers';
      readonly answers: readonly (readonly [number, SearchAnswer])[];
      /** How many more messages with questions have been read. */
      readonly receivedCount: number;
    };

/** From the carrier. */
export type FromCarrier =
  /** Both ends have arrived. */
  | { readonly kind: 'joined'; readonly circuit: number }
  /** The client has sent something. */
  | { readonly kind: 'used'; readonly circuit: number }
  /** Neither end is open any more. */
  | { readonly kind: 'closed'; readonly circuit: number }
  | {
      readonly kind: 'questions';
      readonly questions: readonly (readonly [number, SearchQuestion])[];
    };
