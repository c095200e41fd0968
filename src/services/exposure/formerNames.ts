import type { Clock } from '../../base/clock';
import type { IocPlace } from '../../model/iocPlace';
import type { NameTable } from '../../model/pvTable';

/** What somebody seeks later than that is more likely misspelt. */
const KEPT_MS = 10 * 60_000;
/** Of all IOCs together: a table of 100,000 names takes megabytes. */
const MAX_NAMES = 300_000;
const MAX_IOCS = 100;

interface Former extends IocPlace {
  readonly names: NameTable;
  readonly endedMs: number;
}

/** The names of IOCs that have ended, for a while: who seeks one of them has not misspelt it. */
export class FormerNames {
  readonly #clock: Clock;
  /** The last one that ended comes last. */
  #iocs: readonly Former[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ iocName, containerName }: IocPlace, names: NameTable): void {
    const others = this.#iocs.filter(
      (one) => one.iocName !== iocName || one.containerName !== containerName,
    );
    const all = [...others, { iocName, containerName, names, endedMs: this.#clock.nowMs() }];
    let left = MAX_NAMES;
    const kept = all.reverse().filter((one) => (left -= one.names.size) >= 0 && this.#isNew(one));
    this.#iocs = kept.slice(0, MAX_IOCS).reverse();
  }

  /** The IOC that had that name when it ended. */
  find(name: string): IocPlace | undefined {
    const found = [...this.#iocs].reverse().find((one) => this.#isNew(one) && hadName(one, name));
    return found && { iocName: found.iocName, containerName: found.containerName };
  }

  #isNew({ endedMs }: Former): boolean {
    return this.#clock.nowMs() - endedMs < KEPT_MS;
  }
}

/** Not one that the user gave, which every IOC is asked for. */
function hadName({ names }: Former, name: string): boolean {
  const index = names.indexOf(name);
  return index !== undefined && names.source(index).kind !== 'user';
}
