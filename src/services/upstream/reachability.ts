import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { Log } from '../../base/log';
import type { NameTable, PvSteps } from '../../model/pvTable';
import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { Connection } from '../host/connection';
import type { ClientIdentity } from './protocolAdapter';

/** How far each PV of one server gets on its way to a client here; kept live by a held circuit. */
export interface Reachability extends Disposable {
  readonly steps: PvSteps;
  /** Set while no circuit to the server is up, with the reason. */
  readonly problem: Problem | undefined;
  /** Fires after steps or problem changed; many changes at once fire once. */
  readonly onDidChange: Event<void>;
  /** Ends the circuit, for a reason from outside, and begins another as soon as that is possible. */
  interrupt(reason: string): void;
  /** Asks the names that were added to the table since. */
  namesAdded(): void;
  /** Whether anybody wants to know of a name; of one that nobody does nothing is told, nor asked. */
  setWanted(index: number, isWanted: boolean): void;
  /** Somebody has read a PV, or was denied to: for servers that tell their rules only then. */
  noteRead(index: number, isPermitted: boolean): void;
  /**
   * Reads a PV once, over the circuit that is held where that is possible. Rejects with a sentence for a
   * person, NoReadAccessError where the server denies it, and CancelledError; the deadline is the caller's.
   */
  read(name: string, signal: AbortSignal): Promise<PvReading>;
}

/** Whom to connect to, and for which names. */
export interface ReachabilityInput extends ClientIdentity {
  /** Connects the way a client on this machine does. */
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  readonly names: NameTable;
  /** A gateway says no to a name of which it never heard, and begins to look for it behind it. */
  readonly isGateway: boolean;
  /** Called when an established circuit ended: the server may be gone. */
  readonly onCircuitLost: () => void;
  /** CA: the port that a search reply about one of the server's own PVs named. */
  readonly onSearchPort?: (port: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}
