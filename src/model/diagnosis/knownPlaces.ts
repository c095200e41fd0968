/** What a snapshot tells of endpoints that may be in the settings of clients. */
import { type Endpoint, formatEndpoint, isLoopback, isUnspecified } from '../endpoint';
import type { Problem } from '../problem';
import type { PvProtocol, ServerState, Snapshot } from '../snapshot';
import type { KnownPlaces, MachineFacts } from './clientSettings';

/** For `MachineFacts`: what is known without a look at this machine. */
export function knownPlaces({
  containers,
  search,
}: Snapshot): KnownPlaces & Pick<MachineFacts, 'searchProblems'> {
  const inVain = new Map<string, { container: string; inside: string }>();
  const gateways: Record<PvProtocol, { name: string; at: ReturnType<typeof placeOf> }[]> = {
    ca: [],
    pva: [],
  };
  const ignoring: KnownPlaces['ignoring'][number][] = [];
  const found: KnownPlaces['servers'][number][] = [];
  for (const { name: container, iocs } of containers) {
    for (const { role, name, servers } of iocs) {
      for (const server of servers) {
        const at = withoutUs(server);
        const searchedAt = searchedAtOf(server, container, search);
        if (at.length > 0 || searchedAt.length > 0) {
          const place = { protocol: server.protocol, iocName: name, containerName: container };
          const { local, listening } = server;
          const relay = server.isRelayed === true && local ? { relay: local } : {};
          found.push({ ...place, at, searchedAt, port: listening.port, ...relay });
        }
        const vain = server.notes?.find((note) => note.code === 'published-in-vain');
        for (const endpoint of vain?.published ?? []) {
          inVain.set(formatEndpoint(endpoint), { container, inside: vain?.inside ?? '' });
        }
        const ignores = server.notes?.find((note) => note.code === 'ignores-senders');
        if (ignores && server.route === 'host-network' && isOfLoopback(ignores.addresses)) {
          const { variable: list, addresses } = ignores;
          ignoring.push({ protocol: server.protocol, ioc: name, list, addresses });
        }
        if (role === 'gateway') gateways[server.protocol].push({ name, at: placeOf(server) });
      }
    }
  }
  const only = (protocol: PvProtocol): KnownPlaces['gateways'] => {
    const [one, another] = gateways[protocol];
    return one?.at && !another ? { [protocol]: { name: one.name, at: one.at } } : {};
  };
  const problems = (['ca', 'pva'] as const).flatMap((protocol): [PvProtocol, Problem][] => {
    const problem = search?.[protocol]?.problem;
    return problem ? [[protocol, problem]] : [];
  });
  return {
    servers: found,
    inVain,
    ignoring,
    gateways: { ...only('ca'), ...only('pva') },
    searchProblems: Object.fromEntries(problems),
  };
}

/** Where connections on this machine reach a server that are not to us. */
function withoutUs({ route, listening, local, isRelayed, notes }: ServerState): Endpoint[] {
  const { host, port } = listening;
  const isHere = route === 'host-network' && (isUnspecified(host) || isLoopback(host));
  const elsewhere = notes?.find((note) => note.code === 'published-elsewhere');
  return [
    ...(isHere ? [{ host: isLoopback(host) ? host : '127.0.0.1', port }] : []),
    ...(local && isRelayed !== true ? [local] : []),
    ...(elsewhere?.hostPorts ?? []).map((number) => ({ host: '127.0.0.1', port: number })),
  ];
}

/**
 * UDP ports of this machine at which a server takes searches: one of Channel Access at the number of its
 * TCP port; one in a container at a port that its engine publishes, and that we therefore leave to it.
 */
function searchedAtOf(
  { protocol, route, listening }: ServerState,
  container: string,
  search: Snapshot['search'],
): number[] {
  const problem = search?.[protocol]?.problem;
  const isLeft =
    problem?.code === 'search-port-taken' &&
    problem.refusal.why === 'published' &&
    problem.refusal.container === container;
  return [
    ...(route === 'host-network' && protocol === 'ca' ? [listening.port] : []),
    ...(isLeft ? [problem.endpoint.port] : []),
  ];
}

/** Where its engine publishes it, else where it is relayed. */
function placeOf({ notes, local }: ServerState): ServerState['local'] {
  const elsewhere = notes?.find((note) => note.code === 'published-elsewhere');
  const [port] = elsewhere?.hostPorts ?? [];
  return port === undefined ? local : { host: '127.0.0.1', port };
}

/** What clients send to 127.0.0.1 comes from there. */
function isOfLoopback(addresses: string): boolean {
  return addresses.split(/\s+/).some((one) => one.replace(/:\d+$/, '') === '127.0.0.1');
}
