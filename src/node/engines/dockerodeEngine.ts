import type Docker from 'dockerode';
import { backoffMs } from '../../base/backoff';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { DisposableStore } from '../../base/disposable';
import { ContainerError, EngineError, isErrorCode, messageOf } from '../../base/errors';
import { EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import { isSameProblem } from '../../model/problem';
import type { EngineState } from '../../model/snapshot';
import type { ContainerAccess, Engine, PortPublishing } from '../../services/host/engine';
import { ContainerCalls } from './containerCalls';
import type { EngineApi, ExecSession, OpenContainer } from './engineApi';
import { createEngineClient } from './engineClient';
import { GuardedChildren } from './guardedChild';
import { greetEngine, type EngineIdentity } from './engineHello';
import { EngineProblemError, problemOf } from './engineProblem';
import { type EngineTarget, isOnThisMachine } from './engineTarget';
import { type Followed, followEngine } from './followEngine';
import type { EngineTransport, OpenTransport } from './engineTransport';
import { transportOpener } from './transportOpener';
import type { EngineContainer } from './containerInfo';

/** What a DockerodeEngine needs. */
export interface DockerodeEngineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openContainer: OpenContainer;
  /**
   * Called with each identity of the engine, first where it listens, then its id. False: another
   * endpoint leads to the same engine, so leave it alone for now.
   */
  readonly admit?: (identity: string) => boolean;
  /** Whether the user named this endpoint; otherwise it is one of the usual places. */
  readonly isAskedFor?: boolean;
  /**
   * Awaited before each attempt; false: no attempt now, because another endpoint serves these
   * containers.
   */
  readonly isWanted?: () => Promise<boolean>;
}

const NOTHING_HERE = { publishers: [], isMakingContainer: false } as const;
const NOTHING: Followed = { containers: [], stopped: [], ...NOTHING_HERE };
const firstRetryMs = 250;
const localRetryCapMs = 5_000;
const remoteRetryCapMs = 30_000;
const localGreetingMs = 3_000;
const remoteGreetingMs = 10_000;

/**
 * One container engine over dockerode: connects, follows its events, keeps the list of its
 * containers, and connects again automatically when the engine was away. Knows nothing of EPICS.
 */
export class DockerodeEngine implements Engine, EngineApi {
  readonly key: string;
  readonly isLocalSocket: boolean;
  readonly target: EngineTarget;
  readonly #options: DockerodeEngineOptions;
  readonly #stop = new AbortController();
  readonly #changes = new EventEmitter<void>();
  readonly #calls: ContainerCalls;
  readonly #children = new GuardedChildren();
  readonly #openTransport: OpenTransport;
  #state: EngineState;
  #followed: Followed = NOTHING;
  #docker: Docker | undefined;
  /** Ends the current connection, not the engine. */
  #connection = new AbortController();
  #hasTried = false;
  #isDuplicate = false;
  /**
   * It was late once since its last answer: on a busy machine, that alone does not make it
   * unreachable.
   */
  #wasSlow = false;
  readonly #tried = new EventEmitter<void>();

  readonly onDidChange = this.#changes.event;

  constructor(target: EngineTarget, options: DockerodeEngineOptions) {
    this.target = target;
    this.key = target.uri;
    this.isLocalSocket =
      target.kind === 'unix' || target.kind === 'npipe' || target.kind === 'podman-service';
    this.#options = options;
    this.#state = {
      key: this.key,
      kind: target.uri.includes('podman') ? 'podman' : 'docker',
      version: '',
      isRootless: false,
      status: 'connecting',
    };
    this.#calls = new ContainerCalls(() => this.#requireDocker(), options.clock);
    this.#openTransport = transportOpener(target, {
      env: options.env,
      clock: options.clock,
      log: options.log,
      children: this.#children,
      isAskedFor: options.isAskedFor ?? true,
    });
  }

  get state(): EngineState {
    return this.#state;
  }

  /**
   * As last reported: kept while the engine cannot be reached, because containers may outlive it.
   */
  get containers(): readonly EngineContainer[] {
    return this.#followed.containers;
  }

  /** As last reported, for the same reason. */
  get stoppedContainers(): readonly EngineContainer[] {
    return this.#followed.stopped;
  }

  /** As last reported, for the same reason. */
  get publishing(): PortPublishing {
    return this.#followed;
  }

  get kind(): 'docker' | 'podman' {
    return this.#state.kind === 'podman' ? 'podman' : 'docker';
  }

  get isRootless(): boolean {
    return this.#state.isRootless === true;
  }

  /** Whether another endpoint leads to the same engine; then nothing is connected here. */
  get isDuplicate(): boolean {
    return this.#isDuplicate;
  }

  /** Begins to connect; call it once. */
  start(): void {
    void this.#run();
  }

  /**
   * Resolves when the first attempt ended (the containers are listed, or the state has a problem),
   * or the engine is disposed.
   */
  ready(): Promise<void> {
    if (this.#hasTried) return Promise.resolve();
    return new Promise((resolve) => {
      const listening = this.#tried.event(() => {
        listening.dispose();
        resolve();
      });
    });
  }

  /** Leaves the engine to another endpoint that leads to it. */
  yield(): void {
    this.#connection.abort();
  }

  open(containerId: string): ContainerAccess {
    const container = this.containers.find(({ id }) => id === containerId);
    if (!container) throw new ContainerError(`${this.key} has no container ${containerId}`);
    return this.#options.openContainer(this, container);
  }

  exec(
    containerId: string,
    argv: readonly string[],
    options: { readonly user?: string; readonly signal: AbortSignal },
  ): Promise<ExecSession> {
    return this.#calls.exec(containerId, argv, options);
  }

  readLog(containerId: string, signal: AbortSignal): Promise<string> {
    return this.#calls.readLog(containerId, signal);
  }

  readFile(
    containerId: string,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return this.#calls.readFile(containerId, path, maxBytes, signal);
  }

  inspect(containerId: string, signal: AbortSignal): Promise<EngineContainer> {
    return this.#calls.inspect(containerId, signal);
  }

  dispose(): void {
    this.#stop.abort();
    this.#connection.abort();
    this.#calls.dispose();
    this.#finishAttempt();
    this.#changes.dispose();
  }

  /** Disposes, and resolves when the processes that we started for it have ended. */
  async close(): Promise<void> {
    this.dispose();
    await this.#children.close();
  }

  async #run(): Promise<void> {
    let failureCount = 0;
    while (!this.#stop.signal.aborted) {
      let retryAfterMs = 0;
      try {
        await this.#connectAndFollow(() => (failureCount = 0));
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        retryAfterMs = this.#fail(error);
      }
      const delayMs = Math.max(retryAfterMs, this.#backOffMs(failureCount++));
      // Only a stop rejects this, and then there is nothing left to do.
      await delay(this.#options.clock, delayMs, this.#stop.signal).catch(() => undefined);
    }
  }

  #backOffMs(failureCount: number): number {
    const capMs = this.isLocalSocket ? localRetryCapMs : remoteRetryCapMs;
    const fullMs = backoffMs(failureCount, firstRetryMs, capMs);
    return fullMs * (0.75 + 0.25 * Math.random());
  }

  /**
   * Never resolves, because an engine's event stream has no proper end; rejects when the connection
   * is lost.
   */
  async #connectAndFollow(onConnected: () => void): Promise<void> {
    const { clock } = this.#options;
    const store = new DisposableStore();
    this.#connection = new AbortController();
    store.add(onAbort(this.#stop.signal, () => this.#connection.abort()));
    const { signal } = this.#connection;
    let transport: EngineTransport | undefined;
    try {
      if ((await this.#options.isWanted?.()) === false) throw this.#duplicate();
      transport = store.add(await this.#openTransport(signal));
      if (transport.identity !== undefined) this.#demandAdmission(transport.identity);
      const client = store.add(createEngineClient(transport.endpoint));
      const timeoutMs = this.isLocalSocket ? localGreetingMs : remoteGreetingMs;
      const identity = await greetEngine(client.docker, this.key, timeoutMs, clock, signal);
      this.#demandAdmission(identity.id);
      const isHere = isOnThisMachine(this.target);
      const { containersFolder } = identity;
      await followEngine(
        {
          docker: client.docker,
          ...(isHere && containersFolder !== undefined && { containersFolder }),
          clock,
          log: this.#options.log,
          onChange: (followed) => {
            this.#docker = client.docker;
            onConnected();
            // An engine elsewhere publishes ports of another machine.
            this.#publish(identity, isHere ? followed : { ...followed, ...NOTHING_HERE });
          },
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) throw this.#duplicate();
      throw (await transport?.explain?.(signal).catch(() => undefined)) ?? error;
    } finally {
      this.#docker = undefined;
      store.dispose();
    }
  }

  #demandAdmission(identity: string): void {
    if (this.#options.admit?.(identity) === false) throw this.#duplicate();
  }

  #duplicate(): Error {
    return new EngineProblemError({ code: 'engine-duplicate', uri: this.key }, remoteRetryCapMs);
  }

  #publish(identity: EngineIdentity, followed: Followed): void {
    const { kind, version, isRootless } = identity;
    const state: EngineState = { key: this.key, kind, version, isRootless, status: 'connected' };
    this.#isDuplicate = false;
    this.#wasSlow = false;
    this.#update(state, followed);
    this.#finishAttempt();
  }

  /** Sets the problem in the state; returns for how many ms another attempt makes no sense. */
  #fail(error: unknown): number {
    if (isErrorCode(error, 'timeout') && !this.#wasSlow) {
      this.#wasSlow = true;
      this.#options.log('info', 'engine', `${this.key}: ${messageOf(error)}; trying again`);
      return 0;
    }
    const problem = problemOf(error, this.target);
    this.#isDuplicate = problem.code === 'engine-duplicate';
    if (!isSameProblem(this.#state.problem, problem)) {
      this.#options.log('debug', 'engine', `${this.key}: ${messageOf(error)}`);
    }
    const followed = { ...this.#followed, isMakingContainer: false };
    this.#update({ ...this.#state, status: 'unreachable', problem }, followed);
    this.#finishAttempt();
    return error instanceof EngineProblemError ? error.retryAfterMs : 0;
  }

  #update(state: EngineState, followed: Followed): void {
    const [stateBefore, followedBefore] = [this.#state, this.#followed];
    this.#state = state;
    this.#followed = followed;
    // Do not compare all others while a container is being created: it does not wait for that.
    const isChanged =
      followed.isMakingContainer !== followedBefore.isMakingContainer ||
      // Containers that were not inspected again are the same objects: one may have 65,535 ports.
      followed.publishers.length !== followedBefore.publishers.length ||
      followed.publishers.some((one, index) => one !== followedBefore.publishers[index]) ||
      JSON.stringify([state, withoutPorts(followed)]) !==
        JSON.stringify([stateBefore, withoutPorts(followedBefore)]);
    if (isChanged) this.#changes.fire();
  }

  #finishAttempt(): void {
    if (this.#hasTried) return;
    this.#hasTried = true;
    this.#tried.fire();
  }

  #requireDocker(): Docker {
    if (this.#docker) return this.#docker;
    throw new EngineError(`not connected to ${this.key} at the moment`);
  }
}

/** The part that is compared as text; published ports are among the publishers, too. */
function withoutPorts({ containers, isMakingContainer }: Followed): unknown {
  return [isMakingContainer, containers.map((info) => ({ ...info, publishedPorts: [] }))];
}
