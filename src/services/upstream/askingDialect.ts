import type { CircuitAdapter } from './circuit';

/** What Channel Access and pvAccess have in common in asking a server whether it has a name. */
export interface AskingDialect extends CircuitAdapter {
  /** How fast this server may be asked; known once it is ready. */
  readonly questionsPerSecond: number;
  /** Whether a server could be asked for that name at all. */
  canAsk(name: string): boolean;
  /** Asks; the key is the caller's, answered once at most. False when it cannot take one more now. */
  ask(key: number, name: string): boolean;
  /** Nobody waits for that answer any more. */
  forget(key: number): void;
}

export interface AskingEvents {
  /** The handshake is done. */
  ready(): void;
  answered(key: number, hasName: boolean): void;
}

export type CreateAskingDialect = (events: AskingEvents) => AskingDialect;

export interface AskingIdentity {
  readonly clientName: string;
  readonly hostName: string;
}
