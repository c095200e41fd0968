/** The name-server lists for clients on this machine. Pure. */
import { type Endpoint, formatEndpoint } from './endpoint';
import { quoteFor, type Shell, SHELLS } from './shellQuote';
import type { ServerState, Snapshot } from './snapshot';

export interface NameServers {
  readonly ca: readonly Endpoint[];
  readonly pva: readonly Endpoint[];
}

/**
 * What clients are told: one that is always the same where there is one, else the servers that are
 * there now; nothing while that one is still to be opened. Not both: libca would take a channel to a server's circuit that it opens as a name
 * server just then, before the revision is known, and fail ("bad native data type", nciu.cpp).
 */
export function nameServersOf(snapshot: Snapshot): NameServers {
  const isComing = !snapshot.isSettled && allServers(snapshot).some(isCarried);
  const servers = isComing ? { ca: [], pva: [] } : serversOf(snapshot);
  const { ca, pva } = snapshot.nameServers ?? {};
  return { ca: ca ? [ca] : servers.ca, pva: pva ? [pva] : servers.pva };
}

/** What is in this machine's own network needs no name server of ours. */
function isCarried({ status, way }: ServerState): boolean {
  return status === 'exposed' && way !== 'host-network';
}

function allServers({ containers }: Snapshot): ServerState[] {
  return containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers));
}

/** Every local endpoint at which a server answers now, 127.0.0.1 and the default ports first. */
export function serversOf(snapshot: Snapshot): NameServers {
  const lists = { ca: new Map<string, Endpoint>(), pva: new Map<string, Endpoint>() };
  for (const { protocol, status, local } of allServers(snapshot)) {
    if (!local || (status !== 'exposed' && status !== 'shared')) continue;
    lists[protocol].set(formatEndpoint(local), local);
  }
  const order = (a: Endpoint, b: Endpoint): number =>
    hostOrder(a.host) - hostOrder(b.host) || a.port - b.port;
  return { ca: [...lists.ca.values()].sort(order), pva: [...lists.pva.values()].sort(order) };
}

function hostOrder(host: string): number {
  const last = host.split('.').map(Number);
  return last.length === 4 ? last.reduce((sum, part) => sum * 256 + part, 0) : Number.MAX_VALUE;
}

/** What a list entry may look like, ours or theirs; anything else is no address. */
const PLAIN_ENTRY = /^[\w.:[\]-]+$/;

const VARIABLE = /^[A-Za-z_]\w*$/;

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
    const ours = endpoints.map(formatEndpoint).filter((entry) => PLAIN_ENTRY.test(entry));
    const theirs = (existing[name] ?? '')
      .split(/\s+/)
      .filter((e) => PLAIN_ENTRY.test(e) && !ours.includes(e));
    environment[name] = [...ours, ...theirs].join(' ');
  };
  set('EPICS_CA_NAME_SERVERS', nameServers.ca);
  set('EPICS_PVA_NAME_SERVERS', nameServers.pva);
  return environment;
}

export { type Shell, SHELLS };

/** Lines that set the environment in that shell, whatever the values hold. */
export function formatEnvironment(environment: Record<string, string>, shell: Shell): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const quoted = quoteFor(shell, value);
    return quoted === undefined || !VARIABLE.test(name) ? [] : [setLine(shell, name, quoted)];
  });
}

function setLine(shell: Shell, name: string, quoted: string): string {
  switch (shell) {
    case 'bash':
      return `export ${name}=${quoted}`;
    case 'fish':
      return `set -gx ${name} ${quoted}`;
    case 'csh':
      return `setenv ${name} ${quoted}`;
    case 'powershell':
      return `$env:${name} = ${quoted}`;
    case 'cmd':
      return `set "${name}=${quoted}"`;
    case 'dotenv':
      return `${name}=${quoted}`;
  }
}
