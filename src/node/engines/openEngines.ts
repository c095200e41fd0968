import type { Engine } from '../../services/host/engine';
import type { EngineSet } from '../../services/engines/engineSets';
import { type EngineSetOptions, openDockerEngines } from './dockerEngines';
import { createHereEngine, HERE_ENGINE } from './ownContainerEngine';

/**
 * Engines that are neither Docker nor Podman, by the endpoint that names them. A new kind of engine is
 * an entry here (or, where it may not be known in this room, in `otherKinds`).
 */
type EngineKinds = Readonly<Record<string, () => Engine>>;

/** What `openEngines` needs; `endpoints` as for Docker and Podman. */
export interface OpenEnginesOptions extends EngineSetOptions {
  /** Kinds of engines that others bring, such as the demo. */
  readonly otherKinds?: EngineKinds;
}

/**
 * Opens the engines that the user named, or all that are found.
 * @throws UsageError if an endpoint makes no sense.
 */
export function openEngines({
  otherKinds,
  endpoints = [],
  ...options
}: OpenEnginesOptions): EngineSet {
  const kinds: EngineKinds = { ...otherKinds, [HERE_ENGINE]: () => createHereEngine(options) };
  const own = endpoints.flatMap((endpoint) => kinds[endpoint]?.() ?? []);
  const others = endpoints.filter((endpoint) => !(endpoint in kinds));
  if (own.length > 0 && others.length === 0) return fixedSet(own);
  const docker = openDockerEngines({ ...options, ...(others.length > 0 && { endpoints: others }) });
  return own.length > 0 ? together(docker, fixedSet(own)) : docker;
}

/** Engines that are there from the beginning to the end. */
function fixedSet(engines: readonly Engine[]): EngineSet {
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
