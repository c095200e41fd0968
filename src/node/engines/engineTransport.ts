/** What carries the HTTP of one engine to us; made anew for each attempt to connect. */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { Log } from '../../base/log';
import type { ClientEndpoint } from './engineClient';
import type { GuardedChildren } from './guardedChild';

export interface EngineTransport extends Disposable {
  readonly endpoint: ClientEndpoint;
  /** What another transport to the same engine has as well, where that is known without asking it. */
  readonly identity?: string;
  /**
   * Asks whatever carries the bytes why the engine could not be reached through it; undefined when
   * it has nothing better than the error at hand.
   */
  explain?(signal: AbortSignal): Promise<Error | undefined>;
}

export interface TransportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Where child processes are started, so that their end can be waited for. */
  readonly children: GuardedChildren;
  /** Somebody wants this very endpoint, so effort is justified. */
  readonly isAskedFor: boolean;
}

export type OpenTransport = (signal: AbortSignal) => Promise<EngineTransport>;
