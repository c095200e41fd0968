import { statSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { schedule } from '../base/schedule';
import type { Log } from '../base/log';
import type { CoreApi, ExposeRequest } from '../model/coreApi';
import type { BrokerPaths } from '../node/broker/brokerPaths';
import { listenExclusively } from '../node/broker/listenExclusively';
import {
  type AttachedFrontEnd,
  type FrontEndHost,
  type Leaving,
  serveFrontEnd,
} from '../rpc/coreServer';
import { type BrokerFacts, type HelloParams, RPC_PROTOCOL } from '../rpc/messages';
import type { Core } from '../services/core';

/** How long a request outlives a front end that vanished, and the broker its last front end. */
export const GRACE_MS = 10_000;
/** After the broker has made room, how long it waits for the answer to that to go out. */
const HANDED_OVER_MS = 100;
/** How often to check that the socket is still ours. */
const SOCKET_CHECK_MS = 5000;

/** How often to check for remaining circuits once nothing listens any more. */
const CIRCUITS_CHECK_MS = 1000;

const LEAVING_WORDS: Record<Leaving, string> = {
  vanished: 'is gone',
  goodbye: 'says goodbye',
  moved: 'goes to a newer background process',
};

/** What a BrokerServer needs. */
export interface BrokerServerInput {
  readonly place: BrokerPaths;
  readonly core: Core;
  readonly version: string;
  readonly isForeground: boolean;
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** A front end asked the broker to stop. */
  readonly onStop: () => void;
  /** The grace period has passed without a front end. */
  readonly onIdle: () => void;
}

interface Known {
  readonly core: CoreApi;
  request: ExposeRequest | undefined;
  isConnected: boolean;
  /** Whether it has moved to our successor. */
  hasMoved?: boolean;
  grace?: Disposable;
}

/**
 * Serves a Core to the front ends of this user. The rules:
 * - A request ends when its front end says goodbye. A front end that vanishes keeps its request for
 *   the grace period, and takes it over again when it returns under its id (a window that reloads).
 * - We make room for a newer version: we stop listening, and serve those who are connected for as
 *   long as they stay. The newer broker finds our relays in use, shows them as shared, and opens
 *   its own when ours end. Once every front end with a request has moved there (windows of an
 *   extension that was updated), our ports are freed at once, and we last as long as circuits of
 *   clients do.
 * - If another broker took our socket (both started at once), we make room likewise.
 */
export class BrokerServer implements FrontEndHost {
  readonly #input: BrokerServerInput;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #known = new Map<string, Known>();
  readonly #connections = new Set<Disposable>();
  #twins = 0;
  #isRetired = false;
  #server: Server | undefined;
  #socketId: string | undefined;
  #idle: Disposable | undefined;

  private constructor(input: BrokerServerInput) {
    this.#input = input;
  }

  /** Starts to listen; undefined when another broker serves this user already. */
  static async listen(input: BrokerServerInput): Promise<BrokerServer | undefined> {
    const broker = new BrokerServer(input);
    const server = await listenExclusively(
      input.place,
      (socket) => broker.#serve(socket),
      input.clock,
      broker.#abort.signal,
    );
    if (!server) return undefined;
    broker.#server = server;
    broker.#socketId = idOf(input.place.socket);
    broker.#watchSocket();
    broker.#exitWhenIdle();
    return broker;
  }

  /** What the broker says about itself. */
  get facts(): BrokerFacts {
    const { version, isForeground, place } = this.#input;
    return {
      protocol: RPC_PROTOCOL,
      version,
      pid: process.pid,
      isForeground,
      ...(!isForeground && { logFile: place.logFile }),
      frontEndCount: this.#connectedCount,
    };
  }

  /** What the front ends want now. */
  get requests(): readonly ExposeRequest[] {
    return this.#input.core.requests;
  }

  /** A window on a busy machine needs longer to come back. */
  get #graceMs(): number {
    return this.#input.clock.stretch(this.#input.graceMs);
  }

  get #connectedCount(): number {
    return [...this.#known.values()].filter(({ isConnected }) => isConnected).length;
  }

  #serve(socket: Socket): void {
    const { clock, log } = this.#input;
    const connection = serveFrontEnd(socket, this, clock, log);
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  attach({ clientId, clientName, version }: HelloParams): AttachedFrontEnd {
    const { log, core } = this.#input;
    const former = this.#known.get(clientId);
    const isReturn = former !== undefined && !former.isConnected;
    log('info', 'session', `${clientName} ${version} ${isReturn ? 'is back' : 'is connected'}`);
    former?.grace?.dispose();
    const known: Known =
      former && isReturn
        ? former
        : { core: core.openFrontEnd(), request: undefined, isConnected: true };
    known.isConnected = true;
    known.hasMoved = false;
    // Two at once with one id are two front ends.
    const key = former && !isReturn ? `${clientId} ${++this.#twins}` : clientId;
    this.#known.set(key, known);
    this.#idle?.dispose();
    return {
      core: known.core,
      request: known.request,
      setRequest: async (request) => {
        await known.core.setRequest(request);
        known.request = request;
      },
      detach: (how) => {
        log('info', 'session', `${clientName} ${LEAVING_WORDS[how]}`);
        known.isConnected = false;
        const forget = (): void => {
          if (this.#known.get(key) === known) this.#known.delete(key);
          known.core.dispose();
          this.#exitWhenIdle();
          this.#retireWhenAlone();
        };
        if (how === 'goodbye' || known.request === undefined) forget();
        else if (how === 'moved') {
          known.hasMoved = true;
          this.#retireWhenAlone();
        } else known.grace = this.#store.add(this.#input.clock.after(this.#graceMs, forget));
      },
    };
  }

  /**
   * When every front end that still requests something has moved to our successor, it can have our
   * ports; circuits of clients go on until they end on their own.
   */
  #retireWhenAlone(): void {
    const { core, clock, log } = this.#input;
    const left = [...this.#known.values()];
    if (left.length === 0 || !left.every(({ hasMoved }) => hasMoved)) return;
    if (this.#isRetired || this.#store.isDisposed) return;
    this.#isRetired = true;
    core.retire();
    log('info', 'session', `no longer listens; ${core.circuitCount} circuits go on`);
    const look = (): void => {
      if (core.circuitCount > 0) {
        schedule(this.#store, clock, CIRCUITS_CHECK_MS, look);
        return;
      }
      for (const { core } of this.#known.values()) core.dispose();
      this.#known.clear();
      this.#exitWhenIdle();
    };
    look();
  }

  /** After the grace period, unless a front end is connected or may still come back. */
  #exitWhenIdle(): void {
    this.#idle?.dispose();
    if (this.#known.size > 0 || this.#store.isDisposed) return;
    // When nobody can find us any more, there is nothing to wait for.
    const delayMs = this.#server ? this.#graceMs : HANDED_OVER_MS;
    this.#idle = this.#input.clock.after(delayMs, () => {
      // A connection without a hello sends it soon, or is closed.
      if (this.#connections.size > 0) this.#exitWhenIdle();
      else this.#input.onIdle();
    });
  }

  /** Stops listening; resolves when the socket is free for another broker. */
  async handOver(): Promise<void> {
    this.#input.log('info', 'session', 'makes room for another background process');
    const server = this.#server;
    this.#server = undefined;
    await closed(server, this.#isOurs());
    this.#exitWhenIdle();
  }

  stop(): void {
    this.#input.onStop();
  }

  #watchSocket(): void {
    if (process.platform === 'win32') return;
    schedule(this.#store, this.#input.clock, SOCKET_CHECK_MS, () => {
      if (!this.#server) return;
      if (this.#isOurs()) this.#watchSocket();
      else void this.handOver();
    });
  }

  #isOurs(): boolean {
    return process.platform === 'win32' || idOf(this.#input.place.socket) === this.#socketId;
  }

  /** Ends every connection and frees the socket; resolves when it is free. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#idle?.dispose();
    const server = this.#server;
    this.#server = undefined;
    const closing = closed(server, this.#isOurs());
    for (const connection of this.#connections) connection.dispose();
    for (const { core } of this.#known.values()) core.dispose();
    this.#known.clear();
    this.#store.dispose();
    this.#idle?.dispose();
    await closing;
  }
}

function idOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/** Resolves when nobody listens there any more; connections go on. */
async function closed(server: Server | undefined, isOurs: boolean): Promise<void> {
  if (!server) return;
  // Closing removes the path even if it belongs to another broker by now: then leave this server to
  // the exit.
  if (!isOurs) {
    server.unref();
    return;
  }
  // The callback comes only when the connections have ended too; the socket is free at once.
  server.close();
  await Promise.resolve();
}
