/**
 * A queue in which clients take turns, one item each, however many a client has. Limits the items
 * per client and of all clients together.
 */
export class FairQueue<T> {
  /** By client, in the order of their turns; none is empty. */
  readonly #waiting = new Map<unknown, T[]>();
  /** Items that come before all others. */
  readonly #first: T[] = [];
  #size = 0;

  constructor(
    readonly capacityOfClient: number,
    readonly capacity: number,
  ) {}

  get size(): number {
    return this.#size + this.#first.length;
  }

  /** False if there is no room for it. */
  push(client: unknown, item: T): boolean {
    const its = this.#waiting.get(client);
    if (this.#size >= this.capacity || (its?.length ?? 0) >= this.capacityOfClient) return false;
    if (its) its.push(item);
    else this.#waiting.set(client, [item]);
    this.#size++;
    return true;
  }

  /** Puts it before all others. */
  pushFirst(item: T): void {
    this.#first.push(item);
  }

  /** The item whose turn it is; it stays. */
  peek(): T | undefined {
    if (this.#first.length > 0) return this.#first[0];
    const [its] = this.#waiting.values();
    return its?.[0];
  }

  /** Takes the item whose turn it is; then it is the next client's turn. */
  shift(): T | undefined {
    if (this.#first.length > 0) return this.#first.shift();
    const [turn] = this.#waiting;
    if (!turn) return undefined;
    const [client, its] = turn;
    const item = its.shift();
    this.#size--;
    this.#waiting.delete(client);
    if (its.length > 0) this.#waiting.set(client, its);
    return item;
  }

  /** Takes the items of each client that are over, up to the first that is not. */
  takeWhile(isOver: (item: T) => boolean): T[] {
    const taken: T[] = [];
    const takeFrom = (items: T[]): number => {
      const end = items.findIndex((item) => !isOver(item));
      const over = items.splice(0, end < 0 ? items.length : end);
      taken.push(...over);
      return over.length;
    };
    takeFrom(this.#first);
    for (const [client, its] of this.#waiting) {
      this.#size -= takeFrom(its);
      if (its.length === 0) this.#waiting.delete(client);
    }
    return taken;
  }

  clear(): void {
    this.#waiting.clear();
    this.#first.length = 0;
    this.#size = 0;
  }
}
