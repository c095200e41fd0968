import type { Log } from '../../base/log';
import type { PvReading } from '../../model/reading';
import type { CircuitAdapter } from './circuit';

/** Who we are for servers, which believe it. */
export interface ClientIdentity {
  readonly clientName: string;
  readonly hostName: string;
}

/** What an adapter is given. */
export interface AdapterOptions extends ClientIdentity {
  /** For what the server says beside; absent: it is dropped. */
  readonly log?: Log;
  /**
   * Whether to find out if the server answers searches on a circuit before it is ready, which may take
   * a search for a name that nobody has. With pvAccess it takes none, and is always found out.
   */
  readonly probesSearches?: boolean;
  /** CA: called once with the port that a search reply about one of the server's own PVs names. */
  readonly onSearchPort?: (port: number) => void;
}

/** Called from inside `receive`. */
export interface AdapterEvents {
  /** The handshake is done: only now may anything be asked for. */
  ready(): void;
  /** The answer to a search; there may be none, and more than one. */
  searched(searchId: number, isFound: boolean): void;
}

/** How a server is asked whether it has a name: searches cost it little, channels a lot. */
export type LookupBy = 'search' | 'channel' | 'both';

/**
 * One protocol on one circuit, for all that we do there: holding channels, reading, following values and
 * looking up names. Whoever uses the circuit shares it. Nothing may be asked for before `ready`.
 */
export interface ProtocolAdapter extends CircuitAdapter {
  /** Whether the server has shown that it answers searches on this circuit with yes and no. */
  readonly answersSearches: boolean;
  readonly lookupBy: LookupBy;
  /** Whether a server could be asked for that name at all. */
  canAsk(name: string): boolean;
  /** Searches for a name that can be asked for; returns the id that `searched` gives. */
  search(name: string): number;
  /**
   * Asks for a channel of a name that can be asked for. Throws RemoteProtocolError when the server
   * left too many without an answer.
   */
  openChannel(name: string, owner: ChannelOwner): Channel;
}

/** Why a channel was refused, as far as the server lets us know. */
export type Refusal = 'not-found' | 'create-refused';

/** Called from inside `receive`, and not after the channel was closed. */
export interface ChannelOwner {
  /** Whether the server is to be searched for the name when it refuses the channel, for the reason. */
  readonly wantsReason?: boolean;
  /** Once: the channel is there. `isReadable` is true where the server does not tell. */
  opened(isReadable: boolean): void;
  /** The channel is over. With `wantsReason` again when the reason turned out to be another one. */
  refused(refusal: Refusal, message: string): void;
  /** The server ended the channel. */
  lost(): void;
  /** The server's rules changed, before or after `opened`. */
  rightsChanged?(isReadable: boolean): void;
}

/** A channel of a server, from the asking for it to its closing. */
export interface Channel {
  /**
   * Once it is open: reads once. `onResult` is called once, unless the channel is closed or the circuit
   * ends before. Its errors are sentences for a person; NoReadAccessError where the server denies it.
   */
  read(onResult: (result: PvReading | Error) => void): void;
  /** Once it is open, and once: follows the value until the channel is closed. */
  monitor(listener: MonitorListener): void;
  /** Ends it, its monitor and its reads; also one that is not open yet. */
  close(): void;
}

/** Called from inside `receive`, and not after the channel was closed. */
export interface MonitorListener {
  value(reading: PvReading): void;
  /** No values come at present; the monitor goes on. */
  stalled(reason: string): void;
  /** The monitor is over, and the channel closed. Not called when the channel is lost. */
  failed(reason: string): void;
}
