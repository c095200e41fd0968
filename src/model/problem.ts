/**
 * Problems as codes with their facts (notes: `model/note`). `present/` makes the words, because each
 * front end names its own means: an option of the command is a setting in VS Code.
 *
 * A new one is an entry here; the compiler then asks for its schema (`rpc/problemSchemas`) and its
 * words (`present/problemText`).
 */
import { EpicsExposeError, type ErrorCode } from '../base/errors';
import type { Endpoint } from './endpoint';
import type { SimilarPv } from './iocPlace';
import type { PvStep } from './pvTable';
import type { PvProtocol } from './pvProtocol';

/** Who listens on a port of this machine. */
export interface PortOwner {
  /** Absent if the system hides processes of other users. */
  readonly process?: { readonly pid: number; readonly command: string };
}

/** Why we do not listen on an endpoint of this machine. */
export type PortRefusal =
  /**
   * Another program listens there; without `owner` no program was seen, but the port is not
   * available.
   */
  | { readonly why: 'held'; readonly owner?: PortOwner }
  /** A container publishes it, whether or not it runs now. */
  | { readonly why: 'published'; readonly container: string }
  /** Another container is relayed there. */
  | { readonly why: 'relayed' }
  /** The system refuses it; `detail` has its words. */
  | { readonly why: 'unavailable'; readonly detail: string }
  /** Numbers below 1024 are left to services of this machine. */
  | { readonly why: 'system' }
  /** A relay that leads to one server only is there. */
  | { readonly why: 'one-server' };

/** An endpoint of this machine that is not available. */
export interface TakenPort {
  readonly endpoint: Endpoint;
  readonly refusal: PortRefusal;
  /** It is taken on every address of this machine, so no other loopback address is free either. */
  readonly isEverywhere?: boolean;
}

/**
 * The facts of each problem. Texts named `detail` are in the words of an engine, the system or a
 * program.
 */
export interface ProblemFacts {
  // Engines.
  readonly 'no-engine': object;
  readonly 'engine-here': object;
  /** `host`: set if that is another machine. */
  readonly 'engine-permission': { readonly path: string; readonly host?: string };
  readonly 'engine-hidden': { readonly path: string };
  /** `isMissing`: there is no such socket; otherwise nothing listens on it. */
  readonly 'engine-not-running': { readonly path: string; readonly isMissing: boolean };
  readonly 'engine-timeout': { readonly uri: string };
  readonly 'engine-unreachable': { readonly uri: string; readonly detail: string };
  /** `uri`: absent if a file that TLS needs cannot be read. */
  readonly 'engine-tls': { readonly uri?: string; readonly detail: string };
  /** `api`: absent if what answers is not an engine. */
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
  /** `path`: the socket that was requested; absent if all usual places were tried. */
  readonly 'ssh-no-socket': { readonly host: string; readonly path?: string };

  // Containers.
  /** `container`: absent for a server, which is shown below its container. */
  readonly 'container-paused': { readonly container?: string };
  /** `exitCode`: of its first process; absent if the engine does not say. */
  readonly 'container-stopped': { readonly container: string; readonly exitCode?: number };
  readonly 'container-removed': { readonly container: string };
  /** Its engine starts it again and again: `count` times until now. */
  readonly 'container-restarts': {
    readonly container: string;
    readonly count: number;
    readonly exitCode?: number;
  };
  readonly 'cannot-look-inside': { readonly container: string; readonly detail: string };

  // IOCs.
  /** `lastLine`: of its container's log, if the process writes to that. */
  readonly 'ioc-no-port': {
    readonly pid?: number;
    readonly lastLine?: string;
    /** Set where it is told to listen on addresses that it has not, as its log says. */
    readonly interfaces?: { readonly variable: string; readonly value: string };
  };
  /** A signal (Ctrl-Z, SIGSTOP) has stopped its process; `pid` as in its container. */
  readonly 'ioc-suspended': { readonly pid?: number };

  // Servers.
  readonly 'ioc-gone': { readonly port: number };
  /** It listens, but does not answer in the protocol. */
  readonly 'no-handshake': { readonly port: number; readonly protocol: PvProtocol };
  /** It listens, and connections to it from inside its container time out. */
  readonly 'packets-dropped': { readonly port: number };
  /** No route leads to it; `tried` says what happened on each. */
  readonly 'no-way-in': { readonly port: number; readonly tried: readonly TriedRoute[] };
  readonly 'port-taken': { readonly port: number; readonly taken: readonly TakenPort[] };
  readonly 'not-relayed': { readonly port: number };
  readonly 'relay-ended': { readonly endpoint: Endpoint; readonly detail: string };
  /** There is no circuit to a server that is exposed. */
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
  /** A container could not start because we had its port, which is free now. */
  readonly 'port-given-back': {
    readonly container: string;
    readonly transport: 'tcp' | 'udp';
    readonly endpoint: Endpoint;
  };

  // One PV.
  readonly 'not-served': { readonly protocol: PvProtocol };
  /** `user`: the user and host that we gave to the server, "USER on HOST". */
  readonly 'no-read-access': { readonly user: string };
  readonly 'no-channel': { readonly step: PvStep };
  readonly 'not-read': { readonly detail: string };

  /** A client searches for a name that no server has; `similar` is not empty. */
  readonly 'searched-in-vain': {
    readonly pv: string;
    readonly similar: readonly SimilarPv[];
    /** The program that searches, if the system shows it. */
    readonly client?: PortOwner['process'];
  };

  // The background process.
  /** `program`: what would be started instead; it is not newer. */
  readonly 'broker-older': {
    readonly version: string;
    readonly own: string;
    readonly program?: string;
  };
  readonly 'broker-newer': { readonly version: string; readonly own: string };
  readonly 'broker-nonsense': { readonly detail: string };
  readonly 'broker-gone': object;
  /** It runs and does not answer; `isSuspended`: until somebody lets it go on. */
  readonly 'broker-silent': { readonly pid?: number; readonly isSuspended?: true };
}

/** A route that was tried in vain. */
export interface TriedRoute {
  /** What the route is, such as "container address 172.17.0.2". */
  readonly route: string;
  /** Why it failed; absent: something answered, but in neither protocol. */
  readonly detail?: string;
}

/** The code of a problem; part of `--json` and of the messages to front ends. */
export type ProblemCode = keyof ProblemFacts;

/** A state that the user may want to do something about. */
export type Problem = { [C in ProblemCode]: { readonly code: C } & ProblemFacts[C] }[ProblemCode];

/** A problem that was thrown. Its message is for logs; front ends word `problem` themselves. */
export class ProblemError extends EpicsExposeError {
  constructor(
    code: ErrorCode,
    readonly problem: Problem,
    options?: { cause?: unknown },
  ) {
    super(code, problemLog(problem), options);
  }
}

/** Whether two problems have the same code and facts; two absent ones do. */
export function isSameProblem(a: Problem | undefined, b: Problem | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** For logs: the code with its facts, `port-taken {"port":5064,...}`. */
export function problemLog({ code, ...facts }: Problem): string {
  return Object.keys(facts).length === 0 ? code : `${code} ${JSON.stringify(facts)}`;
}
