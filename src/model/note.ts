/**
 * Notes as codes with their facts: worth knowing, but no failure (those: `model/problem`). A new one
 * is an entry here; the compiler then asks for its schema (`rpc/problemSchemas`) and its words
 * (`present/noteText`).
 */
import type { Endpoint } from './endpoint';
import type { PortOwner, TakenPort } from './problem';

/** Something worth knowing that is no failure. */
export interface NoteFacts {
  // Of a server.
  /** Another program forwards it to `local`. */
  readonly forwarded: { readonly local: Endpoint; readonly owner?: PortOwner };
  /** Relayed at `local` because the preferred endpoints are taken. */
  readonly 'port-skipped': { readonly local: Endpoint; readonly taken: readonly TakenPort[] };
  /** Relayed under another number than its own, `port`. */
  readonly 'other-number': {
    readonly port: number;
    readonly local: Endpoint;
    readonly taken: readonly TakenPort[];
  };
  /** The engine publishes it under numbers that clients are not given. */
  readonly 'published-elsewhere': {
    readonly port: number;
    readonly hostPorts: readonly number[];
    readonly local: Endpoint;
  };
  /**
   * The engine publishes it at `published`, which leads nowhere: it listens on the loopback `inside`
   * of its container alone. `local`: where it is relayed.
   */
  readonly 'published-in-vain': {
    readonly port: number;
    readonly inside: string;
    readonly published: readonly Endpoint[];
    readonly local?: Endpoint;
  };
  /** It takes no search from these addresses: the value of a variable of its environment. */
  readonly 'ignores-senders': { readonly variable: string; readonly addresses: string };
  /** Clients do not find its PVs by name servers; `software` is the server's. */
  readonly 'not-found-by-name': { readonly reason: FindingProblem; readonly software: string };
  /** `server`: "IOC in CONTAINER". */
  readonly 'also-served': { readonly name: string; readonly server: string };
  readonly 'says-yes': object;
  /** PVs that may not be read, and by which user. */
  readonly 'read-denied': { readonly count: number; readonly user: string };
  readonly 'names-not-served': { readonly count: number };
  readonly 'no-answers': { readonly count: number };
  readonly 'channels-refused': { readonly count: number };
  /** Names longer than the server's software accepts. */
  readonly 'names-beyond': { readonly count: number; readonly software: string };
  /** Names for which the server ends the circuit. */
  readonly 'names-harmful': { readonly count: number };
  readonly 'ports-left-out': { readonly count: number };

  // Of the names of an IOC.
  readonly 'gateway-names': object;
  /** core-pva servers have no list. */
  readonly 'no-list': object;
  readonly 'process-hidden': object;
  /** The names could not be found out. */
  readonly 'names-failed': { readonly detail: string };
  /**
   * What the readers of startup scripts and databases report, in their words: file, line and
   * reason.
   */
  readonly 'names-file': { readonly detail: string };
  /** Commands of its startup script that we do not follow, and that may load more records. */
  readonly 'names-other-loaders': { readonly commands: readonly string[] };
  readonly 'names-cut': { readonly kept: number; readonly listed: number };
  readonly 'names-refused': { readonly kept: number; readonly detail: string };
  readonly 'names-too-long': { readonly count: number };
}

/** Why clients do not find PVs by name although they are reachable. */
export type FindingProblem =
  /** pvAccessCPP that sends its GUID: PVXS does not accept its answers over TCP. */
  | 'pvxs-ignores'
  /** It answers searches by UDP only, which does not cross into the container. */
  | 'udp-only'
  /** caproto ends the circuit when libca searches over it. */
  | 'caproto-ends';

/** The code of a note; part of the messages to front ends. */
export type NoteCode = keyof NoteFacts;

/** Something worth knowing that is no failure. */
export type Note = { [C in NoteCode]: { readonly code: C } & NoteFacts[C] }[NoteCode];
