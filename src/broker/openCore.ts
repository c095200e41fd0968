import type { Clock } from '../base/clock';
import type { Log } from '../base/log';
import { createDemoEngine } from '../demo/demoEngine';
import { clientIdentity } from '../node/clientIdentity';
import { createOpenContainer } from '../node/containers/openContainer';
import { openDockerEngines } from '../node/engines/dockerEngines';
import { openEngines } from '../node/engines/openEngines';
import { findPortHolder, findSearchingClient, isListening } from '../node/portHolder';
import { Carrier } from '../node/relay/carrier';
import { connectTcp } from '../node/relay/connectTcp';
import { createSearchSockets } from '../node/search/openSearchSockets';
import { isInWsl } from '../node/isInWsl';
import { systemClock } from '../node/systemClock';
import { openAddressFile } from './addressFile';
import { Core } from '../services/core';

/** The engine endpoint that stands for the built-in demo IOC. */
export const DEMO_ENGINE = 'demo:';

/** What `openCore` needs. */
export interface OpenCoreInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False for a look: nothing is relayed; relays of others are used. */
  readonly opensRelays: boolean;
  /** A process that holds ports and is known not to answer; undefined: none. */
  readonly silentPid?: number | undefined;
  /** The file that keeps the containers' loopback addresses; absent: none. */
  readonly addressFile?: string | undefined;
  /** Default: that of this machine. */
  readonly clock?: Clock;
  readonly log: Log;
}

/**
 * Composes the core for this machine: the services, on the engines, sockets and clock of `node`.
 */
export function openCore(input: OpenCoreInput): Core {
  const { env, opensRelays, silentPid, addressFile, clock = systemClock, log } = input;
  // Elsewhere hardly any route has a socket that could be handed over.
  const carrier = process.platform === 'linux' ? new Carrier(log) : undefined;
  const openContainer = createOpenContainer({ clock, log, ...(carrier && { carrier }) });
  const engines = { env, clock, log, openContainer };
  const otherKinds = { [DEMO_ENGINE]: () => createDemoEngine(clock) };
  return new Core({
    openEngines: (endpoints) => openEngines({ ...engines, endpoints, otherKinds }),
    opensRelays,
    ...(carrier && { carrier }),
    ...(opensRelays && {
      searchSockets: createSearchSockets(),
      openPublishingEngines: () => openDockerEngines({ ...engines, isForPorts: true }),
    }),
    ...(addressFile !== undefined && { addresses: openAddressFile(addressFile, log) }),
    ...clientIdentity(),
    dialHost: (endpoint, signal) => connectTcp(endpoint, signal),
    findHolder: async (endpoint) => {
      const holder = await findPortHolder(endpoint);
      const isSilent = silentPid !== undefined && holder?.process?.pid === silentPid;
      return isSilent ? { ...holder, isSilent } : holder;
    },
    isListening,
    findClient: (origin) => findSearchingClient(origin),
    // Clients on Windows reach the ports of WSL, and not its containers.
    automaticAnswers: isInWsl() ? 'relay' : 'direct',
    mayShareNumbers: process.platform !== 'linux',
    clock,
    log,
  });
}
