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
  LiveUpdate,
  PvAddress,
  PvFollower,
  PvUpdate,
  ExposeRequest,
} from '../../model/coreApi';
import type { PlotRequest, PlotUpdate } from '../../model/plotValue';
import type { Snapshot } from '../../model/snapshot';
import { CoreClient } from '../../rpc/coreClient';
import { type Problem, ProblemError } from '../../model/problem';
import { type BrokerFacts, RPC_PROTOCOL } from '../../rpc/messages';
import { coreRequests, type MethodName, type ParamsOf, type ResultOf } from '../../rpc/methods';
import { systemClock } from '../systemClock';
import { brokerPaths, type BrokerPaths, checkPlace, type Environment } from './brokerPaths';
import { isOlder } from './brokerVersion';
import { dialBroker, isSilence, silence } from './dialBroker';
import { endSilent } from './endSilent';
import { silentBroker } from './findSilent';
import { watchPulse } from './pulse';
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
  /** How long a broker is waited for that accepts and says nothing; default as the RPC's. */
  readonly helloMs?: number;
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
   * Why there is no broker now, after a failed attempt to start one, which is retried automatically;
   * or that it does not answer, while it is connected.
   */
  readonly problem: Error | undefined;
  /**
   * Fires each time the broker ends or is lost. What was wanted is requested again automatically.
   */
  readonly onDidLose: Event<BrokerLoss>;
  /** What all front ends want exposed. */
  listRequests(signal: AbortSignal): Promise<readonly ExposeRequest[]>;
  /**
   * Ends the broker, and with it every client's circuit, and starts another one. A broker that does
   * not answer is killed.
   */
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

interface Follower {
  readonly pvs: Map<number, PvAddress>;
  readonly onUpdates: (updates: readonly LiveUpdate[]) => void;
}

interface Plot {
  readonly request: PlotRequest;
  readonly onUpdate: (update: PlotUpdate) => void;
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
  readonly #followers = new Map<number, Follower>();
  /** Under numbers that no monitor has. */
  readonly #plots = new Map<number, Plot>();
  readonly #state = new StateMachine(CONNECTION_TRANSITIONS, 'new');
  #nextMonitorId = 0;
  #nextFollowerId = 0;
  #client: CoreClient | undefined;
  /** Has answered our hello, and is being told what is followed. */
  #greeted: CoreClient | undefined;
  #facts: BrokerFacts | undefined;
  #request: ExposeRequest | undefined;
  #hasRequested = false;
  #snapshot = NOTHING;
  #problem: Error | undefined;
  #pulse: Disposable | undefined;
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
      onFollowed: (id, updates) => this.#tellFollower(id, updates),
      onPlot: (id, update) => this.#plots.get(id)?.onUpdate(update),
      onEnd: (reason) => {
        if (this.#client === client && this.#state.take('lost')) this.#lose(reason);
      },
    });
    try {
      const params = { protocol: RPC_PROTOCOL, version, clientId: this.#clientId, clientName };
      const { broker, request, snapshot } = await client
        .hello(params, signal, this.#options.helloMs)
        .catch((error: unknown) => this.#failHello(error));
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
      await this.#followAgain(client, signal);
      if (!this.#state.take('greeted')) throw new CancelledError();
    } catch (error) {
      client.dispose();
      throw error;
    } finally {
      this.#greeted = undefined;
    }
    this.#client = client;
    this.#problem = undefined;
    this.#pulse = watchPulse({
      ask: () => client.ask('listRequests', {}, this.#abort.signal),
      onChange: (isSilent) => this.#tellSilence(client, isSilent),
      clock: this.#clock,
    });
    this.#connected.fire();
    this.#changed.fire();
    return true;
  }

  /** @throws ProblemError of a broker that accepts and says nothing, or the error itself */
  #failHello(cause: unknown): never {
    if (!isErrorCode(cause, 'timeout')) throw cause;
    throw silence(this.#place, cause);
  }

  /** All of it is sent in one turn; what changes from then on is told to this client, too. */
  async #followAgain(client: CoreClient, signal: AbortSignal): Promise<void> {
    this.#greeted = client;
    await Promise.all([
      ...[...this.#monitors].map(([monitorId, { address }]) =>
        client.ask('startMonitor', { monitorId, ...address }, signal),
      ),
      ...[...this.#plots].map(([monitorId, { request }]) =>
        client.ask('startPlot', { monitorId, ...request }, signal),
      ),
      ...[...this.#followers].map(([followerId, { pvs }]) => {
        const add = [...pvs].map(([id, address]) => ({ id, ...address }));
        return client.ask('changeFollowed', { followerId, add, remove: [] }, signal);
      }),
    ]);
  }

  /** What was followed is followed anew, because what is as before would not be told again. */
  #tellSilence(client: CoreClient, isSilent: boolean): void {
    const problem: Problem = { code: 'broker-silent', ...silentBroker(this.broker.pid) };
    this.#problem = isSilent ? new ProblemError('transport', problem) : undefined;
    this.#options.log(
      'warn',
      'session',
      `the background process ${isSilent ? 'does not answer' : 'answers again'}`,
    );
    if (isSilent) this.#interrupt(problem);
    else {
      for (const monitorId of [...this.#monitors.keys(), ...this.#plots.keys()]) {
        this.#tell('stopMonitor', { monitorId });
      }
      for (const followerId of this.#followers.keys()) this.#tell('endFollower', { followerId });
      this.#followAgain(client, this.#abort.signal).catch((error: unknown) => {
        if (!this.#abort.signal.aborted) this.#options.log('info', 'session', messageOf(error));
      });
    }
    this.#changed.fire();
  }

  #interrupt(problem: Problem): void {
    for (const { onUpdate } of [...this.#monitors.values(), ...this.#plots.values()]) {
      onUpdate({ kind: 'interrupted', problem });
    }
    for (const { pvs, onUpdates } of this.#followers.values()) {
      onUpdates([...pvs.keys()].map((id) => ({ id, problem })));
    }
  }

  /** Whether it is connected and does not answer. */
  get #isSilent(): boolean {
    return isSilence(this.#problem);
  }

  #endPulse(): void {
    this.#pulse?.dispose();
    // One that is gone is no longer silent.
    if (this.#isSilent) this.#problem = undefined;
  }

  #lose(reason: string): void {
    this.#endPulse();
    this.#client = undefined;
    this.#snapshot = NOTHING;
    const { logFile } = this.#place;
    this.#options.log(
      'warn',
      'session',
      `the connection to the background process is lost: ${reason}`,
    );
    this.#lost.fire({ reason, logFile });
    this.#interrupt({ code: 'broker-gone' });
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

  followPvs(onUpdates: (updates: readonly LiveUpdate[]) => void): PvFollower {
    const followerId = this.#nextFollowerId++;
    const pvs = new Map<number, PvAddress>();
    this.#followers.set(followerId, { pvs, onUpdates });
    return {
      change: (change) => {
        if (!this.#followers.has(followerId)) return;
        for (const id of change.remove) pvs.delete(id);
        for (const { id, name, protocol } of change.add) pvs.set(id, { name, protocol });
        this.#tell('changeFollowed', { followerId, ...change });
      },
      dispose: () => {
        this.#followers.delete(followerId);
        this.#tell('endFollower', { followerId });
      },
    };
  }

  #tellFollower(followerId: number, updates: readonly LiveUpdate[]): void {
    const follower = this.#followers.get(followerId);
    // What comes for a PV that was left meanwhile is dropped.
    const news = updates.filter(({ id }) => follower?.pvs.has(id));
    if (news.length > 0) follower?.onUpdates(news);
  }

  plotPv(request: PlotRequest, onUpdate: (update: PlotUpdate) => void): Disposable {
    const monitorId = this.#nextMonitorId++;
    this.#plots.set(monitorId, { request, onUpdate });
    this.#tell('startPlot', { monitorId, ...request });
    return toDisposable(() => {
      this.#plots.delete(monitorId);
      this.#tell('stopMonitor', { monitorId });
    });
  }

  /** Sent only if there is a broker; a later one gets this anyway. */
  #tell<M extends MethodName>(method: M, params: ParamsOf<M>): void {
    const client = this.#client ?? this.#greeted;
    client?.ask(method, params, this.#abort.signal).catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.#options.log('info', 'session', messageOf(error));
    });
  }

  async restart(signal: AbortSignal): Promise<void> {
    const former = this.#client;
    if (this.#isSilent) endSilent(this.#place);
    else await this.ask('stop', {}, signal).catch(unlessAborted(signal));
    // The end of the broker shows as the end of the connection, which brings us to another one.
    const isLost = (): true | undefined => (this.#client === former ? undefined : true);
    await waitFor(this.#clock, isLost, LOOK_MS, signal);
    if (!this.#client) await this.#nextClient(signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    const client = this.#client;
    this.#endPulse();
    this.#state.take('left');
    this.#client = undefined;
    client?.dispose();
    await stopBroker(this.#place, this.#clock, signal);
  }

  leave(): void {
    this.#endPulse();
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
    this.#endPulse();
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
