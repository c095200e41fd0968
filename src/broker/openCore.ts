import type { Log } from '../base/log';
import { createDemoEngine } from '../demo/demoEngine';
import { clientIdentity } from '../node/clientIdentity';
import { createOpenContainer } from '../node/containers/openContainer';
import { createHereEngine, HERE_ENGINE } from '../node/engines/ownContainerEngine';
import { openEngines } from '../node/engines/openEngines';
import { findPortHolder } from '../node/portHolder';
import { connectTcp } from '../node/relay/connectTcp';
import { createSearchSockets } from '../node/search/openSearchSockets';
import { systemClock } from '../node/systemClock';
import { openAddressFile } from './addressFile';
import type { Engine } from '../services/host/engine';
import type { EngineSet } from '../services/engines/engineSets';
import { Core } from '../services/core';

/** The engine endpoint that stands for the built-in demo IOC. */
export const DEMO_ENGINE = 'demo:';

/** What `openCore` needs. */
export interface OpenCoreInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False for a look: nothing is relayed; relays of others are used. */
  readonly opensRelays: boolean;
  /** The file that keeps the containers' loopback addresses; absent: none. */
  readonly addressFile?: string | undefined;
  readonly log: Log;
}

/**
 * Composes the core for this machine: the services, on the engines, sockets and clock of `node`.
 */
export function openCore({ env, opensRelays, addressFile, log }: OpenCoreInput): Core {
  const clock = systemClock;
  const openContainer = createOpenContainer({ clock, log });
  const builtIn: Readonly<Record<string, () => Engine>> = {
    [DEMO_ENGINE]: () => createDemoEngine(clock),
    [HERE_ENGINE]: () => createHereEngine({ clock, log }),
  };
  return new Core({
    openEngines: (endpoints) => {
      const named = endpoints.filter((endpoint) => !(endpoint in builtIn));
      const own = endpoints.flatMap((endpoint) => builtIn[endpoint]?.() ?? []);
      if (own.length > 0 && named.length === 0) return builtInSet(own);
      const set = openEngines({
        ...(named.length > 0 && { endpoints: named }),
        ...{ env, clock, log, openContainer },
      });
      return own.length > 0 ? together(set, builtInSet(own)) : set;
    },
    opensRelays,
    ...(opensRelays && {
      searchSockets: createSearchSockets(),
      openPublishingEngines: () =>
        openEngines({ env, clock, log, openContainer, isForPorts: true }),
    }),
    ...(addressFile !== undefined && { addresses: openAddressFile(addressFile, log) }),
    ...clientIdentity(),
    dialHost: (endpoint, signal) => connectTcp(endpoint, signal),
    findHolder: (endpoint) => findPortHolder(endpoint),
    mayShareNumbers: process.platform !== 'linux',
    clock,
    log,
  });
}

function builtInSet(engines: readonly Engine[]): EngineSet {
  return {
    engines,
    onDidChange: () => ({ dispose: () => undefined }),
    problem: undefined,
    ready: () => Promise.resolve(),
    close: async () => {
      for (const engine of engines) engine.dispose();
    },
  };
}

function together(set: EngineSet, own: EngineSet): EngineSet {
  return {
    get engines() {
      return [...set.engines, ...own.engines];
    },
    onDidChange: set.onDidChange,
    problem: undefined,
    ready: (signal) => set.ready(signal),
    close: async () => {
      await Promise.all([set.close(), own.close()]);
    },
  };
}
