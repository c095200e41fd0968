/** Keeps something about names, so many at most; the ones that were set longest ago go first. */
export class RecentNames<T> {
  readonly #entries = new Map<string, T>();

  constructor(readonly capacity: number) {}

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): T | undefined {
    return this.#entries.get(name);
  }

  /** Returns what had to go for it. */
  set(name: string, value: T): T | undefined {
    this.#entries.delete(name);
    this.#entries.set(name, value);
    if (this.#entries.size <= this.capacity) return undefined;
    const [oldest] = this.#entries;
    if (!oldest) return undefined;
    this.#entries.delete(oldest[0]);
    return oldest[1];
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }

  clear(): void {
    this.#entries.clear();
  }

  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.#entries.entries();
  }
}
