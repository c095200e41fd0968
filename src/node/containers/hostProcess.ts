/**
 * A container's first process seen from this machine. Everything here works without privileges,
 * because the files used below /proc/PID are readable for everybody.
 */
import { readFileSync, statSync } from 'node:fs';
import { parseStartTicks } from '../../services/detect/parseProc';
import type { ContainerInfo } from '../../services/engine';

export interface HostProcess {
  readonly containerId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * The container's first process if it runs under the kernel and the pid numbers that we see. An
 * engine's pid may belong to another machine (ssh, tcp, a virtual machine, a socket mounted into
 * the container we are in), where a process of the same number here is somebody else. So the
 * process itself must name the container's id: in its control group, or, where a rootless engine
 * has none, in a mount (/etc/hosts and others are mounted from the container's own folder).
 */
export function findHostProcess(container: ContainerInfo): HostProcess | undefined {
  const { id: containerId, pid } = container;
  if (process.platform !== 'linux' || pid <= 0 || containerId.length < 12) return undefined;
  try {
    const startTicks = parseStartTicks(readProc(pid, 'stat'));
    if (startTicks === undefined) return undefined;
    const isNamed =
      readProc(pid, 'cgroup').includes(containerId) ||
      readProc(pid, 'mountinfo').includes(containerId);
    return isNamed ? { containerId, pid, startTicks } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is the same process still, and no zombie. */
export function isAlive({ pid, startTicks }: HostProcess): boolean {
  try {
    return parseStartTicks(readProc(pid, 'stat')) === startTicks;
  } catch {
    return false;
  }
}

/**
 * Identifies a process's network namespace. /proc/PID/ns/net says it too, but only to those who may
 * trace the process; the inode numbers below /proc/PID/net are the namespace's own as well
 * (fs/proc/proc_net.c registers every entry once per namespace) and readable for everybody.
 */
export function networkNamespaceKey(pid: number | 'self'): number | undefined {
  try {
    return statSync(`/proc/${pid}/net/sockstat`).ino;
  } catch {
    return undefined;
  }
}

export function isInOurNetwork(host: HostProcess): boolean {
  const ours = networkNamespaceKey('self');
  return ours !== undefined && networkNamespaceKey(host.pid) === ours;
}

/** Synchronous: these files are made by the kernel in microseconds, a thread pool costs more. */
export function readProc(pid: number | string, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8');
}
