/**
 * One listening socket of an IOC on its way to this machine: find a route on which the protocol
 * answers, learn what server it is, open the relay. Ends with the listening socket.
 */
import { backoffMs } from '../../base/backoff';
import { DisposableStore, type Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { isErrorCode, messageOf, TransportError } from '../../base/errors';
import { delay, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { mapConcurrent } from '../../base/mapConcurrent';
import type { Log } from '../../base/log';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import { loopbackHost, otherNumbers } from '../../model/loopbackPlan';
import type { PvProtocol, ServerStatus, RouteKind } from '../../model/snapshot';
import type { Note, Problem, TakenPort, TriedRoute } from '../../model/problem';
import type { CircuitInterceptor, Connection, Relay, Route } from '../host/connection';
import type { ListenerCandidate } from '../discovery/detect/candidates';
import { identifyCaServer } from '../../protocol/ca';
import { identifyServer } from '../discovery/detect/identifyServer';
import type { ServerIdentity } from '../discovery/detect/serverIdentity';
import { type LocalPorts, type OpenPortInput, ownerOf } from '../localPorts/localPorts';

/** A route that has not answered by then is given up for the next one. */
const ROUTE_TIMEOUT_MS = 3000;
/** `status` looks for relays on 127.0.0.1 to 127.0.0.N; an address without one refuses at once. */
const LOOKED_AT_ADDRESSES = 16;
const LOOKED_AT_ONCE = 8;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 5000;

export interface ServerForwarderInput {
  readonly containerKey: string;
  readonly listener: ListenerCandidate;
  /** A silent listener is asked whether it speaks CA only when the process shows signs of CA. */
  readonly mayAskCa: boolean;
  /** Under which numbers the engine publishes a TCP port of the container. */
  readonly publishedAs: (port: number) => readonly number[];
  /** Best first. */
  readonly routes: () => readonly Route[];
  readonly localPorts: LocalPorts;
  /** False for a look without relays (`status`): only what is there already is used. */
  readonly opensRelays: boolean;
  readonly dialHost: (endpoint: Endpoint, signal: AbortSignal) => Promise<Connection>;
  /** Whether the server of that protocol at `local` is this IOC; decided by comparing its PVs. */
  readonly isSameIoc: (
    protocol: PvProtocol,
    local: Endpoint,
    signal: AbortSignal,
  ) => Promise<boolean>;
  /** Follows a client's connection through a relay of that protocol. */
  readonly intercept: (protocol: PvProtocol, onAnswer: () => void) => CircuitInterceptor;
  /** Whether its container is paused now; later changes come by setPaused. */
  readonly isPaused: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export class ServerForwarder implements Disposable {
  readonly #input: ServerForwarderInput;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  #status: ServerStatus = 'identifying';
  #identity: ServerIdentity | undefined;
  #route: Route | undefined;
  /** The one that clients are told of first; then one under another number that came before it. */
  readonly #relays: Relay[] = [];
  #local: Endpoint | undefined;
  #problem: Problem | undefined;
  #notes: readonly Note[] = [];
  #isForeign = false;
  #isPaused: boolean;
  #isDue = false;
  #working: Promise<void> | undefined;

  /** Fires when anything below changed. */
  readonly onDidChange = this.#changed.event;

  constructor(input: ServerForwarderInput) {
    this.#input = input;
    this.#isPaused = input.isPaused;
  }

  get listener(): ListenerCandidate {
    return this.#input.listener;
  }
  get status(): ServerStatus {
    return this.#status;
  }
  get identity(): ServerIdentity | undefined {
    return this.#identity;
  }
  /** The protocol it speaks; until the handshake, what its port suggests. */
  get protocol(): PvProtocol | undefined {
    return this.#identity?.protocol ?? this.listener.expected;
  }
  get local(): Endpoint | undefined {
    return this.#local;
  }
  get routeKind(): RouteKind | undefined {
    return this.#route?.kind;
  }
  get problem(): Problem | undefined {
    return this.#problem;
  }
  get notes(): readonly Note[] {
    return this.#notes;
  }
  /** Then nothing of ours listens for it, though its place is kept. */
  get isPaused(): boolean {
    return this.#isPaused;
  }
  /** Whether a relay of ours answers the searches of clients there. */
  get isRelayed(): boolean {
    return this.#relays.length > 0;
  }
  /** It answered in neither protocol, and nothing says it should: no EPICS server, not shown. */
  get isForeign(): boolean {
    return this.#isForeign;
  }

  /** What clients of this machine that broadcast are told (`SearchedServer`). */
  get broadcastEndpoint(): Endpoint | undefined {
    if (this.#route?.kind === 'host-network') return undefined;
    return this.#route?.ownEndpoint(this.listener.endpoint) ?? this.#local;
  }

  /** Takes a sign that tells more about a CA server: the port in its search replies. */
  observeSearchPort(searchPort: number): void {
    const known = this.#identity;
    if (!known?.caObservations) return;
    const caObservations = { ...known.caObservations, searchPort };
    const implementation = identifyCaServer(caObservations);
    this.#identity = { ...known, caObservations, implementation };
    if (implementation !== known.implementation) this.#changed.fire();
  }

  /** Connects to the server inside, without the relay. */
  dialInside(signal: AbortSignal): Promise<Connection> {
    if (!this.#route) return Promise.reject(new Error('no route has been proved yet'));
    return this.#route.dial(this.listener.endpoint, signal);
  }

  /** Connects as clients on this machine do; where nothing is relayed (a mere look), inside. */
  dialAsClient(signal: AbortSignal): Promise<Connection> {
    // There is no relay then, and perhaps who stands in for it.
    if (this.#isPaused) return Promise.reject(new TransportError('its container is paused'));
    return this.#local ? this.#input.dialHost(this.#local, signal) : this.dialInside(signal);
  }

  /**
   * Works until exposed; a failure is shown and tried again for as long as the socket listens,
   * because a taken port may become free and a hanging IOC may recover. Never rejects.
   */
  start(): Promise<void> {
    this.#isDue = true;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
    return this.#working;
  }

  /** Asked for again while it works, it begins anew. */
  async #work(): Promise<void> {
    for (let attempt = 0; this.#isDue && !this.#store.isDisposed; attempt++) {
      this.#isDue = false;
      await this.#attempt();
      if (this.#status !== 'failed' || this.#isPaused) continue;
      this.#isDue = true;
      const pauseMs = backoffMs(attempt, RETRY_FIRST_MS, RETRY_MAX_MS);
      await delay(this.#input.clock, pauseMs, this.#abort.signal).catch(() => undefined);
    }
  }

  /** Looks again at a server that somebody else forwarded: that forwarder may have gone. */
  recheckShared(): void {
    if (this.#status !== 'shared') return;
    this.#status = 'identifying';
    void this.start();
  }

  /**
   * A paused server would take connections and never answer: new ones are refused until it goes on,
   * and those that are open wait.
   */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#closeRelays();
    else if (this.#status !== 'shared') void this.start();
  }

  #closeRelays(): void {
    for (const relay of this.#relays.splice(0)) this.#input.localPorts.close(relay);
  }

  async #attempt(): Promise<void> {
    if (this.isRelayed) return;
    if (this.#isPaused) {
      this.#status = 'failed';
      this.#problem = PAUSED;
      this.#changed.fire();
      return;
    }
    try {
      if (await this.#identify()) await this.#expose();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#fail({ code: 'internal', detail: messageOf(error) });
    }
    if (!this.#store.isDisposed) this.#changed.fire();
  }

  async #identify(): Promise<boolean> {
    const { endpoint, expected } = this.listener;
    const tried: TriedRoute[] = [];
    let wasConnected = false;
    let isNeither = false;
    /** Which did not answer in time: on a busy machine that is no reason to take a slower one. */
    const late: Route[] = [];
    const ask = (route: Route): Promise<ServerIdentity | undefined> =>
      this.#askBy(route, () => {
        wasConnected ||= route.kind === 'entered' || route.kind.startsWith('exec');
      });
    for (const route of this.#input.routes()) {
      try {
        const identity = await ask(route);
        if (identity) {
          const better = await this.#firstThatAnswers(late, ask);
          this.#take(better?.route ?? route, better?.identity ?? identity);
          return true;
        }
        isNeither = true;
        tried.push({ route: route.label });
      } catch (error) {
        if (this.#abort.signal.aborted) return false;
        if (isErrorCode(error, 'timeout')) late.push(route);
        tried.push({ route: route.label, detail: messageOf(error) });
      }
      const { detail = 'neither CA nor PVA' } = tried.at(-1) ?? {};
      this.#input.log('debug', 'detect', `${formatEndpoint(endpoint)}: ${route.label}: ${detail}`);
    }
    if (!expected) {
      // Who has answered in neither protocol is left alone from now on; who was not reached may be
      // reached when this machine has descriptors again.
      this.#isForeign = true;
      this.#status = isNeither ? 'identifying' : 'failed';
      return false;
    }
    const { port } = endpoint;
    this.#fail(
      wasConnected
        ? { code: 'no-handshake', port, protocol: expected }
        : { code: 'no-way-in', port, tried },
    );
    return false;
  }

  /** `onConnected` is called when the route has led to somebody. */
  #askBy(route: Route, onConnected: () => void): Promise<ServerIdentity | undefined> {
    const { endpoint, expected } = this.listener;
    const { clock, mayAskCa } = this.#input;
    return withDeadline(
      clock,
      ROUTE_TIMEOUT_MS,
      `no answer within ${ROUTE_TIMEOUT_MS / 1000} s`,
      this.#abort.signal,
      async (signal) => {
        const connection = await route.dial(endpoint, signal);
        onConnected();
        return identifyServer(connection, {
          ...(expected && { expected }),
          mayAskCa,
          clock,
          signal,
        });
      },
    );
  }

  /** Of routes that were too slow before, one that answers now. */
  async #firstThatAnswers(
    routes: readonly Route[],
    ask: (route: Route) => Promise<ServerIdentity | undefined>,
  ): Promise<{ route: Route; identity: ServerIdentity } | undefined> {
    for (const route of routes) {
      const identity = await ask(route).catch(() => undefined);
      if (identity) return { route, identity };
    }
    return undefined;
  }

  #take(route: Route, identity: ServerIdentity): void {
    const searchPort = this.#identity?.caObservations?.searchPort;
    this.#identity = identity;
    this.#isForeign = false;
    if (searchPort !== undefined) this.observeSearchPort(searchPort);
    this.#route = route;
    const where = formatEndpoint(this.listener.endpoint);
    this.#input.log('info', 'detect', `${where}: ${identity.implementation} by ${route.label}`);
    this.#changed.fire();
  }

  async #expose(): Promise<void> {
    const route = this.#route;
    if (!route) return;
    const { endpoint } = this.listener;
    const direct = route.directEndpoint(endpoint);
    if (direct) {
      this.#succeed('exposed', direct);
      return;
    }
    if (!this.#input.opensRelays) {
      await this.#lookWithoutRelay(endpoint);
      return;
    }
    const protocol = this.#identity?.protocol;
    const input: OpenPortInput = {
      containerKey: this.#input.containerKey,
      route,
      target: endpoint,
      ...(protocol && { intercept: (onAnswer) => this.#input.intercept(protocol, onAnswer) }),
      onMustMove: (relay) => this.#move(relay, input),
      isSameServer: (local) => this.#isThisServer(local),
      signal: this.#abort.signal,
    };
    const opened = await this.#input.localPorts.open(input);
    if (opened.kind === 'taken') {
      this.#fail({ code: 'port-taken', port: endpoint.port, taken: opened.taken });
      return;
    }
    if (opened.kind === 'shared') {
      this.#succeed('shared', opened.local);
      const { local, holder } = opened;
      const owner = holder?.process && ownerOf(holder);
      this.#notes = [{ code: 'forwarded', local, ...(owner && { owner }) }];
      return;
    }
    const { relay, skipped } = opened;
    if (!this.#takeRelay(relay, skipped)) return;
    if (relay.local.port !== endpoint.port) void this.#awaitOwnNumber(relay, input);
  }

  /** Its port belongs to somebody else now: its connections go on, new ones find another port. */
  #move(relay: Relay, input: OpenPortInput): void {
    const at = this.#relays.indexOf(relay);
    if (at < 0) return;
    this.#relays.splice(at, 1);
    this.#input.localPorts.close(relay);
    const [left] = this.#relays;
    this.#local = left?.local;
    if (left) {
      const isOwn = left.local.port === this.listener.endpoint.port;
      if (!isOwn) void this.#awaitOwnNumber(left, input, 0);
    } else {
      this.#status = 'identifying';
      void this.start();
    }
    this.#changed.fire();
  }

  /** False when it came too late. */
  #takeRelay(relay: Relay, skipped: readonly TakenPort[]): boolean {
    if (this.#store.isDisposed || this.#isPaused) {
      this.#input.localPorts.close(relay);
      return false;
    }
    this.#relays.unshift(relay);
    this.#succeed('exposed', relay.local);
    this.#tellSkipped(relay, skipped);
    void this.#watchSkipped(relay, skipped);
    this.#store.add(
      relay.onDidEnd((error) => {
        if (!error) return;
        this.#closeRelays();
        this.#local = undefined;
        this.#fail({ code: 'relay-ended', endpoint: relay.local, detail: messageOf(error) });
        this.#changed.fire();
        void this.start();
      }),
    );
    return true;
  }

  #tellSkipped({ local }: Relay, skipped: readonly TakenPort[]): void {
    const { port } = this.listener.endpoint;
    this.#notes = [
      ...skippedNotes(skipped, local, port),
      ...publishedNotes(this.#input.publishedAs(port), local, port),
    ];
  }

  /** Who had the places before this one may go: then that is not said any more. */
  async #watchSkipped(relay: Relay, first: readonly TakenPort[]): Promise<void> {
    const { clock, localPorts } = this.#input;
    let skipped: readonly TakenPort[] = first.filter(hasOwner);
    try {
      while (skipped.length > 0) {
        await delay(clock, RETRY_MAX_MS, this.#abort.signal);
        const still = await localPorts.stillTaken(skipped);
        if (this.#relays[0] !== relay) return;
        const isSame = JSON.stringify(still) === JSON.stringify(skipped);
        skipped = still;
        if (isSame) continue;
        this.#tellSkipped(relay, skipped);
        this.#changed.fire();
      }
    } catch {
      // The server is gone.
    }
  }

  /** Whoever has it may go; the other number stays too, for the clients that know it. */
  async #awaitOwnNumber(
    other: Relay,
    input: OpenPortInput,
    firstDelayMs = RETRY_MAX_MS,
  ): Promise<void> {
    const { clock, localPorts } = this.#input;
    try {
      for (let delayMs = firstDelayMs; this.#relays[0] === other; delayMs = RETRY_MAX_MS) {
        await delay(clock, delayMs, this.#abort.signal);
        if (this.#relays[0] !== other) return;
        const opened = await localPorts.openOwn(input);
        if (!opened) continue;
        if (this.#takeRelay(opened.relay, opened.skipped)) this.#changed.fire();
        return;
      }
    } catch {
      // The server is gone, or its route.
    }
  }

  /** Finds the relay that another epics-expose holds, on whichever loopback address. */
  async #lookWithoutRelay(endpoint: Endpoint): Promise<void> {
    const locals = [
      ...Array.from({ length: LOOKED_AT_ADDRESSES }, (_, index) => ({
        host: loopbackHost(index + 1),
        port: endpoint.port,
      })),
      ...otherNumbers(endpoint.port).map((port) => ({ host: loopbackHost(1), port })),
    ];
    // Several at once: a stranger who takes connections and says nothing costs each its deadline.
    const isThis = await mapConcurrent(LOOKED_AT_ONCE, locals, async (local) => {
      const holder = await this.#input.localPorts.findHolder(local);
      return holder?.isForeign !== true && this.#isThisServer(local);
    });
    const local = locals.find((_, index) => isThis[index]);
    if (local) {
      this.#succeed('shared', local);
      return;
    }
    this.#fail({ code: 'not-relayed', port: endpoint.port });
  }

  /** Whether what answers at an address of this machine is this very server. */
  async #isThisServer(local: Endpoint): Promise<boolean> {
    const mine = this.#identity;
    if (!mine) return false;
    try {
      return await withDeadline(
        this.#input.clock,
        ROUTE_TIMEOUT_MS,
        'no answer',
        this.#abort.signal,
        async (signal) => {
          const connection = await this.#input.dialHost(local, signal);
          const other = await identifyServer(connection, {
            expected: mine.protocol,
            mayAskCa: mine.protocol === 'ca',
            clock: this.#input.clock,
            signal,
          });
          if (other?.protocol !== mine.protocol) return false;
          if (mine.guid !== undefined || other.guid !== undefined) return mine.guid === other.guid;
          return this.#input.isSameIoc(mine.protocol, local, signal);
        },
      );
    } catch {
      // Nobody there, or not in our protocol: not this server.
      return false;
    }
  }

  #succeed(status: 'exposed' | 'shared', local: Endpoint): void {
    this.#status = status;
    this.#local = local;
    this.#problem = undefined;
  }

  #fail(problem: Problem): void {
    this.#status = 'failed';
    this.#problem = problem;
  }

  /** Ends everything; the last state stays readable. */
  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#abort.abort();
    this.#closeRelays();
    this.#local = undefined;
    this.#status = 'gone';
    this.#problem = { code: 'ioc-gone', port: this.listener.endpoint.port };
    this.#store.dispose();
  }
}

/** Of a server whose container is paused, whatever was wrong with it before. */
export const PAUSED: Problem = { code: 'container-paused' };

/** What people expect of a published port, and why it is relayed all the same. */
function publishedNotes(hostPorts: readonly number[], local: Endpoint, port: number): Note[] {
  if (hostPorts.length === 0 || hostPorts.includes(port)) return [];
  return [{ code: 'published-elsewhere', port, hostPorts, local }];
}

/** Why it is not at its place, if it is not. */
function skippedNotes(skipped: readonly TakenPort[], local: Endpoint, port: number): Note[] {
  const taken = skipped.filter(hasOwner);
  if (local.port !== port) return [{ code: 'other-number', port, local, taken }];
  return taken.length > 0 ? [{ code: 'port-skipped', local, taken }] : [];
}

/** Whether it is known whose it is: then that one may go. */
function hasOwner({ refusal }: TakenPort): boolean {
  const { why } = refusal;
  return why === 'published' || why === 'system' || (why === 'held' && refusal.owner !== undefined);
}
