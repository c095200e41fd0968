import { LocalProtocolError } from '../../base/errors';

/** Ids are below this. */
export const MAX_ID = 4 * 1024 * 1024;

/**
 * What a circuit remembers per id: one state byte and two numbers, in typed arrays, because a
 * circuit may carry 100,000 channels and a Map entry or an object each would cost ten times that.
 * The owner chooses ids, dense from 0.
 */
export class IdTable {
  #states = new Uint8Array(64);
  #firsts = new Uint32Array(64);
  #seconds = new Uint32Array(64);

  constructor(
    readonly what: string,
    readonly hasSecond: boolean,
  ) {}

  /** The state of an id; 0 if it was never set. */
  state(id: number): number {
    return id < this.#states.length ? this.#states[id]! : 0;
  }
  first(id: number): number {
    return this.#firsts[id] ?? 0;
  }
  second(id: number): number {
    return this.#seconds[id] ?? 0;
  }

  setState(id: number, state: number): void {
    this.#states[id] = state;
  }
  setFirst(id: number, value: number): void {
    this.#firsts[id] = value;
  }
  setSecond(id: number, value: number): void {
    this.#seconds[id] = value;
  }

  /**
   * Makes room for an id. Throws LocalProtocolError if it is not an integer from 0 to MAX_ID - 1.
   */
  reserve(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= MAX_ID) {
      throw new LocalProtocolError(`${this.what} ${id} is not an integer from 0 to ${MAX_ID - 1}`);
    }
    if (id < this.#states.length) return;
    const length = Math.min(MAX_ID, Math.max(id + 1, Math.ceil(this.#states.length * 1.5)));
    this.#states = grow(this.#states, new Uint8Array(length));
    this.#firsts = grow(this.#firsts, new Uint32Array(length));
    if (this.hasSecond) this.#seconds = grow(this.#seconds, new Uint32Array(length));
  }
}

function grow<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
