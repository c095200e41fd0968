/** A bound socket in a container's network namespace. */
export interface BoundSocket {
  readonly transport: 'tcp' | 'udp';
  /** Numeric; 0.0.0.0 and :: mean every address. TCP sockets are those in state LISTEN. */
  readonly host: string;
  readonly port: number;
  readonly inode: number;
  readonly uid: number;
}

/**
 * What can be read of a process beyond its report: its whole environment, and the files that are
 * mapped into it.
 */
export type ProcessFile = 'environ' | 'maps';

/** A process in a container that holds sockets. */
export interface ProcessInfo {
  readonly pid: number;
  /** /proc/PID/comm */
  readonly name: string;
  readonly commandLine: readonly string[];
  /** Only IOC, IOC_* and variables of EPICS software; empty if not readable. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Field 22 of /proc/PID/stat: with the pid it identifies the process (clock ticks after boot). */
  readonly startTicks: number;
  /** The same as ISO time, if the boot time is known. */
  readonly startedAt?: string;
  /** In the same numbering as `pid`; 0: it was started from outside. */
  readonly parentPid?: number;
  /** A signal (Ctrl-Z, SIGSTOP) has stopped it, so that it does not answer. */
  readonly isSuspended?: true;
  /** Inodes of the sockets it holds. */
  readonly socketInodes: readonly number[];
}

/** The bound sockets of a container and their owners. */
export interface SocketReport {
  readonly sockets: readonly BoundSocket[];
  /** The processes that own at least one of the sockets, as far as the system lets us see. */
  readonly processes: readonly ProcessInfo[];
  /** Processes without any of the sockets, as last listed, which is less often. */
  readonly others?: readonly ProcessInfo[];
}
