import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { Log } from '../../base/log';
import type { NameTable, PvSteps } from '../../model/pvTable';
import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { Connection } from '../host/connection';
import type { ClientIdentity } from './protocolAdapter';

/**
 * How far each PV of one server gets on its way to a client here; kept current by a held circuit.
 */
export interface Reachability extends Disposable {
  readonly steps: PvSteps;
  /** Why there is no circuit to the server; undefined while there is one. */
  readonly problem: Problem | undefined;
  /** Fires after steps or problem changed; once for many changes at a time. */
  readonly onDidChange: Event<void>;
  /** Connects again at once if it waits before the next attempt: something has changed. */
  resume(): void;
  /** Ends the circuit for an external reason, and connects again as soon as possible. */
  interrupt(reason: string): void;
  /** Connects anew, because clients go another way from now on: PVs are pending meanwhile, not lost. */
  move(reason: string): void;
  /** Asks for the names that were added to the table since the last call. */
  namesAdded(): void;
  /** Whether a name is wanted; others are neither asked for nor reported. */
  setWanted(index: number, isWanted: boolean): void;
  /**
   * Notes that a PV was read, or that reading was denied: for servers that report access rights
   * only then.
   */
  noteRead(index: number, isPermitted: boolean): void;
  /**
   * Reads a PV, or a part of it, once, over the held circuit if possible. Rejects with a sentence for the user,
   * NoReadAccessError if the server denies it, and CancelledError; the caller sets the deadline.
   */
  read(name: string, signal: AbortSignal, part?: readonly string[]): Promise<PvReading>;
}

/** How to connect, and for which names. */
export interface ReachabilityInput extends ClientIdentity {
  /** Connects as a client on this machine does. */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  readonly names: NameTable;
  /** What the server was recognised as, see AdapterOptions. */
  readonly software?: () => string;
  /** A gateway says no to a name it does not know yet, and begins to search for it. */
  readonly isGateway: boolean;
  /** Why a circuit ended before its handshake, if that is known better than by its end. */
  readonly whyClosed?: () => string | undefined;
  /** Called when an established circuit ended: the server may be gone. */
  readonly onCircuitLost: () => void;
  /** Called when one ended before it was established. */
  readonly onCircuitFailed?: () => void;
  /** CA: the port that a search reply about one of the server's own PVs named. */
  readonly onSearchPort?: (port: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}
