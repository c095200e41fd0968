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
import { StateMachine } from '../../base/stateMachine';
import { CONNECTION_TRANSITIONS } from './connectionStates';

const HELLO_ATTEMPTS = 5;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5000;
/** A request made while the broker is away waits this long for the next broker. */
const RECONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_TIMEOUT_MS = 5000;
const LOOK_MS = 20;

const NOTHING: Snapshot = { isSettled: false, engines: [], containers: [], unknownNames: [] };

/** Who connects, and what it starts when no broker runs. */
export interface ConnectBrokerOptions {
  /** The environment to start the broker with: the user's own, for engines, ssh and the home. */
  readonly env: Environment;
  /** For the broker's log: "VS Code", "epics-expose get". */
  readonly clientName: string;
  /**
   * A front end that returns with this id within the grace period finds its request unchanged.
   * Default: a new id.
   */
  readonly clientId?: string;
  /** The version of this program. */
  readonly version: string;
  /** Path of dist/broker.js. */
  readonly program: string;
  readonly log: Log;
}

/** That, and why, the connection to the broker was lost. */
export interface BrokerLoss {
  readonly reason: string;
  readonly logFile: string;
}

/**
 * A front end's CoreApi through the broker. When the connection is lost, it returns to the broker,
 * or to a new one, and requests and follows again what it did before.
 */
export interface BrokerCore extends CoreApi {
  /** The broker, as it introduced itself at the last hello. */
  readonly broker: BrokerFacts;
  readonly isConnected: boolean;
  /** What this front end wants; after a return within the grace period, what it wanted before. */
  readonly request: ExposeRequest | undefined;
  /**
   * Why there is no broker now, after a failed attempt to start one. It is retried automatically.
   */
  readonly problem: Error | undefined;
  /**
   * Fires each time the broker ends or is lost. What was wanted is requested again automatically.
   */
  readonly onDidLose: Event<BrokerLoss>;
  /** What all front ends want exposed. */
  listRequests(signal: AbortSignal): Promise<readonly ExposeRequest[]>;
  /** Ends the broker, and with it every client's circuit, and starts another one. */
  restart(signal: AbortSignal): Promise<void>;
  /** Ends the broker and everything with it; resolves when it has ended. Starts none. */
  stop(signal: AbortSignal): Promise<void>;
  /** Leaves without a goodbye: the request stays for the grace period (a window that reloads). */
  leave(): void;
  /** Says goodbye: the request ends at once. As `dispose`, and resolves when the broker knows. */
  close(): Promise<void>;
}

/**
 * Finds the broker or starts it. Rejects with UsageError (its place is not ours alone, or it is
 * newer than we are) and with TransportError, which names its log.
 */
export async function connectBroker(
  options: ConnectBrokerOptions,
  signal: AbortSignal,
): Promise<BrokerCore> {
  const core = new ReconnectingCore(options, requiredPlace(options.env));
  try {
    await core.connect(signal, true);
    return withCoreRequests(core);
  } catch (error) {
    core.leave();
    throw error;
  }
}

/**
 * Connects to the running broker; undefined if there is none. Starts none as long as that one
 * lives. One that runs but cannot be used is reported to `onUnusable`. Rejects with UsageError if
 * another user could have put it there.
 */
export async function findBroker(
  options: ConnectBrokerOptions,
  signal: AbortSignal,
  onUnusable: (error: unknown) => void = () => undefined,
): Promise<BrokerCore | undefined> {
  const place = brokerPaths(options.env);
  if (!place) return undefined;
  checkPlace(place);
  const core = new ReconnectingCore(options, place);
  try {
    if (await core.connect(signal, false)) return withCoreRequests(core);
  } catch (error) {
    if (signal.aborted) throw error;
    options.log('info', 'session', `the background process is not used: ${messageOf(error)}`);
    onUnusable(error);
  }
  core.leave();
  return undefined;
}

/** Requests to the core go to the broker that is there at the time. */
function withCoreRequests(core: ReconnectingCore): BrokerCore {
  return Object.assign(
    core,
    coreRequests((name, params, signal) => core.ask(name, params, signal)),
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
  readonly #state = new StateMachine(CONNECTION_TRANSITIONS, 'new');
  #nextMonitorId = 0;
  #client: CoreClient | undefined;
  #facts: BrokerFacts | undefined;
  #request: ExposeRequest | undefined;
  #hasRequested = false;
  #snapshot = NOTHING;
  #problem: Error | undefined;
  /** Whether we started what we connect to. */
  #hasStarted = false;
  /** The version of the broker that we started last. */
  #startedVersion: string | undefined;

  readonly onDidChange = this.#changed.event;
  readonly onDidLose = this.#lost.event;

  constructor(options: ConnectBrokerOptions, place: BrokerPaths) {
    this.#options = options;
    this.#place = place;
    this.#clientId = options.clientId ?? randomUUID();
    setMaxListeners(0, this.#abort.signal); // one for each open request
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }
  get isConnected(): boolean {
    return this.#state.state === 'connected';
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

  /** False when there is none and none was to be started. */
  async connect(signal: AbortSignal, mayStart: boolean): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const socket = await this.#dial(signal, mayStart);
      if (!socket) return false;
      try {
        if (await this.#greet(socket, signal, mayStart)) return true;
        // An older one made room for what we start next.
      } catch (error) {
        // It was about to end; the next attempt finds the socket free, or another broker.
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
   * Whether to ask an older broker for its place. Not if we start none in its place, and not if our
   * program is as old, which would be asked again and again.
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
        if (this.#client === client && this.#state.take('lost')) this.#lose(reason);
      },
    });
    try {
      const params = { protocol: RPC_PROTOCOL, version, clientId: this.#clientId, clientName };
      const { broker, request, snapshot } = await client.hello(params, signal);
      if (this.#isReplaceable(broker, mayStart)) {
        this.#options.log(
          'info',
          'session',
          `background process ${broker.version} makes room for ${version}`,
        );
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
      if (!this.#state.take('greeted')) throw new CancelledError();
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
    this.#options.log(
      'warn',
      'session',
      `the connection to the background process is lost: ${reason}`,
    );
    this.#lost.fire({ reason, logFile });
    for (const { onUpdate } of this.#monitors.values()) {
      onUpdate({ kind: 'interrupted', problem: { code: 'broker-gone' } });
    }
    this.#changed.fire();
    void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    const { signal } = this.#abort;
    for (let failures = 0; this.#state.state === 'lost'; failures++) {
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
        end(this.#problem ?? new TransportError('the background process is not running')),
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

  /** Sent only if there is a broker; a later one gets this anyway. */
  #tell<M extends MethodName>(method: M, params: ParamsOf<M>): void {
    this.#client?.ask(method, params, this.#abort.signal).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#options.log('info', 'session', messageOf(error));
    });
  }

  async restart(signal: AbortSignal): Promise<void> {
    const former = this.#client;
    await this.ask('stop', {}, signal).catch(unlessAborted(signal));
    // The end of the broker shows as the end of the connection, which brings us to another one.
    const isLost = (): true | undefined => (this.#client === former ? undefined : true);
    await waitFor(this.#clock, isLost, LOOK_MS, signal);
    if (!this.#client) await this.#nextClient(signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    const client = this.#client;
    this.#state.take('left');
    this.#client = undefined;
    client?.dispose();
    await stopBroker(this.#place, this.#clock, signal);
  }

  leave(): void {
    this.#state.take('left');
    this.#abort.abort();
    this.#client?.dispose();
    this.#client = undefined;
    this.#changed.dispose();
    this.#lost.dispose();
    this.#connected.dispose();
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#state.take('left');
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

/** A broker that is asked to end may end before it answers; the caller waits for its end. */
function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (signal.aborted) throw error;
  };
}
