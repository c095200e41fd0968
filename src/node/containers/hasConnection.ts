import type { Socket } from 'node:net';
import { isSameEndpoint, unmapped } from '../../model/endpoint';
import { MAX_TABLE_TEXT, parseConnections } from '../../services/discovery/detect/parseProc';
import { readProcTable, rethrowPassing } from './hostProcess';

/**
 * Whether the other end of a TCP connection is in the network namespace of a process, by the
 * kernel's table of connections there (proc_pid_net(5)). False where that cannot be seen; rejects
 * for a passing problem of this machine, such as no free descriptor, which says nothing about it.
 */
export async function hasConnection(pid: number, socket: Socket): Promise<boolean> {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return false;
  const near = { host: unmapped(localAddress), port: localPort };
  const far = { host: unmapped(remoteAddress), port: remotePort };
  // Servers that listen on :: have it in the table of IPv6.
  for (const table of ['tcp', 'tcp6']) {
    const path = `/proc/${pid}/net/${table}`;
    const text = await readProcTable(path, MAX_TABLE_TEXT).catch((error: unknown) => {
      rethrowPassing(error);
      return '';
    });
    for (const { local, remote, isAnswered } of parseConnections(text)) {
      // A program there can begin connections to all ports that ours may have; nobody answers them.
      if (isAnswered && isSameEndpoint(local, far) && isSameEndpoint(remote, near)) return true;
    }
  }
  return false;
}
