/**
 * This window's one connection to the core: off until the person asks, then a request that is kept
 * until Stop. Views render what it holds and keep nothing of their own.
 */
import { type Disposable, DisposableStore } from '../base/disposable';
import { type Event, EventEmitter } from '../base/event';
import { LruMap } from '../base/lruMap';
import { printable } from '../base/printable';
import type { CoreApi, PvDetails } from '../model/coreApi';
import type { Snapshot } from '../model/snapshot';
import type { ContainerHint } from '../model/workspaceContainer';
import { readSettings } from './settings';
import { withTimeout } from './withTimeout';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

/** The core as `connect` gives it. */
export interface ConnectedExposure extends CoreApi {
  readonly broker: { readonly logFile?: string };
  /** Why there is no core now; tried again by itself. */
  readonly problem: Error | undefined;
  /** The background process ended or was lost; once each time. */
  readonly onDidLose: Event<CoreLoss>;
  /** Ends the background process and starts another one. */
  restart(signal: AbortSignal): Promise<void>;
  /** Goes without a word: what was wanted stays for a grace. */
  leave(): void;
  /** What was wanted ends at once. */
  close(): Promise<void>;
}

export interface CoreLoss {
  readonly reason: string;
  readonly logFile: string;
}

/** Finds or starts the core. Rejects with an error whose message a person can act on. */
export type Connect = (signal: AbortSignal) => Promise<ConnectedExposure>;

export interface WindowProblem {
  readonly kind: 'no-broker' | 'bad-settings';
  /** For a person: what is wrong and what to do. */
  readonly message: string;
}

interface Run {
  readonly store: DisposableStore;
  /** There once connected. */
  exposure?: ConnectedExposure;
}

/**
 * What is read in time is shown, of whatever size; mostly that takes 20 ms. Who hovers sees that we
 * work meanwhile. The core is waited for a little longer than it waits for a value.
 */
const NEW_VALUE_MS = 700;
const TELL_MS = 900;
const KEPT_DETAILS = 500;

const NOTHING: Snapshot = { isSettled: false, engines: [], containers: [], unknownNames: [] };

export class WindowExposure implements Disposable {
  readonly #connect: Connect;
  /** What this window says of its engine; empty: look for engines. */
  readonly #engines: readonly string[];
  /** The container of this window, as far as it is known. */
  readonly #own: ContainerHint | undefined;
  readonly #changed = new EventEmitter<void>();
  readonly #lost = new EventEmitter<CoreLoss>();
  readonly #lastDetails = new LruMap<string, PvDetails>(KEPT_DETAILS);
  /** What lives from Expose to Stop. */
  #run: Run | undefined;
  #problem: WindowProblem | undefined;

  /** Fires when anything here changed. */
  readonly onDidChange = this.#changed.event;
  readonly onDidLose = this.#lost.event;

  constructor(connect: Connect, engines: readonly string[], own?: ContainerHint) {
    this.#connect = connect;
    this.#engines = engines;
    this.#own = own;
  }

  /** Whether this window asked for its PVs, whatever came of it. */
  get isExposing(): boolean {
    return this.#run !== undefined;
  }

  /** There while connected. */
  get exposure(): ConnectedExposure | undefined {
    return this.#run?.exposure;
  }

  get snapshot(): Snapshot {
    return this.#run?.exposure?.snapshot ?? NOTHING;
  }

  /** Why nothing is exposed although the person asked. */
  get problem(): WindowProblem | undefined {
    const lost = this.#run?.exposure?.problem;
    return lost === undefined
      ? this.#problem
      : { kind: 'no-broker', message: printable(errorText(lost, WINDOW_WORDS)) };
  }

  /**
   * All that is known about a PV, with a value that is newer than the last one if that comes soon.
   * When the core is late or gone it is what was told last; undefined when nothing was.
   */
  async describePv(name: string): Promise<PvDetails | undefined> {
    try {
      const details = await withTimeout(TELL_MS, async (signal) =>
        this.exposure?.describePv({ name, maxWaitMs: NEW_VALUE_MS }, signal),
      );
      if (details) this.#lastDetails.set(details.name, details);
      return details ?? this.#lastDetails.get(name);
    } catch {
      return this.#lastDetails.get(name);
    }
  }

  /** Resolves when the request was taken; a failure is `problem`, not a rejection. */
  async expose(): Promise<void> {
    if (this.#run?.exposure) return this.updateRequest();
    this.#run?.store.dispose();
    const run: Run = { store: new DisposableStore() };
    const abort = new AbortController();
    run.store.add({ dispose: () => abort.abort() });
    this.#run = run;
    this.#problem = undefined;
    this.#changed.fire();
    try {
      const exposure = await this.#connect(abort.signal);
      run.store.add({ dispose: () => exposure.leave() });
      if (run.store.isDisposed) return;
      run.store.add(exposure.onDidChange(() => this.#changed.fire()));
      run.store.add(exposure.onDidLose((loss) => this.#lost.fire(loss)));
      run.exposure = exposure;
    } catch (error) {
      if (run.store.isDisposed) return;
      this.#problem = { kind: 'no-broker', message: printable(errorText(error, WINDOW_WORDS)) };
      this.#changed.fire();
      return;
    }
    await this.updateRequest();
  }

  /** Tells the core what the settings ask for; a failure is `problem`, not a rejection. */
  async updateRequest(): Promise<void> {
    const run = this.#run;
    if (!run?.exposure) return;
    const { engine, pvNames, search } = readSettings();
    const engines = engine === '' ? this.#engines : [engine];
    try {
      await run.exposure.setRequest({
        selection: { containers: [], labels: [] },
        engines,
        names: pvNames,
        search,
        ...(this.#own && { own: this.#own }),
      });
      this.#problem = undefined;
    } catch (error) {
      if (run.store.isDisposed) return;
      this.#problem = { kind: 'bad-settings', message: printable(errorText(error, WINDOW_WORDS)) };
    }
    this.#changed.fire();
  }

  /** Undoes `expose`; nothing of it is left when this resolves. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#problem = undefined;
    this.#changed.fire();
    await run?.exposure?.close();
    run?.store.dispose();
  }

  /** The window closes or reloads: the request is left to the grace of the core. */
  dispose(): void {
    this.#run?.store.dispose();
    this.#run = undefined;
    this.#changed.dispose();
    this.#lost.dispose();
  }
}
