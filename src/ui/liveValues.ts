import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../base/disposable';
import type { LiveUpdate, PvAddress, PvFollower } from '../model/coreApi';
import type { LiveReading } from '../model/liveReading';
import type { Problem } from '../model/problem';
import type { WindowExposure } from './windowExposure';

/**
 * A PV that nobody follows any more is followed this much longer: a branch that is listed again
 * leaves its PVs and follows them again.
 */
const LINGER_MS = 1000;

/** What is known of a followed PV. */
export interface LiveValue {
  /** The newest value; absent until there is one. It stays while there is a `problem`. */
  readonly reading?: LiveReading;
  /** Why no newer value comes. */
  readonly problem?: Problem;
  /** When `reading` came: milliseconds since 1970; 0: there is none. */
  readonly readAtMs: number;
}

interface Followed {
  readonly id: number;
  readonly address: PvAddress;
  readonly listeners: Set<() => void>;
  value: LiveValue | undefined;
}

/**
 * The newest values of the PVs that this window shows in rows, each followed once however many rows
 * show it. Whoever follows a PV does so over Stop and Expose, and over the loss of the broker.
 */
export class LiveValues implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  readonly #byKey = new Map<string, Followed>();
  readonly #byId = new Map<number, Followed>();
  /** PVs that the core does not know of yet, and ids that it is to forget. */
  readonly #toAdd = new Set<Followed>();
  readonly #toRemove = new Set<number>();
  #nextId = 0;
  #core: object | undefined;
  #follower: PvFollower | undefined;
  #sending: Disposable | undefined;
  #sweeping: Disposable | undefined;

  constructor(exposure: WindowExposure, clock: Clock) {
    this.#exposure = exposure;
    this.#clock = clock;
    this.#store.add(exposure.onDidChange(() => this.#look()));
    this.#store.add({
      dispose: () => {
        this.#follower?.dispose();
        this.#sending?.dispose();
        this.#sweeping?.dispose();
      },
    });
    this.#look();
  }

  /**
   * Follows a PV until disposed. `onChange` is called when `latest` has changed: at most ten times a
   * second, and not before this returns.
   */
  follow(address: PvAddress, onChange: () => void): Disposable {
    const followed = this.#byKey.get(keyOf(address)) ?? this.#add(address);
    // The same function may be given twice.
    const listener = (): void => onChange();
    followed.listeners.add(listener);
    return toDisposable(() => {
      followed.listeners.delete(listener);
      if (followed.listeners.size === 0) this.#sweepSoon();
    });
  }

  /** The newest of a followed PV; undefined: nothing yet, or nothing is exposed. */
  latest(address: PvAddress): LiveValue | undefined {
    return this.#byKey.get(keyOf(address))?.value;
  }

  #add({ name, protocol }: PvAddress): Followed {
    const address = { name, protocol };
    const followed: Followed = {
      ...{ id: this.#nextId++, address, value: undefined },
      listeners: new Set(),
    };
    this.#byKey.set(keyOf(address), followed);
    this.#byId.set(followed.id, followed);
    this.#toAdd.add(followed);
    this.#sendSoon();
    return followed;
  }

  /** Takes up a core that is new, and leaves one that is gone. */
  #look(): void {
    const { core } = this.#exposure;
    if (core === this.#core) return;
    this.#follower?.dispose();
    this.#core = core;
    this.#follower = core?.followPvs((updates) => this.#take(updates));
    this.#toRemove.clear();
    for (const followed of this.#byId.values()) {
      this.#toAdd.add(followed);
      if (followed.value === undefined) continue;
      followed.value = undefined;
      tell(followed);
    }
    this.#sendSoon();
  }

  /** A branch of two hundred rows is one message. */
  #sendSoon(): void {
    this.#sending ??= this.#clock.after(0, () => {
      this.#sending = undefined;
      if (!this.#follower) return;
      const add = [...this.#toAdd].map(({ id, address }) => ({ id, ...address }));
      const remove = [...this.#toRemove];
      this.#toAdd.clear();
      this.#toRemove.clear();
      if (add.length + remove.length > 0) this.#follower.change({ add, remove });
    });
  }

  #take(updates: readonly LiveUpdate[]): void {
    const readAtMs = this.#clock.wallMs();
    for (const update of updates) {
      const followed = this.#byId.get(update.id);
      if (!followed) continue;
      followed.value =
        'reading' in update
          ? { reading: update.reading, readAtMs }
          : { readAtMs: 0, ...followed.value, problem: update.problem };
      tell(followed);
    }
  }

  #sweepSoon(): void {
    this.#sweeping ??= this.#clock.after(LINGER_MS, () => {
      this.#sweeping = undefined;
      for (const followed of this.#byId.values()) {
        if (followed.listeners.size > 0) continue;
        this.#byId.delete(followed.id);
        this.#byKey.delete(keyOf(followed.address));
        if (!this.#toAdd.delete(followed)) this.#toRemove.add(followed.id);
      }
      this.#sendSoon();
    });
  }

  dispose(): void {
    this.#store.dispose();
    this.#byId.clear();
    this.#byKey.clear();
  }
}

function tell({ listeners }: Followed): void {
  for (const listener of [...listeners]) listener();
}

function keyOf({ name, protocol }: PvAddress): string {
  return `${protocol}://${name}`;
}
