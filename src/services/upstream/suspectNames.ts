/**
 * Finds the names for which a server ends the circuit, so that the others stay reachable. After a
 * circuit ended with questions open, their names are asked for on the next one alone, then two,
 * four and so on while all are answered. Servers answer in order, so few circuits are lost: some
 * ten for a name among a thousand.
 */
export class SuspectNames {
  /** Indexes of names still to be asked for, in their order. */
  #waiting = new Set<number>();
  readonly #guilty = new Set<number>();
  /** How many to ask for at a time. */
  #size = 1;
  /** The one that was alone when the last circuit ended: once may be chance. */
  #lastAlone: number | undefined;

  /** How many names are still to be asked for. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Whether its turn comes by `next`. */
  isWaiting(index: number): boolean {
    return this.#waiting.has(index);
  }

  /** Whether it was alone when a circuit ended, twice in succession. */
  isGuilty(index: number): boolean {
    return this.#guilty.has(index);
  }

  /**
   * The circuit ended while these names, in the order in which they were asked for, had no answer.
   * Returns the one that is found guilty now, if any.
   */
  circuitEnded(open: readonly number[]): number | undefined {
    const alone = open.length === 1 ? open[0] : undefined;
    const guilty = alone === this.#lastAlone ? alone : undefined;
    this.#lastAlone = guilty === undefined ? alone : undefined;
    if (guilty !== undefined) this.#guilty.add(guilty);
    this.#waiting = new Set([...open.filter((index) => index !== guilty), ...this.#waiting]);
    this.#size = 1;
    return guilty;
  }

  /** Takes the names to ask for now; call it when no other question is open. */
  take(): readonly number[] {
    const names: number[] = [];
    for (const index of this.#waiting) {
      if (names.length === this.#size) break;
      names.push(index);
    }
    for (const index of names) this.#waiting.delete(index);
    this.#size *= 2;
    return names;
  }

  /** The server answered for that name. */
  answered(index: number): void {
    if (index === this.#lastAlone) this.#lastAlone = undefined;
  }
}
