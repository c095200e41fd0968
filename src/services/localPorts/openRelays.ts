/** All that listens on this machine for clients, so that a successor can take it while circuits go on. */
import { type Endpoint, isSameEndpoint } from '../../model/endpoint';
import type { Connection, Relay } from '../host/connection';

export class OpenRelays {
  /** Until the last of their connections ends. */
  readonly #relays = new Set<Relay>();
  #isRetired = false;
  #ownCount = 0;

  /** Whether nothing more is to listen. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Circuits of clients that are open now, less our own. */
  get circuitCount(): number {
    const all = [...this.#relays].reduce((sum, relay) => sum + relay.connectionCount, 0);
    return Math.max(0, all - this.#ownCount);
  }

  /** A connection of ours to that endpoint, by which a relay is tried as clients do. */
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

  /** Nothing listens from now on; the circuits that are open come to their own ends. */
  retire(): void {
    this.#isRetired = true;
    for (const relay of [...this.#relays]) relay.retire();
  }
}
