import { MAX_TABLE_TEXT, parseSocketTable } from '../services/discovery/detect/parseProc';
import { readProcTable } from './containers/hostProcess';

/** Ports on which somebody on this machine takes datagrams; undefined where the system hides them. */
export async function readUdpPorts(): Promise<ReadonlySet<number> | undefined> {
  const texts = await Promise.all(
    ['/proc/net/udp', '/proc/net/udp6'].map((path) =>
      readProcTable(path, MAX_TABLE_TEXT).catch(() => ''),
    ),
  );
  if (texts.every((text) => text === '')) return undefined;
  const sockets = texts.flatMap((text) => parseSocketTable(text, 'udp'));
  return new Set(sockets.map(({ port }) => port));
}
