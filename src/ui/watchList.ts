import type { Disposable } from '../base/disposable';
import { EventEmitter } from '../base/event';
import { formatPvList, keyOf, parsePvList, type WantedPv } from '../model/pvList';

/** Where a window keeps it: the state of its workspace. */
export interface WatchMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** PVs that can be watched; more than anybody looks at. */
export const MAX_WATCHED = 500;
const KEY = 'watched';

/** What became of PVs that were to be added. */
export interface Added {
  readonly added: number;
  /** They were watched already. */
  readonly known: number;
  /** There was no room for them. */
  readonly refused: number;
}

/** The PVs that the user watches in this workspace, in the user's order. */
export class WatchList implements Disposable {
  readonly #memory: WatchMemory;
  readonly #changed = new EventEmitter<void>();
  #pvs: readonly WantedPv[];
  #names: ReadonlySet<string>;

  readonly onDidChange = this.#changed.event;

  constructor(memory: WatchMemory) {
    this.#memory = memory;
    const kept = memory.get(KEY);
    this.#pvs = typeof kept === 'string' ? parsePvList(kept).pvs.slice(0, MAX_WATCHED) : [];
    this.#names = namesOf(this.#pvs);
  }

  get pvs(): readonly WantedPv[] {
    return this.#pvs;
  }

  /** Whether a PV of this name is watched, over whichever protocol. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Adds PVs at the end. */
  async add(pvs: readonly WantedPv[]): Promise<Added> {
    const all = new Map(this.#pvs.map((pv) => [keyOf(pv), pv]));
    const before = all.size;
    let [known, refused] = [0, 0];
    for (const { name, protocol } of pvs) {
      const pv = { name, ...(protocol && { protocol }) };
      if (all.has(keyOf(pv))) known++;
      else if (all.size >= MAX_WATCHED) refused++;
      else all.set(keyOf(pv), pv);
    }
    if (all.size > before) await this.#set([...all.values()]);
    return { added: all.size - before, known, refused };
  }

  async remove(pvs: readonly WantedPv[]): Promise<void> {
    const gone = new Set(pvs.map(keyOf));
    await this.#set(this.#pvs.filter((pv) => !gone.has(keyOf(pv))));
  }

  /** Puts PVs, in their order, before another one; at the end if that is undefined. */
  async move(pvs: readonly WantedPv[], before: WantedPv | undefined): Promise<void> {
    const moved = new Set(pvs.map(keyOf));
    if (before && moved.has(keyOf(before))) return;
    const rest = this.#pvs.filter((pv) => !moved.has(keyOf(pv)));
    const inOrder = this.#pvs.filter((pv) => moved.has(keyOf(pv)));
    const found = before ? rest.findIndex((pv) => keyOf(pv) === keyOf(before)) : -1;
    const at = found < 0 ? rest.length : found;
    await this.#set([...rest.slice(0, at), ...inOrder, ...rest.slice(at)]);
  }

  async #set(pvs: readonly WantedPv[]): Promise<void> {
    this.#pvs = pvs;
    this.#names = namesOf(pvs);
    this.#changed.fire();
    await this.#memory.update(KEY, formatPvList(pvs));
  }

  dispose(): void {
    this.#changed.dispose();
  }
}

function namesOf(pvs: readonly WantedPv[]): ReadonlySet<string> {
  return new Set(pvs.map(({ name }) => name));
}
