/**
 * The PVs of one IOC: names (shared by its CA and PVA server) and, per server, how far each got on
 * its way to a client here. Kept in typed arrays, because there may be 100,000 of them.
 */

/** Names of one IOC that are followed; real IOCs have a tenth of that. */
export const MAX_NAMES_PER_IOC = 200_000;
/**
 * The longest name that we ask for, in bytes. What a server accepts is its own matter
 * (services/upstream/nameLimits); records have 60 at most.
 */
export const MAX_NAME_BYTES = 4000;

/** Where a name came from. */
export type NameSource =
  | { readonly kind: 'pva-list' }
  | { readonly kind: 'database'; readonly file: string; readonly line: number }
  | { readonly kind: 'user' };

/** The steps of a PV; all except the first two say what failed. */
export const PV_STEPS = [
  'pending', // not asked yet, or not answered yet
  'reachable', // the server created its channel, or says that it has it; the circuit lives
  'no-read-access', // a client gets its channel, and the server denies reading
  'not-found', // the server says it has no such PV
  'create-refused', // it has the PV and refuses the channel
  'disconnected', // it was reachable; the circuit or the channel is gone
  'no-answer', // the server did not answer in time
  'name-too-long', // the server's software ends the circuit for names of that length: not asked for
  'ends-circuit', // the server ends the circuit when asked for it: not asked for any more
  'not-served', // the name belongs to the other protocol (a QSRV group over CA): not counted
] as const;
/** How far a PV got, see PV_STEPS. */
export type PvStep = (typeof PV_STEPS)[number];

/** Whether a client here gets a channel, whether or not it may read. */
export function hasChannel(step: PvStep): boolean {
  return step === 'reachable' || step === 'no-read-access';
}

/** Steps as numbers, because each of 100,000 PVs is set at least twice. */
const CODES = Object.fromEntries(PV_STEPS.map((step, code) => [step, code])) as Record<
  PvStep,
  number
>;

/** Names in the order they were learnt; an index always keeps its name. */
export class NameTable {
  readonly #names: string[] = [];
  readonly #indexOf = new Map<string, number>();
  readonly #sources: NameSource[] = [];
  /** Indexes in the order of their names, in parts of which each is ordered. */
  readonly #runs: (readonly number[])[] = [];
  /** How many names are in `#runs`. */
  #sortedCount = 0;

  get size(): number {
    return this.#names.length;
  }

  /**
   * Adds names that are not known yet; returns how many were new. The first source of a name stays,
   * unless that is the user: then a source that confirms the name replaces it.
   */
  add(names: Iterable<string>, source: NameSource | ((name: string) => NameSource)): number {
    const before = this.#names.length;
    const sourceOf = (name: string): NameSource =>
      typeof source === 'function' ? source(name) : source;
    for (const name of names) {
      const known = this.#indexOf.get(name);
      if (known !== undefined) {
        if (this.#sources[known]?.kind === 'user') this.#sources[known] = sourceOf(name);
        continue;
      }
      this.#indexOf.set(name, this.#names.length);
      this.#names.push(name);
      this.#sources.push(sourceOf(name));
    }
    return this.#names.length - before;
  }

  name(index: number): string {
    return this.#names[index] ?? '';
  }

  /** The index of a name; undefined if it is not known. */
  indexOf(name: string): number | undefined {
    return this.#indexOf.get(name);
  }

  /** The indexes in the order of their names, by code units. */
  get sorted(): readonly number[] {
    this.sortMore();
    while (this.#runs.length > 1) this.#mergeLast();
    return this.#runs[0] ?? [];
  }

  /**
   * Sorts names that were added since. With many calls while names arrive, each is short and little
   * is left for `sorted` to do.
   */
  sortMore(): void {
    // As texts, without a comparison function: three times as fast.
    const added = this.#names
      .slice(this.#sortedCount)
      .sort()
      .map((name) => this.#indexOf.get(name) ?? 0);
    this.#sortedCount = this.#names.length;
    if (added.length > 0) this.#runs.push(added);
    // Only runs of about the same length are merged, so each name is moved few times.
    while ((this.#runs.at(-2)?.length ?? Infinity) < 2 * (this.#runs.at(-1)?.length ?? 0)) {
      this.#mergeLast();
    }
  }

  #mergeLast(): void {
    const [left = [], right = []] = this.#runs.splice(-2);
    this.#runs.push(this.#merged(left, right));
  }

  #merged(left: readonly number[], right: readonly number[]): number[] {
    const merged: number[] = [];
    let at = 0;
    for (const index of right) {
      const name = this.name(index);
      for (; at < left.length && this.name(left[at] ?? 0) < name; at++) merged.push(left[at] ?? 0);
      merged.push(index);
    }
    for (; at < left.length; at++) merged.push(left[at] ?? 0);
    return merged;
  }

  /** Where a name came from. */
  source(index: number): NameSource {
    return this.#sources[index] ?? { kind: 'user' };
  }
}

/** The step of every PV of one server, with counts that are always up to date. */
export class PvSteps {
  #steps: Uint8Array = new Uint8Array(0);
  #size = 0;
  readonly #counts = new Uint32Array(PV_STEPS.length);
  #changeCount = 0;

  /** Increases with every change. */
  get changeCount(): number {
    return this.#changeCount;
  }

  get size(): number {
    return this.#size;
  }

  /** Makes room for names that were added; new ones are pending. */
  grow(size: number): void {
    if (size <= this.#size) return;
    if (size > this.#steps.length) {
      const grown = new Uint8Array(Math.max(size, this.#steps.length * 2));
      grown.set(this.#steps);
      this.#steps = grown;
    }
    this.#counts[0] = this.count('pending') + size - this.#size;
    this.#changeCount++;
    this.#size = size;
  }

  get(index: number): PvStep {
    return PV_STEPS[this.#steps[index] ?? 0] ?? 'pending';
  }

  /** Sets a step; true if that was a change. */
  set(index: number, step: PvStep): boolean {
    const code = CODES[step];
    const old = this.#steps[index] ?? 0;
    if (index >= this.#size || old === code) return false;
    this.#counts[old] = (this.#counts[old] ?? 0) - 1;
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
    this.#steps[index] = code;
    this.#changeCount++;
    return true;
  }

  /** Changes every PV that is at `from`, for example when a circuit closed. */
  replaceAll(from: PvStep, to: PvStep): void {
    if (this.count(from) === 0) return;
    for (let index = 0; index < this.#size; index++) {
      if (this.get(index) === from) this.set(index, to);
    }
  }

  /** How many PVs are at a step. */
  count(step: PvStep): number {
    return this.#counts[CODES[step]] ?? 0;
  }

  /** Number of PVs that this server should serve. */
  get total(): number {
    return this.#size - this.count('not-served');
  }

  /** The code of each PV's step, its position in PV_STEPS; to be read at once. */
  get codes(): Uint8Array {
    return this.#steps.subarray(0, this.#size);
  }
}
