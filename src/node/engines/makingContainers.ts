/**
 * The containers of an engine that are being made: from the first sign of one until it is known what
 * it publishes, or for a short time. Docker tells by an event, some 20 ms before it binds ports.
 * Podman tells 250 ms late, after that (it polls its own log), but makes a folder for a container in
 * its storage first, 100 ms before; where that is on this machine, it is watched.
 */
import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import { messageOf } from '../../base/errors';
import type { ContainerList } from './containerList';

/** Ports are bound by then, or the start is so slow that others are not to be kept waiting. */
const UNKNOWN_MS = 2000;
/** A folder that is no container by then belongs to the making of an image. */
const NOT_FOUND_MS = 500;
const ASK_AGAIN_MS = 20;
/** More at once are a storm: they are found by the list. */
const MAX_AT_ONCE = 32;

export interface MakingContainersInput {
  readonly list: Pick<ContainerList, 'has' | 'learn'>;
  readonly clock: Clock;
  readonly log: Log;
  /** `isMaking`, or what the list knows, is another now. */
  readonly onChange: () => void;
}

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

  /** There is a sign of that container; one that is known already is passed over. */
  add(id: string): void {
    const { list, clock, log, onChange } = this.#input;
    if (this.#abort.signal.aborted || list.has(id) || this.#unknown.has(id)) return;
    if (this.#unknown.size >= MAX_AT_ONCE) return;
    this.#unknown.add(id);
    onChange();
    log('debug', 'engine', `container ${id.slice(0, 12)} is being made`);
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

  /** Takes new folders below `folder`, named by the ids of containers, for signs too. */
  watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // Told of a folder that goes, too, which is none that is made.
        const isContainer = name !== null && /^[0-9a-f]{64}$/.test(name);
        if (isContainer && existsSync(join(folder, name))) this.add(name);
      });
      watcher.on('error', () => watcher.close());
      this.#store.add(onAbort(this.#abort.signal, () => watcher.close()));
    } catch (error) {
      // Of another user, or of another machine: its events are left.
      this.#input.log('debug', 'engine', `${folder} cannot be watched: ${messageOf(error)}`);
    }
  }

  dispose(): void {
    this.#abort.abort();
    this.#unknown.clear();
    this.#store.dispose();
  }
}
