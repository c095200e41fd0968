/**
 * This window's one connection to the core: off until the person asks, then a wish that is kept
 * until Stop. Views render what it holds and keep nothing of their own.
 */
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { type Event, EventEmitter } from '../base/event';
import type { Exposure } from '../model/exposure';
import type { Snapshot } from '../model/snapshot';
import { readSettings } from './settings';

/** The core as `connect` gives it. */
export interface ConnectedExposure extends Exposure {
  /** The background process ended by itself; says why. It comes back without our doing. */
  readonly onDidLose: Event<string>;
}

/** Finds or starts the core. Rejects with an error whose message a person can act on. */
export type Connect = (signal: AbortSignal) => Promise<ConnectedExposure>;

interface Run {
  readonly store: DisposableStore;
  /** There once connected. */
  exposure?: ConnectedExposure;
}

const NOTHING: Snapshot = { isSettled: false, engines: [], containers: [], unknownNames: [] };

export class WindowExposure implements Disposable {
  readonly #connect: Connect;
  readonly #changed = new EventEmitter<void>();
  readonly #lost = new EventEmitter<string>();
  /** What lives from Expose to Stop. */
  #run: Run | undefined;
  #problem: string | undefined;

  /** Fires when anything here changed. */
  readonly onDidChange = this.#changed.event;
  readonly onDidLose = this.#lost.event;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** Whether this window asked for its PVs, whatever came of it. */
  get isExposing(): boolean {
    return this.#run !== undefined;
  }

  /** There while connected. */
  get exposure(): Exposure | undefined {
    return this.#run?.exposure;
  }

  get snapshot(): Snapshot {
    return this.#run?.exposure?.snapshot ?? NOTHING;
  }

  /** Why the core is not there. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when the wish was taken; a failure is `problem`, not a rejection. */
  async expose(): Promise<void> {
    if (this.#run?.exposure && this.#problem === undefined) return this.updateWish();
    this.#run?.store.dispose();
    const run: Run = { store: new DisposableStore() };
    const abort = new AbortController();
    run.store.add({ dispose: () => abort.abort() });
    this.#run = run;
    this.#problem = undefined;
    this.#changed.fire();
    try {
      const exposure = run.store.add(await this.#connect(abort.signal));
      if (run.store.isDisposed) return;
      run.store.add(exposure.onDidChange(() => this.#changed.fire()));
      run.store.add(exposure.onDidLose((reason) => this.#lost.fire(reason)));
      run.exposure = exposure;
      await this.updateWish();
    } catch (error) {
      if (run.store.isDisposed) return;
      this.#problem = messageOf(error);
    }
    this.#changed.fire();
  }

  /** After a setting changed. */
  async updateWish(): Promise<void> {
    const { engine, pvNames } = readSettings();
    await this.#run?.exposure?.setWish({
      selection: { containers: [], labels: [] },
      engines: engine === '' ? [] : [engine],
      names: pvNames,
    });
  }

  /** Undoes `expose`; nothing of it is left when this resolves. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#problem = undefined;
    this.#changed.fire();
    try {
      await run?.exposure?.setWish(undefined);
    } catch {
      // The core is gone, and with it what we wished for.
    }
    run?.store.dispose();
  }

  /** The window closes or reloads: the wish is left to the grace of the core. */
  dispose(): void {
    this.#run?.store.dispose();
    this.#run = undefined;
    this.#changed.dispose();
    this.#lost.dispose();
  }
}
