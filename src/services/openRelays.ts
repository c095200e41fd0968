/** All that listens on this machine for clients, so that a successor can take it while circuits go on. */
import type { Relay } from './connection';

export class OpenRelays {
  /** Until the last of their connections ends. */
  readonly #relays = new Set<Relay>();
  #isRetired = false;

  /** Whether nothing more is to listen. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Circuits of clients that are open now. */
  get connectionCount(): number {
    return [...this.#relays].reduce((sum, relay) => sum + relay.connectionCount, 0);
  }

  add<R extends Relay>(relay: R): R {
    this.#relays.add(relay);
    relay.onDidEnd(() => this.#relays.delete(relay));
    if (this.#isRetired) relay.retire();
    return relay;
  }

  /** Nothing listens from now on; the circuits that are open come to their own ends. */
  retire(): void {
    this.#isRetired = true;
    for (const relay of [...this.#relays]) relay.retire();
  }
}
