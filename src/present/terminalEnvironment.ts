/** The environment of a window's terminals. */
import { formatEndpoint, isLoopback, isUnspecified } from '../model/endpoint';
import {
  clientEnvironment,
  formatEnvironment,
  nameServersOf,
  serversOf,
  type Shell,
} from './clientEnvironment';
import type { WindowPlace } from './viewState';
import type { Snapshot } from '../model/snapshot';

/** Our name-server lists, without what the user had set. Empty: set nothing. */
export function terminalEnvironment(
  mode: 'auto' | 'always' | 'never',
  place: WindowPlace,
  snapshot: Snapshot,
  ownContainerKey: string | undefined,
): Record<string, string> {
  const isWanted =
    mode === 'always' ||
    (mode === 'auto' &&
      (place === 'here' ||
        (place === 'remote-window' && isRightInside(snapshot, ownContainerKey))));
  if (!isWanted) return {};
  const isHere = place === 'here' || mode === 'always';
  return clientEnvironment(isHere ? nameServersOf(snapshot) : serversOf(snapshot));
}

/**
 * VS Code gives a window's variables to its container terminals and its local ones alike. They are
 * right in both if every server is in that container and listens there at the very address that it
 * has here.
 */
function isRightInside(snapshot: Snapshot, ownContainerKey: string | undefined): boolean {
  const { ca, pva } = serversOf(snapshot);
  const own = snapshot.containers.find(({ key }) => key === ownContainerKey);
  const inside = new Set(
    (own?.iocs ?? [])
      .flatMap(({ servers }) => servers)
      .filter(({ listening: { host } }) => isUnspecified(host) || isLoopback(host))
      .map(({ listening: { port } }) => `127.0.0.1:${port}`),
  );
  return [...ca, ...pva].every((endpoint) => inside.has(formatEndpoint(endpoint)));
}

/** A file to source. */
export interface EnvironmentFile {
  readonly name: string;
  readonly content: string;
}

const FILES: readonly { name: string; shell: Shell; comment: string }[] = [
  { name: 'env.sh', shell: 'bash', comment: '# source' },
  { name: 'env.csh', shell: 'csh', comment: '# source' },
  { name: 'env.fish', shell: 'fish', comment: '# source' },
  { name: 'env.ps1', shell: 'powershell', comment: '# dot-source' },
  { name: 'env.bat', shell: 'cmd', comment: 'rem call' },
];

/** Files to source, for shells outside VS Code; with nothing exposed they say so. */
export function environmentFiles(environment: Record<string, string>): EnvironmentFile[] {
  return FILES.map(({ name, shell, comment }) => {
    const lines = formatEnvironment(environment, shell);
    const head = `${comment} this file: the EPICS servers that EPICS Expose offers on this machine`;
    const end = shell === 'cmd' ? '\r\n' : '\n';
    const body = lines.length > 0 ? lines : [`${comment.split(' ')[0]} nothing is exposed now`];
    return { name, content: [head, ...body, ''].join(end) };
  });
}
