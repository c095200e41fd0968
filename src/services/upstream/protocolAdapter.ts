import type { Log } from '../../base/log';
import type { PvReading } from '../../model/reading';
import type { PvaStructureValue } from '../../protocol/pva';
import type { CircuitAdapter } from './circuit';

/** The user and host that we give to servers, which believe it. */
export interface ClientIdentity {
  readonly clientName: string;
  readonly hostName: string;
}

/** What an adapter needs. */
export interface AdapterOptions extends ClientIdentity {
  /** For messages of the server; absent: they are dropped. */
  readonly log?: Log;
  /**
   * Whether to find out, before the circuit is ready, if the server answers searches on it. With
   * Channel Access this may take a search for a name that nobody has. With pvAccess it takes none,
   * and is always found out.
   */
  readonly probesSearches?: boolean;
  /**
   * What the server was recognised as, 'unknown' if it was not; absent: it is only asked for names
   * that every server survives.
   */
  readonly software?: () => string;
  /** CA: called once with the port that a search reply about one of the server's own PVs names. */
  readonly onSearchPort?: (port: number) => void;
}

/** Called from inside `receive`. */
export interface AdapterEvents {
  /** The handshake is done: nothing may be requested before. */
  ready(): void;
  /** The answer to a search; there may be none, or more than one. */
  searched(searchId: number, isFound: boolean): void;
}

/** How to ask a server whether it has a name: searches cost it little, channels a lot. */
export type LookupBy = 'search' | 'channel' | 'both';

/**
 * One protocol on one circuit, for everything we do there: holding channels, reading, following
 * values and looking up names. All users of the circuit share it. Nothing may be requested before
 * `ready`.
 */
export interface ProtocolAdapter extends CircuitAdapter {
  /** Whether the server has shown that it answers searches on this circuit with yes and no. */
  readonly answersSearches: boolean;
  readonly lookupBy: LookupBy;
  /** Whether the server can be asked for that name, see nameLimits. */
  canAsk(name: string): boolean;
  /** Searches for a name that can be asked for; returns the id that `searched` gives. */
  search(name: string): number;
  /**
   * Requests a channel. Throws ContainerError for a name that cannot be asked for, and
   * RemoteProtocolError if the server left too many requests without an answer.
   */
  openChannel(name: string, owner: ChannelOwner): Channel;
}

/** Why a channel was refused, as far as the server lets us know. */
export type Refusal = 'not-found' | 'create-refused';

/** Called from inside `receive`, and not after the channel was closed. */
export interface ChannelOwner {
  /** Whether to search the server for the name if it refuses the channel, to learn the reason. */
  readonly wantsReason?: boolean;
  /**
   * Called once, when the channel is open. `isReadable` is true if the server does not report it.
   */
  opened(isReadable: boolean): void;
  /**
   * The channel was refused. With `wantsReason` it is called again if the reason turned out to be
   * another one.
   */
  refused(refusal: Refusal, message: string): void;
  /** The server ended the channel. */
  lost(): void;
  /** The access rights, which may be reported before or after `opened`, changed. */
  rightsChanged?(isReadable: boolean): void;
}

/** A channel of a server, from its request to its closing. */
export interface Channel {
  /**
   * Reads once; call it when the channel is open. `onResult` is called once, unless the channel is
   * closed or the circuit ends before. Its errors are sentences for the user; NoReadAccessError if
   * the server denies it. `part`: the path of a part of the structure to read alone, over pvAccess.
   */
  read(onResult: (result: PvReading | Error) => void, part?: readonly string[]): void;
  /** Follows the value until the channel is closed; call it once, when the channel is open. */
  monitor(listener: MonitorListener): void;
  /** Closes the channel, its monitor and its reads, even if it is not open yet. */
  close(): void;
}

/** What a reading was made from, for those who draw more of it than its value. */
export interface ReadingSource {
  /** What came over pvAccess: a normative type, or any other structure. */
  readonly structure?: PvaStructureValue;
  /** The state of a Channel Access ENUM. */
  readonly choice?: { readonly index: number; readonly choices: readonly string[] };
}

/** Called from inside `receive`, and not after the channel was closed. */
export interface MonitorListener {
  value(reading: PvReading, source: ReadingSource): void;
  /** No values arrive at present; the monitor goes on. */
  stalled(reason: string): void;
  /** The monitor ended, and the channel is closed. Not called if the channel is lost. */
  failed(reason: string): void;
}
