/** The name-server lists for clients on this machine. Pure. */
import { type Endpoint, formatEndpoint } from './endpoint';
import type { Snapshot } from './snapshot';

export interface NameServers {
  readonly ca: readonly Endpoint[];
  readonly pva: readonly Endpoint[];
}

/**
 * What clients are told: one that is always the same where there is one, else the servers that are
 * there now. Not both: libca would take a channel to a server's circuit that it opens as a name
 * server just then, before the revision is known, and fail ("bad native data type", nciu.cpp).
 */
export function nameServersOf(snapshot: Snapshot): NameServers {
  const servers = serversOf(snapshot);
  const { ca, pva } = snapshot.nameServers ?? {};
  return { ca: ca ? [ca] : servers.ca, pva: pva ? [pva] : servers.pva };
}

/** Every local endpoint at which a server answers now, 127.0.0.1 and the default ports first. */
export function serversOf(snapshot: Snapshot): NameServers {
  const lists = { ca: new Map<string, Endpoint>(), pva: new Map<string, Endpoint>() };
  for (const container of snapshot.containers) {
    for (const ioc of container.iocs) {
      for (const server of ioc.servers) {
        if (!server.local || (server.status !== 'exposed' && server.status !== 'shared')) continue;
        lists[server.protocol].set(formatEndpoint(server.local), server.local);
      }
    }
  }
  const order = (a: Endpoint, b: Endpoint): number =>
    hostOrder(a.host) - hostOrder(b.host) || a.port - b.port;
  return { ca: [...lists.ca.values()].sort(order), pva: [...lists.pva.values()].sort(order) };
}

function hostOrder(host: string): number {
  const last = host.split('.').map(Number);
  return last.length === 4 ? last.reduce((sum, part) => sum * 256 + part, 0) : Number.MAX_VALUE;
}

/** What a list entry may look like: quoting stays simple and nobody's shell runs an odd value. */
const PLAIN_ENTRY = /^[\w.:[\]-]+$/;

/**
 * The environment that client programs need: lists separated by a blank (a comma breaks libca and
 * PVXS), what the person had set kept after ours. A protocol without any server is left alone.
 */
export function clientEnvironment(
  nameServers: NameServers,
  existing: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const environment: Record<string, string> = {};
  const set = (name: string, endpoints: readonly Endpoint[]): void => {
    if (endpoints.length === 0) return;
    const ours = endpoints.map(formatEndpoint);
    const theirs = (existing[name] ?? '')
      .split(/\s+/)
      .filter((e) => PLAIN_ENTRY.test(e) && !ours.includes(e));
    environment[name] = [...ours, ...theirs].join(' ');
  };
  set('EPICS_CA_NAME_SERVERS', nameServers.ca);
  set('EPICS_PVA_NAME_SERVERS', nameServers.pva);
  return environment;
}

export const SHELLS = ['bash', 'fish', 'csh', 'powershell', 'cmd', 'dotenv'] as const;
export type Shell = (typeof SHELLS)[number];

/** Lines that set the environment in that shell. Values hold only digits, dots, colons, blanks. */
export function formatEnvironment(environment: Record<string, string>, shell: Shell): string[] {
  return Object.entries(environment).map(([name, value]) => {
    switch (shell) {
      case 'bash':
        return `export ${name}=${value.includes(' ') ? `'${value}'` : value}`;
      case 'fish':
        return `set -gx ${name} '${value}'`;
      case 'csh':
        return `setenv ${name} '${value}'`;
      case 'powershell':
        return `$env:${name} = '${value}'`;
      case 'cmd':
        return `set "${name}=${value}"`;
      case 'dotenv':
        return `${name}="${value}"`;
    }
  });
}
