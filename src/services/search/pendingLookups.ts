import type { Disposable } from '../../base/disposable';
import { LruMap } from '../../base/lruMap';
import type { SearchOrigin } from '../host/portHolder';

/**
 * Limit of names that clients of one kind wait for; beyond it, a client that searches again is
 * answered.
 */
const MAX_WAITED_FOR = 20_000;

/** Open lookups by requester; a new question of the same requester replaces its former one. */
export class PendingLookups<Id> implements Disposable {
  readonly #asked = new LruMap<Id, Disposable>(MAX_WAITED_FOR);
  #isDisposed = false;
  /** Who asks, if all of them come from one place. */
  origin: SearchOrigin | undefined;

  get size(): number {
    return this.#asked.size;
  }

  /**
   * Begins a lookup; `ask` gets a function to call when it is settled, and returns what ends it.
   */
  begin(id: Id, ask: (settle: () => void) => Disposable): void {
    if (this.#isDisposed) return;
    const former = this.#asked.get(id);
    this.#asked.delete(id);
    let isSettled = false;
    const asking = ask(() => {
      isSettled = true;
      this.end(id);
    });
    // Only now, so that the same question stays open all the time.
    former?.dispose();
    if (isSettled) return;
    this.#asked.set(id, asking)?.[1].dispose();
  }

  /** Ends a lookup, if it is open. */
  end(id: Id): void {
    this.#asked.get(id)?.dispose();
    this.#asked.delete(id);
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const asking of this.#asked.values()) asking.dispose();
    this.#asked.clear();
  }
}
