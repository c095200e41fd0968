/**
 * Something that must be ended. Whoever creates it disposes it. `dispose` is idempotent and
 * synchronous, and never throws.
 */
export interface Disposable {
  dispose(): void;
}

/** Makes a Disposable from a function, which runs at most once. */
export function toDisposable(onDispose: () => void): Disposable {
  let isDisposed = false;
  return {
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      onDispose();
    },
  };
}

/**
 * Owns disposables and disposes them in reverse order of adding. Anything added after the store was
 * disposed is disposed at once, so an initialisation that finishes late leaks nothing.
 */
export class DisposableStore implements Disposable {
  readonly #items = new Set<Disposable>();
  #isDisposed = false;

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Owns an item from now on, and returns it. */
  add<T extends Disposable>(item: T): T {
    if (this.#isDisposed) item.dispose();
    else this.#items.add(item);
    return item;
  }

  /** Disposes one item early, before the store itself ends. */
  release(item: Disposable): void {
    if (this.#items.delete(item)) item.dispose();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const items = [...this.#items].reverse();
    this.#items.clear();
    for (const item of items) item.dispose();
  }
}
