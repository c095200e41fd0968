import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A TCP socket in the state LISTEN, as /proc writes it. */
export interface Listener {
  host: string;
  port: number;
}

/** Runs, and is no zombie waiting for its parent. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}

/** The TCP listeners that one process owns, whatever network namespace it lives in. Needs root. */
export function listenersOf(pid: number): Listener[] {
  const inodes = socketInodesOf(pid);
  return ['tcp', 'tcp6']
    .flatMap((table) => tableOf(pid, table))
    .filter((row) => row.state === '0A' && inodes.has(row.inode))
    .sort((a, b) => Number(a.inode) - Number(b.inode))
    .map(({ host, port }) => ({ host, port }));
}

/** Whether anything listens on a TCP port where this process lives. */
export function isListened(pid: number, port: number): boolean {
  return ['tcp', 'tcp6']
    .flatMap((table) => tableOf(pid, table))
    .some((row) => row.state === '0A' && row.port === port);
}

/** The addresses of those who are connected to a port, as whoever listens there sees them. */
export function clientsOf(pid: number, port: number): string[] {
  return ['tcp', 'tcp6']
    .flatMap((table) => tableOf(pid, table))
    .filter((row) => row.state === '01' && row.port === port)
    .map(({ client }) => client);
}

/** The sockets that a process holds, by their inodes; none of one that has ended. */
export function socketInodesOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  try {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      const inode = linkOf(`/proc/${pid}/fd/${descriptor}`).match(/^socket:\[(\d+)\]$/)?.[1];
      if (inode) inodes.add(inode);
    }
  } catch {
    // The process has just ended: it owns nothing.
  }
  return inodes;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function tableOf(
  pid: number,
  table: string,
): { host: string; port: number; client: string; state: string; inode: string }[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/${table}`, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line
        .trim()
        .split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      const client = hostOf((remote.split(':')[0] ?? '').replace(MAPPED, ''));
      return { host: hostOf(address), port: parseInt(port, 16), client, state, inode };
    });
}

/** Before an IPv4 address in a table of IPv6. */
const MAPPED = /^0{16}FFFF0{4}/;

/** The kernel prints 32-bit words in the machine's own order, here little-endian. */
function hostOf(hex: string): string {
  const bytes = hex.match(/../g) ?? [];
  if (hex.length === 8)
    return bytes
      .reverse()
      .map((byte) => parseInt(byte, 16))
      .join('.');
  const words = hex.match(/.{8}/g) ?? [];
  const inOrder = words.map((word) => (word.match(/../g) ?? []).reverse().join('')).join('');
  return (inOrder.match(/.{4}/g) ?? []).map((group) => parseInt(group, 16).toString(16)).join(':');
}
