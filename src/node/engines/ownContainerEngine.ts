import { constants } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../../base/clock';
import { DisposableStore } from '../../base/disposable';
import { ContainerError, messageOf } from '../../base/errors';
import { EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import type { ContainerAccess, ContainerInfo, Engine } from '../../services/host/engine';
import { hostNetworkDialer } from '../containers/directDialers';
import { startTicksOf } from '../containers/hostProcess';
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
      const startTicks = startTicksOf(pid) ?? 0;
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
        return await readAtMost(path, maxBytes, signal);
      } catch (cause) {
        throw new ContainerError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
      }
    },
    dispose: () => store.dispose(),
  };
}

/** Kinds of file systems (statfs(2)) whose files have no size, and may have no end: proc, sysfs. */
const ENDLESS: ReadonlySet<number> = new Set([0x9fa0, 0x62656572]);
const PIECE_BYTES = 256 * 1024;

/**
 * Reads a regular file of at most `maxBytes`. A pipe may have no writer, and a device no end: opening
 * waits for nothing, and neither is read.
 */
async function readAtMost(
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size, isFile } = await file.stat().then((found) => ({
      size: found.size,
      isFile: found.isFile(),
    }));
    if (!isFile || ENDLESS.has((await statfs(path)).type)) throw new Error('not a file');
    if (size > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
    const pieces: Uint8Array[] = [];
    for (let lengthBytes = 0; ;) {
      signal.throwIfAborted();
      const piece = new Uint8Array(Math.min(PIECE_BYTES, maxBytes + 1 - lengthBytes));
      const { bytesRead } = await file.read(piece, 0, piece.length);
      if (bytesRead === 0) return Uint8Array.from(Buffer.concat(pieces));
      pieces.push(piece.subarray(0, bytesRead));
      lengthBytes += bytesRead;
      if (lengthBytes > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
    }
  } finally {
    await file.close();
  }
}
