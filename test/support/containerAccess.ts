import assert from 'node:assert/strict';
import { silentLog } from '../../src/base/log';
import { createOpenContainer } from '../../src/node/containers/openContainer';
import { Carrier } from '../../src/node/relay/carrier';
import type { EngineApi } from '../../src/node/engines/engineApi';
import { openDockerEngines } from '../../src/node/engines/dockerEngines';
import { systemClock } from '../../src/node/systemClock';
import type { EngineContainer } from '../../src/node/engines/containerInfo';
import type { ContainerAccess, Engine } from '../../src/services/host/engine';
import { outlivesTests } from './leaks';
import { until } from './until';

/** As in the product; it ends with this process, and some time after its last circuit. */
const carrier = new Carrier(silentLog);

export const openContainer = createOpenContainer({ clock: systemClock, log: silentLog, carrier });

export interface OpenedEngine {
  readonly api: EngineApi;
  /** As the engine tells of it now. */
  info(containerId: string): Promise<EngineContainer>;
  close(): Promise<void>;
}

export async function openEngineApi(endpoint: string): Promise<OpenedEngine> {
  const set = openDockerEngines({
    endpoints: [endpoint],
    env: {},
    clock: systemClock,
    log: silentLog,
    openContainer,
  });
  const { signal } = new AbortController();
  await set.ready(signal);
  const api = set.engines[0] as (Engine & EngineApi) | undefined;
  assert.equal(api?.state.status, 'connected');
  // On a busy machine Podman ends its stream of events now and then, and it is opened anew.
  const connected = (): Promise<void> =>
    until(() => api.state.status === 'connected', 30_000, 'the connection to the engine');
  const info = async (id: string): Promise<EngineContainer> => {
    await connected();
    return api.inspect(id, signal);
  };
  const events = outlivesTests('PipeWrap', () => api.state.status === 'connected');
  const close = async (): Promise<void> => {
    events.dispose();
    await set.close();
  };
  return { api, info, close };
}

/**
 * Where the container is looked at from: this machine, or as if it were on another one, of which
 * the process numbers mean nothing here.
 */
export type Seen = 'from here' | 'from afar';

export function openAs(seen: Seen, api: EngineApi, info: EngineContainer): ContainerAccess {
  return openContainer(api, seen === 'from here' ? info : { ...info, pid: 0 });
}
