import { NAME_SERVER_PORTS } from '../model/nameServerPorts';
import { type Endpoint, formatEndpoint } from '../model/endpoint';
import { quoteFor, type Shell, SHELLS } from './shellQuote';
import { CLIENT_VARIABLES } from '../model/diagnosis/clientSettings';
import { areBroadcastsAnswered } from '../model/diagnosis/machineFacts';
import type { PvProtocol, ServerState, Snapshot } from '../model/snapshot';

/**
 * Name servers for clients on this machine, for EPICS_CA_NAME_SERVERS and EPICS_PVA_NAME_SERVERS.
 */
export interface NameServers {
  readonly ca: readonly Endpoint[];
  readonly pva: readonly Endpoint[];
  /**
   * Whether clients of pvAccess are to search this machine by UDP, too (EPICS_PVA_ADDR_LIST): pvget has
   * no name servers, and PVXS finds a PV at once instead of after nine seconds. Once it is told, it
   * stays, because each change makes environments out of date. Not for Channel Access, where nearly
   * every client has name servers.
   */
  readonly isPvaSearched?: boolean;
  /** Of which protocols the broadcasts of clients on this machine are answered. */
  readonly answered?: readonly PvProtocol[];
}

/**
 * The name servers for clients: the one that is always the same if it exists, otherwise the servers
 * that are there now; none while that one is still being opened. Not both: libca would take a
 * channel to the circuit that it is just opening to a name server at a server's address, before the
 * revision is known, and fail ("bad native data type", nciu.cpp).
 */
export function nameServersOf(snapshot: Snapshot): NameServers {
  const isComing = !snapshot.isSettled && allServers(snapshot).some(isCarried);
  const servers = isComing ? { ca: [], pva: [] } : serversOf(snapshot);
  const { ca, pva } = snapshot.nameServers ?? {};
  const answered = PROTOCOLS.filter((protocol) => areBroadcastsAnswered(snapshot, protocol));
  return {
    ca: ca ? [ca] : servers.ca,
    pva: pva ? [pva] : servers.pva,
    ...(pva && { isPvaSearched: true }),
    ...(answered.length > 0 && { answered }),
  };
}

/** Servers in this machine's own network need no name server of ours. */
function isCarried({ status, route }: ServerState): boolean {
  return status === 'exposed' && route !== 'host-network';
}

function allServers({ containers }: Snapshot): ServerState[] {
  return containers.flatMap(({ iocs }) => iocs.flatMap(({ servers }) => servers));
}

/**
 * Every local endpoint at which a server answers now; 127.0.0.1 and the default ports come first.
 */
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

/** The form of a list entry, ours or the user's; anything else is no address. */
const PLAIN_ENTRY = /^[\w.:[\]-]+$/;

const VARIABLE = /^[A-Za-z_]\w*$/;

type Variables = Readonly<Record<string, string | undefined>>;

const VARIABLES = { ca: 'EPICS_CA_NAME_SERVERS', pva: 'EPICS_PVA_NAME_SERVERS' } as const;
const PROTOCOLS = ['ca', 'pva'] as const;
const SEARCHED = 'EPICS_PVA_ADDR_LIST';
/** Where searches by UDP are answered. */
export const SEARCHED_HOST = '127.0.0.1';

/** What we write into each variable. */
function ourEntries(nameServers: NameServers): readonly (readonly [string, readonly string[]])[] {
  const { ca, pva, isPvaSearched = false } = nameServers;
  return [
    [VARIABLES.ca, ca.map(formatEndpoint)],
    [VARIABLES.pva, pva.map(formatEndpoint)],
    [SEARCHED, isPvaSearched ? [SEARCHED_HOST] : []],
  ];
}

/**
 * The environment variables for clients: lists separated by a blank (a comma breaks libca and
 * PVXS). What the user had set comes after ours, without entries of ours at which nothing answers
 * any more. The variable of a protocol without any server, and without such entries, is left alone.
 */
export function clientEnvironment(
  nameServers: NameServers,
  existing: Variables = {},
  refused: ReadonlySet<string> = new Set(),
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, entries] of ourEntries(nameServers)) {
    const ours = entries.filter((e) => PLAIN_ENTRY.test(e));
    const theirs = entriesOf(existing[name]);
    const kept = theirs.filter((e) => !ours.includes(e) && !(isOurs(e) && refused.has(e)));
    if (ours.length > 0 || kept.length < theirs.length) {
      environment[name] = [...ours, ...kept].join(' ');
    }
  }
  return environment;
}

/** The user's variables without any entry of ours; '' if nothing is left. */
export function withoutOurs(existing: Variables): Record<string, string> {
  const changed = [...Object.values(VARIABLES), SEARCHED].flatMap((name) => {
    const theirs = entriesOf(existing[name]);
    // Ours comes first; elsewhere it is the user's.
    const isSearched = name === SEARCHED && theirs[0] === SEARCHED_HOST;
    const kept = theirs.slice(isSearched ? 1 : 0).filter((e) => !isOurs(e));
    const isTheirs = existing[name] === undefined || (name === SEARCHED && !isSearched);
    return isTheirs ? [] : [[name, kept.join(' ')] as const];
  });
  return Object.fromEntries(changed);
}

/** The user's entries that lead to this machine, where a connection attempt costs nothing. */
export function loopbackEntries(existing: Variables): Endpoint[] {
  return PROTOCOLS.flatMap((protocol) =>
    entriesOf(existing[VARIABLES[protocol]]).flatMap((entry) => tried(entry, protocol) ?? []),
  );
}

/** Where an entry leads; `localhost`, and an entry without a port, are written by hand. */
function tried(entry: string, protocol: PvProtocol): Endpoint | undefined {
  const named = entry.replace(/^localhost(?=:|$)/, '127.0.0.1');
  const { defaultServerPort } = CLIENT_VARIABLES[protocol];
  return loopbackEndpoint(named.includes(':') ? named : `${named}:${defaultServerPort}`);
}

/**
 * Notes about the user's own entries that refuse connections, with what they cost. They stay,
 * because a tunnel may come up later.
 */
export function refusedNotes(existing: Variables, refused: ReadonlySet<string>): string[] {
  return PROTOCOLS.flatMap((protocol) =>
    entriesOf(existing[VARIABLES[protocol]])
      .filter((entry) => {
        const endpoint = tried(entry, protocol);
        return endpoint && refused.has(formatEndpoint(endpoint)) && !isOurs(entry);
      })
      .map((entry) => `${entry} in ${VARIABLES[protocol]} refuses${COSTS[protocol]}`),
  );
}

/** PVXS only logs it. */
const COSTS: Readonly<Record<PvProtocol, string>> = {
  ca: '; libca clients wait up to 30 s for it at their end',
  pva: ': nobody listens there',
};

function entriesOf(list = ''): string[] {
  return list.split(/\s+/).filter((entry) => PLAIN_ENTRY.test(entry));
}

function loopbackEndpoint(entry: string): Endpoint | undefined {
  const [, host = '', port] = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}):(\d{1,5})$/.exec(entry) ?? [];
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
}

/**
 * Whether an entry can only be ours: the place of a name server, or an address beyond 127.0.0.1, on
 * which nobody else listens. 127.0.0.1:5064 may be a port that a container of the user publishes.
 */
function isOurs(entry: string): boolean {
  const endpoint = loopbackEndpoint(entry);
  if (!endpoint) return false;
  const { host, port } = endpoint;
  return host === '127.0.0.1'
    ? NAME_SERVER_PORTS.ca.includes(port) || NAME_SERVER_PORTS.pva.includes(port)
    : /^127\.0\.0\./.test(host);
}

export { type Shell, SHELLS };

/** Lines that set the environment in a shell, whatever the values contain. */
export function formatEnvironment(environment: Record<string, string>, shell: Shell): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const quoted = quoteFor(shell, value);
    return quoted === undefined || !VARIABLE.test(name) ? [] : [setLine(shell, name, quoted)];
  });
}

/** Lines that set these variables in a shell, and remove those that are ''. */
export function formatChanges(environment: Record<string, string>, shell: Shell): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === '' ? unsetLines(shell, name) : formatEnvironment({ [name]: value }, shell),
  );
}

function unsetLines(shell: Shell, name: string): string[] {
  switch (shell) {
    case 'bash':
      return [`unset ${name}`];
    case 'fish':
      return [`set -e ${name}`];
    case 'csh':
      return [`unsetenv ${name}`];
    case 'powershell':
      return [`Remove-Item Env:${name} -ErrorAction SilentlyContinue`];
    case 'cmd':
      return [`set "${name}="`];
    case 'dotenv':
      return []; // such a file cannot express it
  }
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
