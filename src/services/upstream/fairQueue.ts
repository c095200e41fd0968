/** Below this, moving the rest of an array costs nothing. */
const MIN_TAKEN = 1024;

/** First in, first out, whose first is taken at the same cost however many there are. */
class Line<T> {
  #items: T[] = [];
  /** Those before this have been taken. */
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get first(): T | undefined {
    return this.#items[this.#start];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const { first } = this;
    if (this.length > 0) this.#drop(1);
    return first;
  }

  takeWhile(isOver: (item: T) => boolean): T[] {
    let end = this.#start;
    while (end < this.#items.length && isOver(this.#items[end]!)) end++;
    const taken = this.#items.slice(this.#start, end);
    this.#drop(taken.length);
    return taken;
  }

  #drop(count: number): void {
    this.#start += count;
    if (this.#start < MIN_TAKEN || this.#start * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#start);
    this.#start = 0;
  }
}

/**
 * A queue in which clients take turns, one item each, however many a client has. Limits the items
 * per client and of all clients together.
 */
export class FairQueue<T> {
  /** By client, in the order of their turns; none is empty. */
  readonly #waiting = new Map<unknown, Line<T>>();
  /** Items that come before all others. */
  #first = new Line<T>();
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
    const line = its ?? new Line<T>();
    if (!its) this.#waiting.set(client, line);
    line.push(item);
    this.#size++;
    return true;
  }

  /** Puts it before all others. */
  pushFirst(item: T): void {
    this.#first.push(item);
  }

  /** The item whose turn it is; it stays. */
  peek(): T | undefined {
    if (this.#first.length > 0) return this.#first.first;
    const [its] = this.#waiting.values();
    return its?.first;
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
    const taken = this.#first.takeWhile(isOver);
    for (const [client, its] of this.#waiting) {
      const over = its.takeWhile(isOver);
      for (const item of over) taken.push(item);
      this.#size -= over.length;
      if (its.length === 0) this.#waiting.delete(client);
    }
    return taken;
  }

  clear(): void {
    this.#waiting.clear();
    this.#first = new Line();
    this.#size = 0;
  }
}
