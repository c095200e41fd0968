/**
 * What can be wrong, and what is worth knowing, as codes with their facts. `present/` makes the words,
 * because each front end names its own means: an option of the command is a setting in VS Code.
 *
 * A new one is an entry here; the compiler then asks for its schema (`rpc/problemSchemas`) and its
 * words (`present/problemText`).
 */
import { EpicsExposeError, type ErrorCode } from '../base/errors';
import type { Endpoint } from './endpoint';
import type { PvStep } from './pvTable';
import type { PvProtocol } from './pvProtocol';

/** Who listens on a port of this machine. */
export interface PortOwner {
  /** Absent where the system hides the processes of other users. */
  readonly process?: { readonly pid: number; readonly command: string };
}

/** Why something of ours is not at an endpoint of this machine. */
export type PortRefusal =
  /** Another program listens there; without `owner` nobody was seen, but the port cannot be had. */
  | { readonly why: 'held'; readonly owner?: PortOwner }
  /** A container publishes it, whether or not it runs now. */
  | { readonly why: 'published'; readonly container: string }
  /** Another container is relayed there. */
  | { readonly why: 'relayed' }
  /** The system does not let us have it: its words. */
  | { readonly why: 'unavailable'; readonly detail: string }
  /** Numbers below 1024 are left to services of this machine. */
  | { readonly why: 'system' }
  /** A relay is there that leads to one server only. */
  | { readonly why: 'one-server' };

/** An endpoint of this machine that could not be had. */
export interface TakenPort {
  readonly endpoint: Endpoint;
  readonly refusal: PortRefusal;
  /** On every address of this machine: no other loopback address is free either. */
  readonly isEverywhere?: boolean;
}

/** Texts named `detail` are in somebody else's words: an engine's, the system's, a program's. */
export interface ProblemFacts {
  // Engines.
  readonly 'no-engine': object;
  readonly 'engine-here': object;
  /** `host`: where that is another machine. */
  readonly 'engine-permission': { readonly path: string; readonly host?: string };
  readonly 'engine-hidden': { readonly path: string };
  /** `isMissing`: there is no such socket; else nobody listens on it. */
  readonly 'engine-not-running': { readonly path: string; readonly isMissing: boolean };
  readonly 'engine-timeout': { readonly uri: string };
  readonly 'engine-unreachable': { readonly uri: string; readonly detail: string };
  /** `uri`: absent where a file that TLS needs cannot be read. */
  readonly 'engine-tls': { readonly uri?: string; readonly detail: string };
  /** `api`: absent where what answers is no engine. */
  readonly 'engine-api': {
    readonly uri: string;
    readonly version?: string;
    readonly api?: string;
    readonly oldestApi: string;
  };
  /** The endpoint leads to an engine that is used already. */
  readonly 'engine-duplicate': { readonly uri: string };
  readonly 'podman-missing': object;
  readonly 'podman-service': { readonly detail: string };
  /** Podman runs no container, so its service is not started. */
  readonly 'engine-idle': object;
  readonly 'ssh-unsupported': object;
  readonly 'ssh-missing': { readonly detail: string };
  readonly 'ssh-host-key': { readonly host: string; readonly detail: string };
  readonly 'ssh-auth': { readonly host: string; readonly detail: string };
  readonly 'ssh-unreachable': { readonly host: string; readonly detail: string };
  readonly 'ssh-failed': { readonly host: string; readonly detail: string };
  /** `path`: the socket that was asked for; absent where all usual places were tried. */
  readonly 'ssh-no-socket': { readonly host: string; readonly path?: string };

  // Containers.
  /** `container`: absent where it is told of a server, whose container stands above it. */
  readonly 'container-paused': { readonly container?: string };
  readonly 'container-stopped': { readonly container: string };
  readonly 'cannot-look-inside': { readonly container: string; readonly detail: string };

  // Servers.
  readonly 'ioc-gone': { readonly port: number };
  /** It listens, but what answers is not the protocol. */
  readonly 'no-handshake': { readonly port: number; readonly protocol: PvProtocol };
  /** No route leads to it; what came of each. */
  readonly 'no-way-in': { readonly port: number; readonly tried: readonly TriedRoute[] };
  readonly 'port-taken': { readonly port: number; readonly taken: readonly TakenPort[] };
  readonly 'not-relayed': { readonly port: number };
  readonly 'relay-ended': { readonly endpoint: Endpoint; readonly detail: string };
  /** No circuit to a server that is exposed. */
  readonly disconnected: { readonly detail: string };
  readonly internal: { readonly detail: string };

  // This machine.
  readonly 'search-port-taken': {
    readonly protocol: PvProtocol;
    readonly endpoint: Endpoint;
    readonly refusal: PortRefusal;
  };
  readonly 'well-known-port-taken': {
    readonly protocol: PvProtocol;
    readonly endpoint: Endpoint;
    readonly refusal: PortRefusal;
  };
  /** A container could not start because we had its port; it is free now. */
  readonly 'port-given-back': {
    readonly container: string;
    readonly transport: 'tcp' | 'udp';
    readonly endpoint: Endpoint;
  };

  // One PV.
  readonly 'not-served': { readonly protocol: PvProtocol };
  /** `user`: who we are for the server, "USER on HOST". */
  readonly 'no-read-access': { readonly user: string };
  readonly 'no-channel': { readonly step: PvStep };
  readonly 'not-read': { readonly detail: string };

  // The background process.
  /** `program`: what would be started in its place, and is no newer. */
  readonly 'broker-older': {
    readonly version: string;
    readonly own: string;
    readonly program?: string;
  };
  readonly 'broker-newer': { readonly version: string; readonly own: string };
  readonly 'broker-nonsense': { readonly detail: string };
  readonly 'broker-gone': object;
}

export interface TriedRoute {
  /** "container address 172.17.0.2". */
  readonly route: string;
  /** Absent: it led to somebody who speaks neither protocol. */
  readonly detail?: string;
}

/** Something worth knowing that is no failure. */
export interface NoteFacts {
  // Of a server.
  /** Another program forwards it to `local`. */
  readonly forwarded: { readonly local: Endpoint; readonly owner?: PortOwner };
  /** Relayed at `local` because what comes first is taken. */
  readonly 'port-skipped': { readonly local: Endpoint; readonly taken: readonly TakenPort[] };
  /** Relayed under another number than `port`, its own. */
  readonly 'other-number': {
    readonly port: number;
    readonly local: Endpoint;
    readonly taken: readonly TakenPort[];
  };
  /** The engine publishes it under numbers that clients are not told. */
  readonly 'published-elsewhere': {
    readonly port: number;
    readonly hostPorts: readonly number[];
    readonly local: Endpoint;
  };
  /** Clients do not find its PVs by name servers; by which software. */
  readonly 'not-found-by-name': { readonly reason: FindingTrouble; readonly software: string };
  /** `server`: "IOC in CONTAINER". */
  readonly 'also-served': { readonly name: string; readonly server: string };
  readonly 'says-yes': object;
  /** PVs that may not be read, and by whom. */
  readonly 'read-denied': { readonly count: number; readonly user: string };
  readonly 'names-not-served': { readonly count: number };
  readonly 'no-answers': { readonly count: number };
  readonly 'channels-refused': { readonly count: number };
  readonly 'ports-left-out': { readonly count: number };

  // Of the names of an IOC.
  readonly 'gateway-names': object;
  /** core-pva servers have no list. */
  readonly 'no-list': object;
  readonly 'process-hidden': object;
  /** Names were not found out. */
  readonly 'names-failed': { readonly detail: string };
  /** What the readers of start-up scripts and databases say, in their words: file, line and why. */
  readonly 'names-file': { readonly detail: string };
  readonly 'names-cut': { readonly kept: number; readonly listed: number };
  readonly 'names-refused': { readonly kept: number; readonly detail: string };
  readonly 'names-too-long': { readonly count: number };
}

/** Why clients do not find PVs by name although they are reachable. */
export type FindingTrouble =
  /** pvAccessCPP that tells its GUID: PVXS does not take its answers over TCP. */
  | 'pvxs-ignores'
  /** It answers searches by UDP alone, which does not cross into the container. */
  | 'udp-only'
  /** caproto ends the circuit when libca searches over it. */
  | 'caproto-ends';

export type ProblemCode = keyof ProblemFacts;
export type NoteCode = keyof NoteFacts;

/** A state that the user may want to do something about. */
export type Problem = { [C in ProblemCode]: { readonly code: C } & ProblemFacts[C] }[ProblemCode];

/** Something worth knowing that is no failure. */
export type Note = { [C in NoteCode]: { readonly code: C } & NoteFacts[C] }[NoteCode];

/** A problem that was thrown. Its message is for logs; front ends make words of `problem`. */
export class ProblemError extends EpicsExposeError {
  constructor(
    code: ErrorCode,
    readonly problem: Problem,
    options?: { cause?: unknown },
  ) {
    super(code, problemLog(problem), options);
  }
}

/** Whether two are the same in code and facts. */
export function isSameProblem(a: Problem | undefined, b: Problem | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** For logs: the code with its facts, `port-taken {"port":5064,...}`. */
export function problemLog({ code, ...facts }: Problem): string {
  return Object.keys(facts).length === 0 ? code : `${code} ${JSON.stringify(facts)}`;
}
