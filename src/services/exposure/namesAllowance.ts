/**
 * How many names are kept (some 400 bytes each) per container and altogether. Every container gets
 * its first 20,000, however many the others take.
 */
const MAX_OF_CONTAINER = 400_000;
const SURE_OF_CONTAINER = 20_000;
const MAX_OF_ALL = 1_000_000;

/** How many more names of PVs may be kept in memory. */
export class NamesAllowance {
  #shared = 0;

  /** Opens the share of one container. */
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

/** The share of one container. */
export interface ContainerNames {
  /** Takes room for one more name. Returns why there is none, or undefined. */
  take(): string | undefined;
  /** Gives back room: `count` names are no longer kept. */
  give(count: number): void;
}
