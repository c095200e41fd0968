import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import { messageOf } from '../../base/errors';
import type { ContainerList } from './containerList';

/** By then ports are bound, or the start is so slow that others should not have to wait, ms. */
const UNKNOWN_MS = 2000;
/** A folder that is no container by then belongs to the build of an image. */
const NOT_FOUND_MS = 500;
const ASK_AGAIN_MS = 20;
/** More at once are too many to follow: the list finds them. */
const MAX_AT_ONCE = 32;

/** What MakingContainers needs. */
export interface MakingContainersInput {
  readonly list: Pick<ContainerList, 'has' | 'learn'>;
  readonly clock: Clock;
  readonly log: Log;
  /** `isMaking`, or what the list knows, changed. */
  readonly onChange: () => void;
}

/**
 * The containers of an engine that are being created: from the first sign of one until it is known
 * what it publishes, or for a short time. Docker sends an event some 20 ms before it binds ports.
 * Podman sends its event after that, 250 ms late (it polls its own log), but creates a folder for
 * the container in its storage 100 ms before; if that is on this machine, it is watched.
 */
export class MakingContainers implements Disposable {
  readonly #input: MakingContainersInput;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #unknown = new Set<string>();

  constructor(input: MakingContainersInput) {
    this.#input = input;
  }

  get isMaking(): boolean {
    return this.#unknown.size > 0;
  }

  /** Notes a sign of that container; one that is known already is ignored. */
  add(id: string): void {
    const { list, clock, log, onChange } = this.#input;
    if (this.#abort.signal.aborted || list.has(id) || this.#unknown.has(id)) return;
    if (this.#unknown.size >= MAX_AT_ONCE) return;
    this.#unknown.add(id);
    onChange();
    log('debug', 'engine', `container ${id.slice(0, 12)} is being created`);
    const done = (): void => {
      if (this.#unknown.delete(id) && !this.#abort.signal.aborted) onChange();
    };
    const timer = this.#store.add(clock.after(UNKNOWN_MS, done));
    this.#learn(id)
      .catch((error: unknown) => log('debug', 'engine', `${id.slice(0, 12)}: ${messageOf(error)}`))
      .finally(() => {
        this.#store.release(timer);
        done();
      });
  }

  async #learn(id: string): Promise<void> {
    const { list, clock } = this.#input;
    const { signal } = this.#abort;
    const giveUpAtMs = clock.nowMs() + NOT_FOUND_MS;
    while (!(await list.learn(id, signal)) && clock.nowMs() < giveUpAtMs) {
      await delay(clock, ASK_AGAIN_MS, signal);
    }
  }

  /** Also takes new folders in `folder`, named by the ids of containers, as signs. */
  watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // Removed folders are reported, too; those are not being created.
        const isContainer = name !== null && /^[0-9a-f]{64}$/.test(name);
        if (isContainer && existsSync(join(folder, name))) this.add(name);
      });
      watcher.on('error', () => watcher.close());
      this.#store.add(onAbort(this.#abort.signal, () => watcher.close()));
    } catch (error) {
      // It belongs to another user or machine: only events remain.
      this.#input.log('debug', 'engine', `${folder} cannot be watched: ${messageOf(error)}`);
    }
  }

  dispose(): void {
    this.#abort.abort();
    this.#unknown.clear();
    this.#store.dispose();
  }
}
