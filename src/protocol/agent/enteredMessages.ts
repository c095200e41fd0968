/** A request to an agent that entered a network namespace, over its IPC channel: connect. */
export interface EnteredRequest {
  /** Counts from 1. */
  readonly id: number;
  /** As in an OPEN frame: 0.0.0.0 or :: stands for a listener on every address. */
  readonly host: string;
  readonly port: number;
}

/**
 * The agent's reply. The connected socket comes with it, unless `failure` says why not. `id` 0: the
 * agent is ready.
 */
export interface EnteredReply {
  readonly id: number;
  readonly failure?: string;
}
