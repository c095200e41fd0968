/** What travels over the IPC channel between us and an agent that entered a network namespace. */
export interface EnteredRequest {
  /** From 1. */
  readonly id: number;
  /** As in an OPEN frame. */
  readonly host: string;
  readonly port: number;
}

/** With the connected socket when there is no failure. `id` 0: the agent is ready. */
export interface EnteredReply {
  readonly id: number;
  readonly failure?: string;
}
