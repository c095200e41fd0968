/**
 * How many names are kept, some 400 bytes each: of one container, and of all together. Every container
 * has its first 20,000, whatever others take.
 */
const MAX_OF_CONTAINER = 400_000;
const SURE_OF_CONTAINER = 20_000;
const MAX_OF_ALL = 1_000_000;

export class NamesAllowance {
  #shared = 0;

  /** The share of one container; what it took comes back with `give`. */
  openContainer(): ContainerNames {
    let count = 0;
    return {
      take: () => {
        if (count >= MAX_OF_CONTAINER) {
          return `its container has more than ${MAX_OF_CONTAINER} names`;
        }
        if (count >= SURE_OF_CONTAINER) {
          if (this.#shared >= MAX_OF_ALL) {
            return `all containers together have more than ${MAX_OF_ALL} names`;
          }
          this.#shared++;
        }
        count++;
        return undefined;
      },
      give: (given) => {
        const before = Math.max(0, count - SURE_OF_CONTAINER);
        count -= given;
        this.#shared -= before - Math.max(0, count - SURE_OF_CONTAINER);
      },
    };
  }
}

export interface ContainerNames {
  /** Room for one more; why there is none, otherwise. */
  take(): string | undefined;
  /** So many are not kept any more. */
  give(count: number): void;
}
