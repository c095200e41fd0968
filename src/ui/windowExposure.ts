import { type Disposable, DisposableStore } from '../base/disposable';
import { type Event, EventEmitter } from '../base/event';
import { LruMap } from '../base/lruMap';
import { printable } from '../base/printable';
import { type CoreApi, type PvDetails, type PvPart, searchPortsIn } from '../model/coreApi';
import type { Snapshot } from '../model/snapshot';
import type { ContainerHint } from '../model/workspaceContainer';
import { readSettings } from './settings';
import { withTimeout } from './withTimeout';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { capital, errorText } from '../present/problemText';

/** The core as `connect` returns it. */
export interface ConnectedCore extends CoreApi {
  readonly broker: { readonly logFile?: string };
  readonly isConnected: boolean;
  /** Why there is no core now, which is retried automatically; or that it does not answer. */
  readonly problem: Error | undefined;
  /** The broker ended or was lost; fires once each time. */
  readonly onDidLose: Event<CoreLoss>;
  /** Ends the broker and starts another one. */
  restart(signal: AbortSignal): Promise<void>;
  /** Leaves without a goodbye: the request stays for the grace period. */
  leave(): void;
  /** Ends the request at once. */
  close(): Promise<void>;
}

/** Why the broker was lost. */
export interface CoreLoss {
  readonly reason: string;
  readonly logFile: string;
}

/** Finds or starts the core. Rejects with an error whose message the user can act on. */
export type Connect = (signal: AbortSignal) => Promise<ConnectedCore>;

/** Why nothing is exposed. */
export interface WindowProblem {
  readonly kind: 'no-broker' | 'bad-settings';
  /** For the user: what is wrong and what to do. */
  readonly message: string;
}

interface Run {
  readonly store: DisposableStore;
  /** Set once connected. */
  core?: ConnectedCore;
  /** Whether the core has answered a request of this run. */
  isTaken?: boolean;
}

/**
 * A value that is read within this time is shown, whatever its size; mostly that takes 20 ms, and
 * the hover shows meanwhile that it is loading. We wait a little longer for the core than it waits
 * for a value.
 */
const NEW_VALUE_MS = 700;
const TELL_MS = 900;
const KEPT_DETAILS = 500;

const NOTHING: Snapshot = { isSettled: false, engines: [], containers: [], unknownNames: [] };

/**
 * This window's one connection to the core: none until the user asks, then a request that is kept
 * until Stop. Views render its state and keep none of their own.
 */
export class WindowExposure implements Disposable {
  readonly #connect: Connect;
  /** The engines that this window implies; empty: search for engines. */
  readonly #engines: readonly string[];
  /** The container of this window, as far as it is known. */
  readonly #own: ContainerHint | undefined;
  readonly #changed = new EventEmitter<void>();
  readonly #lost = new EventEmitter<CoreLoss>();
  readonly #lastDetails = new LruMap<string, PvDetails>(KEPT_DETAILS);
  /** Exists from Expose to Stop. */
  #run: Run | undefined;
  #problem: WindowProblem | undefined;
  #leftOut: readonly string[] = [];

  /** Fires when anything here changed. */
  readonly onDidChange = this.#changed.event;
  readonly onDidLose = this.#lost.event;

  constructor(connect: Connect, engines: readonly string[], own?: ContainerHint) {
    this.#connect = connect;
    this.#engines = engines;
    this.#own = own;
  }

  /** Whether the user has asked this window to expose PVs, whatever the outcome. */
  get isExposing(): boolean {
    return this.#run !== undefined;
  }

  /** The core, while connected. */
  get core(): ConnectedCore | undefined {
    return this.#run?.core;
  }

  /** Without the containers that this window leaves out and another one exposes. */
  get snapshot(): Snapshot {
    const { core, isTaken = false } = this.#run ?? {};
    const told = core?.snapshot ?? NOTHING;
    // What a core says before it knows what is wanted is about what others want, or about nothing.
    const snapshot = isTaken ? told : { ...told, isSettled: false };
    if (this.#leftOut.length === 0) return snapshot;
    const containers = snapshot.containers.filter(({ name }) => !this.#leftOut.includes(name));
    return { ...snapshot, containers };
  }

  /** Names of the containers that this window does not expose. */
  get leftOut(): readonly string[] {
    return this.#leftOut;
  }

  /** Leaves out these containers from now on; a failure is in `problem`, not a rejection. */
  async leaveOut(names: readonly string[]): Promise<void> {
    this.#leftOut = names;
    this.#changed.fire();
    await this.updateRequest();
  }

  /** Why nothing is exposed although the user asked for it. */
  get problem(): WindowProblem | undefined {
    const lost = this.#run?.core?.problem;
    return lost === undefined
      ? this.#problem
      : { kind: 'no-broker', message: capital(printable(errorText(lost, WINDOW_WORDS))) };
  }

  /**
   * Everything known about a PV, or else the part that its name means, with a newer value than the
   * last one if it arrives soon. If the core is late or gone, this is the last answer; undefined if
   * there was none.
   */
  async describePv(name: string, part?: PvPart): Promise<PvDetails | undefined> {
    try {
      const details = await withTimeout(TELL_MS, async (signal) =>
        this.core?.describePv({ name, ...(part && { part }), maxWaitMs: NEW_VALUE_MS }, signal),
      );
      if (details) this.#lastDetails.set(name, details);
      return details ?? this.#lastDetails.get(name);
    } catch {
      return this.#lastDetails.get(name);
    }
  }

  /**
   * Starts to expose; resolves when the request was taken. A failure is in `problem`, not a
   * rejection.
   */
  async expose(): Promise<void> {
    if (this.#run?.core) return this.updateRequest();
    this.#run?.store.dispose();
    const run: Run = { store: new DisposableStore() };
    const abort = new AbortController();
    run.store.add({ dispose: () => abort.abort() });
    this.#run = run;
    this.#problem = undefined;
    this.#changed.fire();
    try {
      const core = await this.#connect(abort.signal);
      run.store.add({ dispose: () => core.leave() });
      if (run.store.isDisposed) return;
      run.store.add(core.onDidChange(() => this.#changed.fire()));
      run.store.add(core.onDidLose((loss) => this.#lost.fire(loss)));
      run.core = core;
    } catch (error) {
      if (run.store.isDisposed) return;
      this.#problem = { kind: 'no-broker', message: printable(errorText(error, WINDOW_WORDS)) };
      this.#changed.fire();
      return;
    }
    await this.updateRequest();
  }

  /** Sends the core what the settings ask for. A failure is in `problem`, not a rejection. */
  async updateRequest(): Promise<void> {
    const run = this.#run;
    if (!run?.core) return;
    const { engine, pvNames, search, answers } = readSettings();
    const engines = engine === '' ? this.#engines : [engine];
    try {
      await run.core.setRequest({
        selection: {
          containers: [],
          labels: [],
          ...(this.#leftOut.length > 0 && { except: this.#leftOut }),
        },
        engines,
        names: pvNames,
        ...{ search, answers },
        // The terminals and clients that are started from this window.
        ...searchPortsIn(process.env),
        ...(this.#own && { own: this.#own }),
      });
      this.#problem = undefined;
    } catch (error) {
      if (run.store.isDisposed) return;
      this.#problem = { kind: 'bad-settings', message: printable(errorText(error, WINDOW_WORDS)) };
    }
    run.isTaken = true;
    this.#changed.fire();
  }

  /** Undoes `expose`; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    this.#problem = undefined;
    this.#changed.fire();
    await run?.core?.close();
    run?.store.dispose();
  }

  /** The window closes or reloads: the request is left to the core's grace period. */
  dispose(): void {
    this.#run?.store.dispose();
    this.#run = undefined;
    this.#changed.dispose();
    this.#lost.dispose();
  }
}
