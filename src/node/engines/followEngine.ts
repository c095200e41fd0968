import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { onAbort, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { EngineError } from '../../base/errors';
import type { Log } from '../../base/log';
import type { PortPublishing } from '../../services/host/engine';
import { ContainerList } from './containerList';
import { EngineEventReader } from './engineEvents';
import { MakingContainers } from './makingContainers';
import type { EngineContainer } from './containerInfo';

/** Several events belong to one start or stop; one refresh after them is enough. */
const debounceMs = 40;
/** In case an event was lost; a list call costs the engine 2 to 20 ms. */
const safetyRefreshMs = 60_000;
const eventsTimeoutMs = 10_000;

/** What is known of the containers of a connected engine. */
export interface Followed extends PortPublishing {
  readonly containers: readonly EngineContainer[];
  /** Containers that do not run. */
  readonly stopped: readonly EngineContainer[];
}

/** What followEngine needs. */
export interface FollowEngineInput {
  readonly docker: Docker;
  /**
   * The folder on this machine in which the engine creates one for each container; see
   * MakingContainers.
   */
  readonly containersFolder?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (followed: Followed) => void;
}

/**
 * Reports the containers of one connected engine, now and after each change. Events only trigger a
 * refresh; what is reported comes from list and inspect. Never resolves, because an engine's event
 * stream has no proper end; rejects when the connection is lost, or the signal aborts.
 */
export async function followEngine(
  { docker, containersFolder, clock, log, onChange }: FollowEngineInput,
  signal: AbortSignal,
): Promise<never> {
  const list: ContainerList = new ContainerList(docker, clock, () => notify());
  const store = new DisposableStore();
  const alarm = store.add(new Alarm(clock));
  let isListed = false;
  const notify = (): void => {
    if (!isListed || signal.aborted) return;
    const { containers, stopped, publishers } = list;
    onChange({ containers, stopped, publishers, isMakingContainer: making.isMaking });
  };
  const making: MakingContainers = store.add(
    new MakingContainers({ list, clock, log, onChange: notify }),
  );
  try {
    // Events first, then the list, so that nothing is missed between the two.
    const events = await openEvents(docker, clock, signal);
    store.add({ dispose: () => events.destroy() });
    store.add(onAbort(signal, () => events.destroy()));
    const lost = untilLost(events, (containerId, isCreated) => {
      if (isCreated) making.add(containerId);
      else list.markStale(containerId);
      alarm.setWithin(debounceMs);
    });
    if (containersFolder !== undefined) making.watchFolder(containersFolder);
    for (;;) {
      alarm.setWithin(safetyRefreshMs);
      await Promise.race([list.refresh(signal), lost]);
      isListed = true;
      notify();
      await Promise.race([alarm.ring(), lost]);
    }
  } finally {
    store.dispose();
  }
}

async function openEvents(docker: Docker, clock: Clock, signal: AbortSignal): Promise<Readable> {
  const message = `the engine did not open its event stream within ${eventsTimeoutMs} ms`;
  const filters = JSON.stringify({ type: ['container', 'network'] });
  const events = await withDeadline(clock, eventsTimeoutMs, message, signal, (abortSignal) =>
    docker.getEvents({ filters, abortSignal }),
  );
  return events as Readable;
}

/**
 * Never resolves. Its rejection is always handled, so that a loss between two waits is not reported
 * as unhandled.
 */
function untilLost(
  events: Readable,
  onChange: (containerId: string, isCreated: boolean) => void,
): Promise<never> {
  const lost = new Promise<never>((_resolve, reject) => {
    const lose = (cause?: unknown): void =>
      reject(new EngineError('the engine ended its event stream', { cause }));
    const reader = new EngineEventReader(onChange);
    events.on('error', lose);
    events.on('close', () => lose());
    events.on('end', () => lose());
    events.on('data', (chunk: Uint8Array) => {
      try {
        reader.receive(chunk);
      } catch (error) {
        events.destroy(error as Error);
      }
    });
  });
  lost.catch(() => undefined);
  return lost;
}

/** Fires once at the earliest of the times it was set for. */
class Alarm implements Disposable {
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  #dueMs = Infinity;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setWithin(delayMs: number): void {
    const dueMs = this.#clock.nowMs() + delayMs;
    if (dueMs >= this.#dueMs) return;
    this.#timer?.dispose();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(delayMs, () => {
      this.#dueMs = Infinity;
      this.#isDue = true;
      this.#wake?.();
    });
  }

  async ring(): Promise<void> {
    if (!this.#isDue) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#isDue = false;
    this.#wake = undefined;
  }

  dispose(): void {
    this.#timer?.dispose();
  }
}
