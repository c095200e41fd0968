/**
 * Processes seen from this machine, above all a container's first one. That needs no privileges:
 * the files used below /proc/PID are readable for everybody, except the descriptors (`fd`).
 */
import { closeSync, opendirSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import type { Disposable } from '../../base/disposable';
import {
  parseIsSuspended,
  parseSocketInodes,
  parseStartTicks,
} from '../../services/discovery/detect/parseProc';
import { Turns } from '../turns';
import type { EngineContainer } from '../engines/containerInfo';

/** A container's first process, by its pid on this machine. */
export interface HostProcess {
  readonly containerId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/**
 * The container's first process, if it runs under the kernel and the pid numbers that we see. An
 * engine's pid may belong to another machine (ssh, tcp, a virtual machine, a socket mounted into
 * the container we are in), where the same number here is another process. So the process itself
 * must name the container's id: in its control group or, where a rootless engine has none, in a
 * mount (/etc/hosts and others are mounted from the container's own folder).
 */
export function findHostProcess(container: EngineContainer): HostProcess | undefined {
  const { id: containerId, pid } = container;
  if (process.platform !== 'linux' || pid <= 0 || containerId.length < 12) return undefined;
  try {
    const startTicks = startTicksOf(pid);
    if (startTicks === undefined) return undefined;
    const isNamed =
      readProc(pid, 'cgroup').includes(containerId) ||
      readProc(pid, 'mountinfo').includes(containerId);
    return isNamed ? { containerId, pid, startTicks } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Rethrows a passing problem of this machine, such as no free descriptor: it says nothing about the
 * file that was to be read.
 */
export function rethrowPassing(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && PASSING.has(code)) throw error;
}

const PASSING: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'EINTR',
  'EIO',
]);

/** When a process started, in clock ticks after boot; undefined for a zombie. Throws as `readProc` does. */
export function startTicksOf(pid: number | 'self'): number | undefined {
  return parseStartTicks(readProc(pid, 'stat'));
}

/** Whether it is still the same process, and not a zombie. Throws when that cannot be seen now. */
export function isAlive({ pid, startTicks }: HostProcess): boolean {
  try {
    return startTicksOf(pid) === startTicks;
  } catch (error) {
    rethrowPassing(error);
    return false;
  }
}

/** Whether a signal has stopped the process of that number; of one that is gone, or that cannot be seen, false. */
export function isSuspended(pid: number): boolean {
  try {
    return parseIsSuspended(readProc(pid, 'stat'));
  } catch {
    return false;
  }
}

/** Whether a process of that number exists; costs a tenth of reading its start time. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // another user's
  }
}

/**
 * A small kernel file that is read again and again: kept open, reading costs a fifth. Empty when
 * the kernel has no such file (sockstat6 without IPv6) or its process is gone.
 */
export class HeldProcFile implements Disposable {
  static readonly #buffer = Buffer.allocUnsafe(8192);
  #fd: number | undefined;
  /** The bytes of the last read, and the text of them. */
  #bytes = Buffer.alloc(0);
  #text = '';
  #isDisposed = false;

  constructor(readonly path: string) {}

  /** Reads the file from its beginning; the same text as the last time costs no new one. */
  read(): string {
    if (this.#isDisposed) return '';
    try {
      this.#fd ??= openSync(this.path, 'r');
      const buffer = HeldProcFile.#buffer;
      const length = readSync(this.#fd, buffer, 0, buffer.length, 0);
      if (buffer.compare(this.#bytes, 0, this.#bytes.length, 0, length) !== 0) {
        this.#bytes = Buffer.from(buffer.subarray(0, length));
        this.#text = buffer.toString('latin1', 0, length);
      }
      return this.#text;
    } catch {
      return '';
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/**
 * Identifies a process's network namespace. /proc/PID/ns/net does too, but only for those who may
 * trace the process; the inode numbers below /proc/PID/net also belong to the namespace
 * (fs/proc/proc_net.c registers every entry once per namespace) and are readable for everybody.
 * Undefined when the process is gone.
 */
export function networkNamespaceKey(pid: number | 'self'): number | undefined {
  try {
    return statSync(`/proc/${pid}/net/sockstat`).ino;
  } catch {
    return undefined;
  }
}

/** Whether the process shares the network namespace of this program. */
export function isInOurNetwork(host: HostProcess): boolean {
  const ours = networkNamespaceKey('self');
  return ours !== undefined && networkNamespaceKey(host.pid) === ours;
}

/** A command line or an environment that is longer is of a process that means no good. */
const MAX_PROC_BYTES = 256 * 1024;
const procBuffer = Buffer.allocUnsafe(MAX_PROC_BYTES);

/**
 * Reads a file below /proc/PID, at most its first 256 kB: a process may make its own command line
 * gigabytes long, without having them (prctl PR_SET_MM_MAP). Synchronous: the kernel creates these
 * files in microseconds, a thread pool costs more. Throws what opening and reading throw.
 */
export function readProc(pid: number | string, name: string): string {
  return readProcFile(`/proc/${pid}/${name}`);
}

/** As readProc, by the whole path. */
export function readProcFile(path: string): string {
  const descriptor = openSync(path, 'r');
  try {
    let length = 0;
    while (length < MAX_PROC_BYTES) {
      const got = readSync(descriptor, procBuffer, length, MAX_PROC_BYTES - length, null);
      if (got === 0) break;
      length += got;
    }
    return procBuffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** The target of a symbolic link; undefined when it cannot be read. */
export function tryLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    rethrowPassing(error);
    return undefined;
  }
}

/**
 * The inodes of the sockets that a process holds. Undefined when we may not see them; empty when
 * the process has ended meanwhile.
 */
export async function readSocketInodes(
  pid: number,
  turns = new Turns(),
): Promise<number[] | undefined> {
  const folder = `/proc/${pid}/fd`;
  const inodes: number[] = [];
  try {
    // In pieces: a process may hold a million descriptors.
    const entries = opendirSync(folder, { bufferSize: NAMES_PER_READ });
    try {
      for (let entry = entries.readSync(); entry; entry = entries.readSync()) {
        inodes.push(...parseSocketInodes(tryLink(`${folder}/${entry.name}`) ?? ''));
        if (turns.isOver) await turns.next();
      }
    } finally {
      entries.closeSync();
    }
    return inodes;
  } catch (error) {
    rethrowPassing(error);
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'EACCES' || code === 'EPERM' ? undefined : [];
  }
}

const NAMES_PER_READ = 256;

/**
 * Reads a kernel table that may be long, such as /proc/net/tcp with 50,000 connections, in pieces:
 * the first `maxBytes` at most. Throws what opening and reading throw.
 */
export async function readProcTable(path: string, maxBytes: number): Promise<string> {
  const turns = new Turns();
  const piece = Buffer.allocUnsafe(TABLE_PIECE_BYTES);
  const descriptor = openSync(path, 'r');
  try {
    let text = '';
    while (text.length < maxBytes) {
      const length = readSync(descriptor, piece, 0, piece.length, null);
      if (length === 0) break;
      text += piece.toString('latin1', 0, length);
      if (turns.isOver) await turns.next();
    }
    return text;
  } finally {
    closeSync(descriptor);
  }
}

/** The kernel creates some 400 lines for this, in a millisecond or two. */
const TABLE_PIECE_BYTES = 64 * 1024;
