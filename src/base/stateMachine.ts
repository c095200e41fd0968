/**
 * For each state, the next state after each event. An event without an entry means nothing in that
 * state.
 */
export type Transitions<S extends string, E extends string> = Readonly<
  Record<S, Readonly<Partial<Record<E, S>>>>
>;

/** A state that changes only as its table says. */
export class StateMachine<S extends string, E extends string> {
  readonly #transitions: Transitions<S, E>;
  #state: S;

  constructor(transitions: Transitions<S, E>, initial: S) {
    this.#transitions = transitions;
    this.#state = initial;
  }

  get state(): S {
    return this.#state;
  }

  /**
   * Takes the event. Returns false, and changes nothing, if it means nothing in the current state.
   */
  take(event: E): boolean {
    const next: S | undefined = this.#transitions[this.#state][event];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }
}
