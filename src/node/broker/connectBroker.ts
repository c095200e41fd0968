/**
 * A front end's CoreApi by way of the broker: finds it or starts it, comes back to it (or to a new
 * one) when it is lost, and then wants and follows again what it did before.
 */
import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { backoffMs } from '../../base/backoff';
import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import {
  CancelledError,
  isErrorCode,
  messageOf,
  TransportError,
  UsageError,
} from '../../base/errors';
import { type Event, EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import { waitFor } from '../../base/waitFor';
import type {
  CoreRequests,
  CoreApi,
  PvAddress,
  PvUpdate,
  ExposeRequest,
} from '../../model/coreApi';
import type { Snapshot } from '../../model/snapshot';
import { CoreClient } from '../../rpc/coreClient';
import { ProblemError } from '../../model/problem';
import { type BrokerFacts, RPC_PROTOCOL } from '../../rpc/messages';
import { coreRequests, type MethodName, type ParamsOf, type ResultOf } from '../../rpc/methods';
import { systemClock } from '../systemClock';
import { brokerPaths, type BrokerPaths, checkPlace, type Environment } from './brokerPaths';
import { isOlder } from './brokerVersion';
import { dialBroker } from './dialBroker';
import { startBroker } from './startBroker';
import { stopBroker } from './stopBroker';

const HELLO_ATTEMPTS = 5;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5000;
/** A request made while the broker is away waits for so long for the next one. */
const RECONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_TIMEOUT_MS = 5000;
const LOOK_MS = 20;

const NOTHING: Snapshot = { isSettled: false, engines: [], containers: [], unknownNames: [] };

export interface ConnectBrokerOptions {
  /** What the broker is started with: the person's own, for engines, ssh and the home. */
  readonly env: Environment;
  /** For the broker's log: "VS Code", "epics-expose get". */
  readonly clientName: string;
  /** Who comes back under the same within the grace finds its request as it was; default: nobody does. */
  readonly clientId?: string;
  /** Of this program. */
  readonly version: string;
  /** dist/broker.js. */
  readonly program: string;
  readonly log: Log;
}

export interface BrokerLoss {
  readonly reason: string;
  readonly logFile: string;
}

export interface BrokerCore extends CoreApi {
  /** As it said at the last hello. */
  readonly broker: BrokerFacts;
  readonly isConnected: boolean;
  /** What this front end wants; after coming back within the grace, what it wanted before. */
  readonly request: ExposeRequest | undefined;
  /** Why there is no broker now, after a failed attempt to start one; tried again by itself. */
  readonly problem: Error | undefined;
  /** The broker ended or was lost, once each time; what was wanted is wanted again by itself. */
  readonly onDidLose: Event<BrokerLoss>;
  /** What all front ends want. */
  listRequests(signal: AbortSignal): Promise<readonly ExposeRequest[]>;
  /** Ends the broker and starts another one; every client's circuit ends with it. */
  restart(signal: AbortSignal): Promise<void>;
  /** Ends the broker, everything with it; resolves when it has ended. Starts none. */
  stop(signal: AbortSignal): Promise<void>;
  /** Goes without a word: what was wanted stays for the grace (a window that reloads). */
  leave(): void;
  /** Says goodbye: what was wanted ends at once. As `dispose`, and resolves when the broker knows. */
  close(): Promise<void>;
}

/**
 * Finds the broker, or starts it. Rejects with UsageError (where it could live is not ours, or it is
 * newer than we are) and with TransportError that names its log.
 */
export async function connectBroker(
  options: ConnectBrokerOptions,
  signal: AbortSignal,
): Promise<BrokerCore> {
  const exposure = new ReconnectingCore(options, requiredPlace(options.env));
  try {
    await exposure.connect(signal, true);
    return withCoreRequests(exposure);
  } catch (error) {
    exposure.leave();
    throw error;
  }
}

/**
 * The broker that runs, or undefined; starts none as long as that one lives. One that runs and cannot
 * be used is told to `onUnusable`. Rejects with UsageError where somebody else could have put one.
 */
export async function findBroker(
  options: ConnectBrokerOptions,
  signal: AbortSignal,
  onUnusable: (error: unknown) => void = () => undefined,
): Promise<BrokerCore | undefined> {
  const place = brokerPaths(options.env);
  if (!place) return undefined;
  checkPlace(place);
  const exposure = new ReconnectingCore(options, place);
  try {
    if (await exposure.connect(signal, false)) return withCoreRequests(exposure);
  } catch (error) {
    if (signal.aborted) throw error;
    options.log('info', 'session', `the broker is not used: ${messageOf(error)}`);
    onUnusable(error);
  }
  exposure.leave();
  return undefined;
}

/** What is asked of the core goes to the broker that is there then. */
function withCoreRequests(exposure: ReconnectingCore): BrokerCore {
  return Object.assign(
    exposure,
    coreRequests((name, params, signal) => exposure.ask(name, params, signal)),
  );
}

function requiredPlace(env: Environment): BrokerPaths {
  const place = brokerPaths(env);
  if (place) return place;
  throw new UsageError(
    'EPICS_EXPOSE_BROKER=off forbids a background process. Unset it where this program is started.',
  );
}

interface Monitor {
  readonly address: PvAddress;
  readonly onUpdate: (update: PvUpdate) => void;
}

class ReconnectingCore implements Omit<BrokerCore, keyof CoreRequests> {
  readonly #options: ConnectBrokerOptions;
  readonly #place: BrokerPaths;
  readonly #clock: Clock = systemClock;
  readonly #clientId: string;
  readonly #abort = new AbortController();
  readonly #changed = new EventEmitter<void>();
  readonly #lost = new EventEmitter<BrokerLoss>();
  readonly #connected = new EventEmitter<void>();
  readonly #monitors = new Map<number, Monitor>();
  #nextMonitorId = 0;
  #client: CoreClient | undefined;
  #facts: BrokerFacts | undefined;
  #request: ExposeRequest | undefined;
  #hasRequested = false;
  #snapshot = NOTHING;
  #problem: Error | undefined;
  /** Whether we started what we connect to. */
  #hasStarted = false;
  /** Of what we started last. */
  #startedVersion: string | undefined;

  readonly onDidChange = this.#changed.event;
  readonly onDidLose = this.#lost.event;

  constructor(options: ConnectBrokerOptions, place: BrokerPaths) {
    this.#options = options;
    this.#place = place;
    this.#clientId = options.clientId ?? randomUUID();
    setMaxListeners(0, this.#abort.signal); // one for each request under route
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }
  get isConnected(): boolean {
    return this.#client !== undefined;
  }
  get request(): ExposeRequest | undefined {
    return this.#request;
  }
  get problem(): Error | undefined {
    return this.#problem;
  }
  get broker(): BrokerFacts {
    if (!this.#facts) throw new TransportError('there was no hello yet');
    return this.#facts;
  }

  /** False when there is none, and none was to be started. */
  async connect(signal: AbortSignal, mayStart: boolean): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const socket = await this.#dial(signal, mayStart);
      if (!socket) return false;
      try {
        if (await this.#greet(socket, signal, mayStart)) return true;
        // An older one made room for what we start next.
      } catch (error) {
        // It was about to end: the next look finds the socket free, or another broker.
        if (!isErrorCode(error, 'transport') || attempt === HELLO_ATTEMPTS) throw error;
        await delay(this.#clock, RETRY_FIRST_MS, signal);
      }
    }
  }

  async #dial(signal: AbortSignal, mayStart: boolean): Promise<Socket | undefined> {
    const { env, program } = this.#options;
    const place = this.#place;
    const socket = await dialBroker(place, this.#clock, signal);
    this.#hasStarted = !socket && mayStart;
    if (!this.#hasStarted) return socket;
    return startBroker({ place, program, env, clock: this.#clock }, signal);
  }

  /**
   * Whether to ask an older broker for its place: not where nothing is started in it, and not where
   * our program is as old, which would be asked again and again.
   */
  #isReplaceable({ protocol, version }: BrokerFacts, mayStart: boolean): boolean {
    if (this.#hasStarted) this.#startedVersion = version;
    const isOld = protocol < RPC_PROTOCOL || isOlder(version, this.#options.version);
    const started = this.#startedVersion;
    return mayStart && isOld && (started === undefined || isOlder(version, started));
  }

  /** False when an older broker made room for ours. */
  async #greet(socket: Socket, signal: AbortSignal, mayStart: boolean): Promise<boolean> {
    const { version, clientName } = this.#options;
    const client: CoreClient = new CoreClient(socket, this.#clock, {
      onSnapshot: (snapshot) => {
        this.#snapshot = snapshot;
        this.#changed.fire();
      },
      onUpdate: (id, update) => this.#monitors.get(id)?.onUpdate(update),
      onEnd: (reason) => {
        if (this.#client === client) this.#lose(reason);
      },
    });
    try {
      const params = { protocol: RPC_PROTOCOL, version, clientId: this.#clientId, clientName };
      const { broker, request, snapshot } = await client.hello(params, signal);
      if (this.#isReplaceable(broker, mayStart)) {
        this.#options.log('info', 'session', `broker ${broker.version} makes room for ${version}`);
        await client.ask('handOver', {}, signal);
        client.dispose();
        return false;
      }
      if (broker.protocol < RPC_PROTOCOL) {
        throw new ProblemError('usage', {
          code: 'broker-older',
          version: broker.version,
          own: version,
          ...(mayStart && { program: this.#options.program }),
        });
      }
      if (broker.protocol > RPC_PROTOCOL) {
        throw new ProblemError('usage', {
          code: 'broker-newer',
          version: broker.version,
          own: version,
        });
      }
      this.#facts = broker;
      this.#snapshot = snapshot;
      if (this.#hasRequested) await client.setRequest(this.#request, signal);
      else this.#request = request;
      for (const [monitorId, { address }] of this.#monitors) {
        await client.ask('startMonitor', { monitorId, ...address }, signal);
      }
      if (this.#abort.signal.aborted) throw new CancelledError();
    } catch (error) {
      client.dispose();
      throw error;
    }
    this.#client = client;
    this.#problem = undefined;
    this.#connected.fire();
    this.#changed.fire();
    return true;
  }

  #lose(reason: string): void {
    this.#client = undefined;
    this.#snapshot = NOTHING;
    const { logFile } = this.#place;
    this.#options.log('warn', 'session', `the broker is lost: ${reason}`);
    this.#lost.fire({ reason, logFile });
    for (const { onUpdate } of this.#monitors.values()) {
      onUpdate({ kind: 'interrupted', problem: { code: 'broker-gone' } });
    }
    this.#changed.fire();
    void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; !signal.aborted && !this.#client; failures++) {
      try {
        await this.connect(signal, true);
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = error as Error;
        this.#options.log('warn', 'session', messageOf(error));
        this.#changed.fire();
        const pauseMs = backoffMs(failures, RETRY_FIRST_MS, RETRY_MAX_MS);
        await delay(this.#clock, pauseMs, signal).catch(() => undefined);
      }
    }
  }

  async ask<M extends MethodName>(
    name: M,
    params: ParamsOf<M>,
    signal: AbortSignal,
  ): Promise<ResultOf<M>> {
    const client = this.#client ?? (await this.#nextClient(signal));
    return client.ask(name, params, signal);
  }

  #nextClient(signal: AbortSignal): Promise<CoreClient> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        connected.dispose();
        timer.dispose();
        signal.removeEventListener('abort', cancel);
        this.#abort.signal.removeEventListener('abort', cancel);
        if (this.#client) resolve(this.#client);
        else reject(error ?? new CancelledError());
      };
      const cancel = (): void => end();
      const connected = this.#connected.event(() => end());
      const timer = this.#clock.after(this.#clock.stretch(RECONNECT_TIMEOUT_MS), () =>
        end(this.#problem ?? new TransportError('the background process does not run')),
      );
      signal.addEventListener('abort', cancel, { once: true });
      this.#abort.signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted || this.#abort.signal.aborted) cancel();
    });
  }

  async setRequest(request: ExposeRequest | undefined): Promise<void> {
    const former = this.#request;
    this.#request = request;
    this.#hasRequested = true;
    try {
      await this.ask('setRequest', { request: request ?? null }, this.#abort.signal);
    } catch (error) {
      if (this.#client && this.#request === request) this.#request = former;
      throw error;
    }
  }

  listRequests(signal: AbortSignal): Promise<readonly ExposeRequest[]> {
    return this.ask('listRequests', {}, signal);
  }

  monitorPv(address: PvAddress, onUpdate: (update: PvUpdate) => void): Disposable {
    const monitorId = this.#nextMonitorId++;
    this.#monitors.set(monitorId, { address, onUpdate });
    this.#tell('startMonitor', { monitorId, ...address });
    return toDisposable(() => {
      this.#monitors.delete(monitorId);
      this.#tell('stopMonitor', { monitorId });
    });
  }

  /** What a broker that comes later is told anyway. */
  #tell<M extends MethodName>(method: M, params: ParamsOf<M>): void {
    this.#client?.ask(method, params, this.#abort.signal).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#options.log('info', 'session', messageOf(error));
    });
  }

  async restart(signal: AbortSignal): Promise<void> {
    const former = this.#client;
    await this.ask('stop', {}, signal).catch(unlessAborted(signal));
    // Its end is told by the connection's, which brings us back to another one.
    const isLost = (): true | undefined => (this.#client === former ? undefined : true);
    await waitFor(this.#clock, isLost, LOOK_MS, signal);
    if (!this.#client) await this.#nextClient(signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    client?.dispose();
    await stopBroker(this.#place, this.#clock, signal);
  }

  leave(): void {
    this.#abort.abort();
    this.#client?.dispose();
    this.#client = undefined;
    this.#changed.dispose();
    this.#lost.dispose();
    this.#connected.dispose();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#abort.abort();
    await client
      ?.ask('goodbye', {}, new AbortController().signal, GOODBYE_TIMEOUT_MS)
      .catch(() => undefined);
    client?.dispose();
    this.leave();
  }

  dispose(): void {
    void this.close();
  }
}

/** The answer of a broker that is asked to end may be lost to its end, for which its caller waits. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (signal.aborted) throw error;
  };
}
