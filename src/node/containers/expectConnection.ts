import type { Socket } from 'node:net';
import { formatEndpoint, unmapped } from '../../model/endpoint';
import { MAX_TABLE_TEXT, parseConnections } from '../../services/discovery/detect/parseProc';
import { readProcTable, rethrowPassing } from './hostProcess';

/**
 * Whether the other end of a TCP connection, which began after `expectConnection`, is in that network
 * namespace. False where that cannot be seen.
 */
export type IsExpected = (socket: Socket) => Promise<boolean>;

/**
 * Call before connecting: looks at the connections in the network namespace of a process, in the
 * kernel's table of them there (proc_pid_net(5)). A program there can have connections to all ports that
 * ours may have, also answered ones, but then it has them before. Both reject for a passing problem of
 * this machine, such as no free descriptor, which says nothing about the peer.
 */
export async function expectConnection(pid: number): Promise<IsExpected> {
  const before = await readConnections(pid);
  return async ({ localAddress, localPort, remoteAddress, remotePort }) => {
    if (!localAddress || !localPort || !remoteAddress || !remotePort) return false;
    const near = formatEndpoint({ host: unmapped(localAddress), port: localPort });
    const far = formatEndpoint({ host: unmapped(remoteAddress), port: remotePort });
    const wanted = `${far} ${near}`;
    return !before.has(wanted) && (await readConnections(pid)).has(wanted);
  };
}

/** Those that are answered, each as `LOCAL REMOTE`. */
async function readConnections(pid: number): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  // Servers that listen on :: have it in the table of IPv6.
  for (const table of ['tcp', 'tcp6']) {
    const path = `/proc/${pid}/net/${table}`;
    const text = await readProcTable(path, MAX_TABLE_TEXT).catch((error: unknown) => {
      rethrowPassing(error);
      return '';
    });
    for (const { local, remote, isAnswered } of parseConnections(text)) {
      // Nobody answers those that a program there begins by itself, but itself.
      if (isAnswered) found.add(`${formatEndpoint(local)} ${formatEndpoint(remote)}`);
    }
  }
  return found;
}
