import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../base/clock';
import { DisposableStore } from '../../base/disposable';
import { ContainerError, messageOf } from '../../base/errors';
import { EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import { parseStartTicks } from '../../services/discovery/detect/parseProc';
import type { ContainerAccess, ContainerInfo, Engine } from '../../services/host/engine';
import { hostNetworkDialer } from '../containers/directDialers';
import { readProc } from '../containers/hostProcess';
import { HostSocketSource } from '../containers/hostSocketSource';
import { PolledSocketWatch } from '../containers/polledSocketWatch';
import { DialledRoute } from '../containers/dialledRoute';

/** The endpoint that stands for the container in which we run. */
export const HERE_ENGINE = 'here:';

/** What createHereEngine needs. */
export interface HereEngineInput {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Creates the engine of one container: the one in which we run. There is no engine to ask; its IOCs
 * are seen in our own /proc and reached directly. On Linux only.
 */
export function createHereEngine(input: HereEngineInput): Engine {
  const changed = new EventEmitter<void>();
  const isLinux = process.platform === 'linux';
  return {
    key: HERE_ENGINE,
    state: {
      key: HERE_ENGINE,
      kind: 'here',
      version: '',
      status: isLinux ? 'connected' : 'unreachable',
      ...(!isLinux && { problem: { code: 'engine-here' } }),
    },
    containers: isLinux ? [ourContainer()] : [],
    onDidChange: changed.event,
    open: () => openHere(input),
    dispose: () => changed.dispose(),
  };
}

function ourContainer(): ContainerInfo {
  return {
    id: hostname(),
    name: hostname(),
    image: '',
    labels: {},
    status: 'running',
    startedAt: '',
    run: '',
  };
}

function openHere({ clock, log }: HereEngineInput): ContainerAccess {
  const store = new DisposableStore();
  return {
    routes: [store.add(new DialledRoute(hostNetworkDialer(), log))],
    watchSockets(events) {
      const { pid } = process;
      const startTicks = parseStartTicks(readProc(pid, 'stat')) ?? 0;
      const source = new HostSocketSource(
        // By our mount namespace, because a container does not know its own id.
        { containerId: '(ours)', pid, startTicks },
        false,
        {
          findOwners: async () => ({ processes: [], isComplete: false }),
          readProcessFile: async () => undefined,
        },
      );
      return store.add(new PolledSocketWatch(source, clock, events));
    },
    async readFile(path, maxBytes, signal) {
      try {
        const found = await stat(path);
        // A pipe may have no writer, a device no end.
        if (!found.isFile()) throw new Error('not a file');
        if (found.size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
        return await readFile(path, { signal });
      } catch (cause) {
        throw new ContainerError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
      }
    },
    dispose: () => store.dispose(),
  };
}
