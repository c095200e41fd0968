/** The core on this machine: services on the engines, sockets and clock of node. */
import type { Log } from '../base/log';
import { createDemoEngine } from '../demo/demoEngine';
import { clientIdentity } from '../node/clientIdentity';
import { createOpenContainer } from '../node/containers/openContainer';
import { openEngines } from '../node/engines/openEngines';
import { findPortHolder } from '../node/portHolder';
import { connectTcp } from '../node/relay/connectTcp';
import { systemClock } from '../node/systemClock';
import type { EngineSet } from '../services/engineSets';
import { Exposer } from '../services/exposer';

/** The endpoint that stands for the built-in demo IOC. */
export const DEMO_ENGINE = 'demo:';

export interface OpenExposerInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False for a look: nothing is relayed, what others relay is used. */
  readonly opensRelays: boolean;
  readonly log: Log;
}

export function openExposer({ env, opensRelays, log }: OpenExposerInput): Exposer {
  const clock = systemClock;
  const openContainer = createOpenContainer({ clock, log });
  return new Exposer({
    openEngines: (endpoints) => {
      const named = endpoints.filter((endpoint) => endpoint !== DEMO_ENGINE);
      const isDemo = named.length < endpoints.length;
      if (isDemo && named.length === 0) return openDemo();
      const set = openEngines({
        ...(named.length > 0 && { endpoints: named }),
        ...{ env, clock, log, openContainer },
      });
      return isDemo ? together(set, openDemo()) : set;
    },
    opensRelays,
    ...clientIdentity(),
    dialHost: (endpoint, signal) => connectTcp(endpoint, signal),
    findHolder: findPortHolder,
    clock,
    log,
  });
}

function openDemo(): EngineSet {
  const engine = createDemoEngine(systemClock);
  return {
    engines: [engine],
    onDidChange: () => ({ dispose: () => undefined }),
    problem: undefined,
    ready: () => Promise.resolve(),
    close: async () => engine.dispose(),
  };
}

function together(set: EngineSet, demo: EngineSet): EngineSet {
  return {
    get engines() {
      return [...set.engines, ...demo.engines];
    },
    onDidChange: set.onDidChange,
    problem: undefined,
    ready: (signal) => set.ready(signal),
    close: async () => {
      await Promise.all([set.close(), demo.close()]);
    },
  };
}
