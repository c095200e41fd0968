import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { schedule } from '../../base/schedule';
import type { Endpoint } from '../../model/endpoint';
import { writeCaBeacon } from '../../protocol/ca';
import type { BeaconSocket } from '../host/searchSockets';

/** A server that is there; it has another key when it comes again. */
export interface AnnouncedServer {
  readonly key: string;
  readonly endpoint: Endpoint;
}

/** The first interval of rsrv after its start (`online_notify.c`). */
const SECOND_BEACON_MS = 20;

/**
 * Tells clients of this machine that a CA server is back. libca, which searches less and less often
 * (up to five minutes apart), then searches within five seconds: it takes two beacons in quick
 * succession for a restarted server, and ignores a single one (`bhe.cpp`, updatePeriod; `cac.cpp`,
 * beaconNotify).
 */
export class Beacons implements Disposable {
  readonly #socket: BeaconSocket;
  readonly #clock: Clock;
  readonly #store = new DisposableStore();
  #known: ReadonlySet<string> = new Set();

  constructor(socket: BeaconSocket, clock: Clock) {
    this.#clock = clock;
    this.#socket = this.#store.add(socket);
  }

  /** Takes the CA servers that clients now reach through us; new ones are announced. */
  setServers(servers: readonly AnnouncedServer[]): void {
    const arrived = servers.filter(({ key }) => !this.#known.has(key));
    this.#known = new Set(servers.map(({ key }) => key));
    for (const { endpoint } of arrived) this.#announce(endpoint);
  }

  #announce(endpoint: Endpoint): void {
    // Higher than the previous one by more than lost beacons could explain, and never lower.
    const id = Math.floor(this.#clock.wallMs() / SECOND_BEACON_MS) >>> 0;
    this.#socket.send(writeCaBeacon(endpoint, id));
    schedule(this.#store, this.#clock, SECOND_BEACON_MS, () =>
      this.#socket.send(writeCaBeacon(endpoint, id + 1)),
    );
  }

  dispose(): void {
    this.#store.dispose();
  }
}
