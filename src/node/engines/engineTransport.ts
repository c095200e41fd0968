import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { Log } from '../../base/log';
import type { ClientEndpoint } from './engineClient';
import type { GuardedChildren } from './guardedChild';

/** What carries the HTTP of one engine to us; created again for each attempt to connect. */
export interface EngineTransport extends Disposable {
  readonly endpoint: ClientEndpoint;
  /** The same for another transport to the same engine, if that is known without asking it. */
  readonly identity?: string;
  /**
   * Finds out why the engine could not be reached over this transport; undefined if nothing is
   * known beyond the error at hand.
   */
  explain?(signal: AbortSignal): Promise<Error | undefined>;
}

/** What a transport needs. */
export interface TransportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Starts child processes, so that their end can be awaited. */
  readonly children: GuardedChildren;
  /** The user named this very endpoint, so effort is justified. */
  readonly isAskedFor: boolean;
}

/** Opens a transport for one attempt to connect. Rejects with the reason. */
export type OpenTransport = (signal: AbortSignal) => Promise<EngineTransport>;
