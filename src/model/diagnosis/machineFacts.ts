import { type Endpoint, formatEndpoint } from '../endpoint';
import type { PvProtocol, ServerState, Snapshot } from '../snapshot';
import {
  CLIENT_VARIABLES,
  type ClientSettings,
  entriesToTry,
  type MachineFacts,
} from './clientSettings';
import type { WorkspaceFile } from './workspaceSettings';

/** What only a look at this machine tells. */
export type MachineLook = Pick<MachineFacts, 'answers' | 'udpPorts'>;

/** Where these settings lead on this machine, for the look. */
export function endpointsToTry(
  clients: ClientSettings,
  files: readonly WorkspaceFile[],
): readonly Endpoint[] {
  const all = [clients, ...files.flatMap((file) => file.clients ?? [])].flatMap(entriesToTry);
  return [...new Map(all.map((endpoint) => [formatEndpoint(endpoint), endpoint])).values()];
}

/** What a snapshot and a look at this machine say of the ways to PVs here. */
export function machineFacts(snapshot: Snapshot, look: MachineLook): MachineFacts {
  const { nameServers = {}, search, containers } = snapshot;
  const servers = containers.flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers));
  const both = <T>(of: (protocol: PvProtocol) => T): Record<PvProtocol, T> => ({
    ca: of('ca'),
    pva: of('pva'),
  });
  return {
    nameServers,
    searchPorts: both((protocol) => {
      const { local, alsoAt = [] } = search?.[protocol] ?? {};
      return (local ? [local, ...alsoAt] : alsoAt).map(({ port }) => port);
    }),
    // An engine's bridge carries broadcasts of this machine to servers whose own address it reaches.
    areBroadcastsAnswered: both(
      (protocol) => areBroadcastsAnswered(snapshot, protocol) || hearBroadcasts(servers, protocol),
    ),
    isCarried: both((protocol) =>
      servers.some((one) => one.protocol === protocol && one.route !== 'host-network'),
    ),
    ...look,
  };
}

/** Whether all servers of that protocol that answer do so at their own address, and at the usual port for searches. */
function hearBroadcasts(servers: readonly ServerState[], protocol: PvProtocol): boolean {
  const all = servers.filter(
    ({ protocol: theirs, route, status, problem }) =>
      theirs === protocol && route !== 'host-network' && status === 'exposed' && !problem,
  );
  // Its own address is told to clients, or it is how we reach it.
  const isHeard = ({ direct, route, listening }: ServerState): boolean =>
    (direct !== undefined || route === 'address') &&
    (protocol === 'pva' || listening.port === CLIENT_VARIABLES.ca.defaultSearchPort);
  return all.length > 0 && all.every(isHeard);
}

/**
 * Whether broadcasts of clients on this machine are answered. Those within the loopback network always
 * are, and no client sends them by itself.
 */
export function areBroadcastsAnswered({ search }: Snapshot, protocol: PvProtocol): boolean {
  const { broadcasts = [] } = search?.[protocol] ?? {};
  return broadcasts.some((address) => !address.startsWith('127.'));
}
