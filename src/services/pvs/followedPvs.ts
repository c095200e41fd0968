import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { FollowChange, LiveUpdate, PvFollower } from '../../model/coreApi';
import { liveReadingOf } from '../../model/liveReading';
import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { ValueSink } from './valueSink';

/** More than ten batches a second are just a blur. */
const BATCH_MS = 100;

/** What FollowedPvs needs. */
export interface FollowedPvsInput {
  readonly follow: (name: string, protocol: PvProtocol, sink: ValueSink) => Disposable;
  readonly onUpdates: (updates: readonly LiveUpdate[]) => void;
  readonly clock: Clock;
}

/** What came of a PV since the last batch. */
type News = { readonly reading: PvReading } | { readonly problem: Problem };

/** The PVs that one front end follows, whose news go to it in batches: the newest of each PV. */
export class FollowedPvs implements PvFollower {
  readonly #input: FollowedPvsInput;
  readonly #followed = new Map<number, Disposable>();
  readonly #news = new Map<number, News>();
  /** Running since the last batch; undefined: that was long enough ago. */
  #timer: Disposable | undefined;
  #isDisposed = false;

  constructor(input: FollowedPvsInput) {
    this.#input = input;
  }

  change({ add, remove }: FollowChange): void {
    if (this.#isDisposed) return;
    for (const id of remove) this.#end(id);
    for (const { id, name, protocol } of add) {
      this.#end(id);
      const followed = this.#input.follow(name, protocol, {
        value: (reading) => this.#take(id, { reading }),
        interrupted: (problem) => this.#take(id, { problem }),
      });
      this.#followed.set(id, followed);
    }
  }

  #end(id: number): void {
    this.#followed.get(id)?.dispose();
    this.#followed.delete(id);
    this.#news.delete(id);
  }

  #take(id: number, news: News): void {
    this.#news.set(id, news);
    // Even the first ones wait for a moment, because they come together.
    this.#timer ??= this.#input.clock.after(BATCH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#timer = undefined;
    const updates = [...this.#news].map(([id, news]) =>
      'reading' in news ? { id, reading: liveReadingOf(news.reading) } : { id, ...news },
    );
    this.#news.clear();
    if (updates.length > 0) this.#input.onUpdates(updates);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    for (const followed of this.#followed.values()) followed.dispose();
    this.#followed.clear();
    this.#news.clear();
  }
}
