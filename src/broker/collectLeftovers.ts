import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { Event } from '../base/event';

/** Nothing has changed for so long: what came has been worked on. */
const QUIET_MS = 5000;
/** V8 gives pages back when a second collection finds them empty, too. */
const SECOND_MS = 1000;
/** Less is not worth a turn of some 25 ms. */
const MIN_GROWTH_BYTES = 8 * 1024 * 1024;

/** What collecting leftovers needs. */
export interface LeftoversInput {
  /** Something was worked on. */
  readonly onDidChange: Event<void>;
  readonly clock: Clock;
  /** Bytes of objects and garbage now. Default: of this process. */
  readonly usedBytes?: () => number;
  /** Collects all garbage, in one turn. Default: V8's own. */
  readonly collect?: () => void;
}

/**
 * Collects garbage once after much has come, such as the names of a big IOC: V8 would leave a third
 * of the memory of 100,000 PVs to it, because nothing makes it look again. Until disposed.
 */
export function collectLeftovers(input: LeftoversInput): Disposable {
  const { onDidChange, clock } = input;
  const { usedBytes = () => process.memoryUsage().heapUsed, collect = collector() } = input;
  const store = new DisposableStore();
  let least = usedBytes();
  let timer: Disposable | undefined;
  const wait = (delayMs: number, work: () => void): void => {
    timer?.dispose();
    timer = clock.after(delayMs, work);
  };
  const look = (): void => {
    if (usedBytes() - least < MIN_GROWTH_BYTES) return;
    collect();
    least = usedBytes();
    wait(SECOND_MS, collect);
  };
  store.add(onDidChange(() => wait(QUIET_MS, look)));
  store.add({ dispose: () => timer?.dispose() });
  return store;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
