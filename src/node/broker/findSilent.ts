import { readProc, readProcTable } from '../containers/hostProcess';
import { findProcess } from '../portHolder';
import type { BrokerPaths } from './brokerPaths';

/** What is known of a broker that does not answer. */
export interface SilentBroker {
  /** Absent where the system does not tell who has a socket. */
  readonly pid?: number;
  /** It was stopped, by Ctrl-Z or a signal, and goes on by SIGCONT. */
  readonly isSuspended?: true;
}

const MAX_TABLE_TEXT = 16 * 1024 * 1024;
/** __SO_ACCEPTCON of Linux: it listens. */
const LISTENS = 0x10000;

/**
 * Finds the process that listens on the broker's socket, without asking it. Only this user can
 * listen in that folder, so it is the broker whatever its command line says.
 */
export async function findSilent(place: BrokerPaths): Promise<SilentBroker> {
  if (process.platform !== 'linux') return {};
  try {
    const table = await readProcTable('/proc/net/unix', MAX_TABLE_TEXT);
    const inodes = listenersAt(table, place.socket);
    // Of two, one has lost its place to the other, and neither is certain.
    const holder = inodes.length === 1 ? await findProcess(new Set(inodes)) : undefined;
    return holder ? silentBroker(holder.pid) : {};
  } catch {
    return {}; // what /proc does not show is not known
  }
}

/** The same of a process that is known. */
export function silentBroker(pid: number): SilentBroker {
  return { pid, ...(isSuspended(pid) && { isSuspended: true }) };
}

/**
 * Lines of /proc/net/unix (proc_pid_net(5)): `Num RefCount Protocol Flags Type St Inode Path`, where
 * Flags is hexadecimal and Path may contain blanks.
 */
export function listenersAt(table: string, path: string): number[] {
  const wanted = Buffer.from(path).toString('latin1'); // as tables are read
  return table.split('\n').flatMap((line) => {
    const [, flags = '', inode = '', at] =
      /^\S+: \S+ \S+ ([0-9A-F]+) \S+ \S+ +(\d+) (.*)$/i.exec(line) ?? [];
    return at === wanted && (parseInt(flags, 16) & LISTENS) !== 0 ? [Number(inode)] : [];
  });
}

function isSuspended(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const stat = readProc(pid, 'stat');
    // T: by a signal, t: by a debugger, which lets it go on itself.
    return stat.slice(stat.lastIndexOf(')')).startsWith(') T');
  } catch {
    return false;
  }
}
