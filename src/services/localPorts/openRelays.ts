import { type Endpoint, isSameEndpoint } from '../../model/endpoint';
import type { Connection, Relay } from '../host/connection';

/**
 * Everything that listens on this machine for clients, so that a successor can take over while
 * circuits go on.
 */
export class OpenRelays {
  /** Kept until the last of their connections ends. */
  readonly #relays = new Set<Relay>();
  #isRetired = false;
  #ownCount = 0;

  /** Whether nothing may listen any more. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** The number of circuits of clients that are open now, without our own. */
  get circuitCount(): number {
    const all = [...this.#relays].reduce((sum, relay) => sum + relay.connectionCount, 0);
    return Math.max(0, all - this.#ownCount);
  }

  /** Notes a connection of ours to that endpoint, which tries a relay as clients do. */
  addOwn(endpoint: Endpoint, connection: Pick<Connection, 'on'>): void {
    if (![...this.#relays].some(({ local }) => isSameEndpoint(local, endpoint))) return;
    this.#ownCount++;
    connection.on('close', () => this.#ownCount--);
  }

  add<R extends Relay>(relay: R): R {
    this.#relays.add(relay);
    relay.onDidEnd(() => this.#relays.delete(relay));
    if (this.#isRetired) relay.retire();
    return relay;
  }

  /** Stops listening; open circuits end on their own. */
  retire(): void {
    this.#isRetired = true;
    for (const relay of [...this.#relays]) relay.retire();
  }
}
