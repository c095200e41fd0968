import type { Turn } from '../../base/limit';
import { backoffMs } from '../../base/backoff';
import { DisposableStore, type Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import { isErrorCode, messageOf, TransportError } from '../../base/errors';
import { StateMachine } from '../../base/stateMachine';
import { delay, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { mapConcurrent } from '../../base/mapConcurrent';
import type { Log } from '../../base/log';
import type { ToldAddress } from '../../model/coreApi';
import { type Endpoint, formatEndpoint, isSameEndpoint } from '../../model/endpoint';
import { loopbackHost, otherNumbers } from '../../model/loopbackPlan';
import type { PvProtocol, ServerStatus, RouteKind } from '../../model/snapshot';
import type { Note } from '../../model/note';
import { isSameProblem, type Problem, type TriedRoute } from '../../model/problem';
import type { CircuitSearches, Connection, Route } from '../host/connection';
import { mayBeSame } from '../host/portHolder';
import type { ListenerCandidate } from '../discovery/detect/candidates';
import { identifyCaServer } from '../../protocol/ca';
import { identifyServer } from '../discovery/detect/identifyServer';
import type { ServerIdentity } from '../discovery/detect/serverIdentity';
import type { LocalPorts } from '../localPorts/localPorts';
import { askRoutes, type RouteOutcome } from './askRoutes';
import { OwnAddress } from './ownAddress';
import { publishedNotes, ServerRelay } from './serverRelay';
import { SERVER_STATUS, SERVER_TRANSITIONS } from './serverStates';

/** A route that has not answered by then is given up for the next one, ms. */
const ROUTE_TIMEOUT_MS = 3000;
/** A route that has not answered by then is tried on, beside the next one. */
const NEXT_ROUTE_MS = 500;
/** `status` looks for relays on 127.0.0.1 to 127.0.0.N; an address without one refuses at once. */
const LOOKED_AT_ADDRESSES = 16;
const LOOKED_AT_ONCE = 8;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 5000;
const REROUTE_AFTER_MS = 1000;

/** What a ServerForwarder needs. */
export interface ServerForwarderInput {
  readonly containerKey: string;
  readonly listener: ListenerCandidate;
  /** Whether to ask a silent listener for CA: only if the process shows signs of CA. */
  readonly mayAskCa: boolean;
  /** Where on this machine the engine publishes a TCP port of the container. */
  readonly publishedAs: (port: number) => readonly Endpoint[];
  /** The routes into the container, best first. */
  readonly routes: () => readonly Route[];
  readonly localPorts: LocalPorts;
  /** As in AskRoutesInput. */
  readonly turns: Turn;
  /** False for `status`: no relays are opened, only what is there already is used. */
  readonly opensRelays: boolean;
  readonly dialHost: (endpoint: Endpoint, signal: AbortSignal) => Promise<Connection>;
  /** Whether the server of that protocol at `local` is this IOC; decided by comparing its PVs. */
  readonly isSameIoc: (
    protocol: PvProtocol,
    local: Endpoint,
    signal: AbortSignal,
  ) => Promise<boolean>;
  /** Which address clients that search are told. */
  readonly answers: () => ToldAddress;
  /** How searches through a relay of that protocol are answered. */
  readonly searches: (protocol: PvProtocol) => CircuitSearches;
  /** Why it stands still now, see `halted`; later changes arrive by setHalted. */
  readonly halted: Problem | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A route on which a server answered. */
interface AnsweredRoute {
  readonly route: Route;
  readonly identity: ServerIdentity;
}

/**
 * Brings one listening socket of an IOC to this machine: finds a route on which the protocol
 * answers, identifies the server, and opens the relay. Ends with the listening socket.
 */
export class ServerForwarder implements Disposable {
  readonly #input: ServerForwarderInput;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #state = new StateMachine(SERVER_TRANSITIONS, 'identifying');
  readonly #relay: ServerRelay;
  readonly #own: OwnAddress;
  #identity: ServerIdentity | undefined;
  #route: Route | undefined;
  /** The address in the container to which that route led. */
  #routedTo: Endpoint | undefined;
  #problem: Problem | undefined;
  #halted: Problem | undefined;
  #rerouting: Promise<void> | undefined;
  /** A route that leads there, to begin with. */
  #better: AnsweredRoute | undefined;
  #isDue = false;
  #wasLostInside = false;
  #working: Promise<void> | undefined;

  /** Fires when any property below changed. */
  readonly onDidChange = this.#changed.event;

  constructor(input: ServerForwarderInput) {
    this.#input = input;
    this.#halted = input.halted;
    const { containerKey, publishedAs, localPorts, clock } = input;
    this.#relay = new ServerRelay({
      ...{ containerKey, publishedAs, localPorts, clock, signal: this.#abort.signal },
      target: input.listener.endpoint,
      isSameServer: async (local) => (await this.#compare(local)) === 'yes',
      isWanted: () => !this.#halted,
      onDidChange: () => this.#changed.fire(),
      onDidLose: (endpoint, error) => this.#lose(endpoint, error),
      onForwarderGone: () => this.recheck(false),
    });
    this.#own = new OwnAddress({
      ...{ target: input.listener.endpoint, routes: input.routes, clock },
      // Clients that use a port of this machine by themselves, such as a published one, stay there.
      identity: () =>
        this.#halted || this.#route?.directEndpoint(input.listener.endpoint)
          ? undefined
          : this.#identity,
      ask: (route) => this.#askBy(route, () => undefined),
      onDidChange: () => this.#changed.fire(),
    });
  }

  get listener(): ListenerCandidate {
    return this.#input.listener;
  }
  get status(): ServerStatus {
    return SERVER_STATUS[this.#state.state];
  }
  get identity(): ServerIdentity | undefined {
    return this.#identity;
  }
  /** The protocol it speaks; until the handshake, what its port suggests. */
  get protocol(): PvProtocol | undefined {
    return this.#identity?.protocol ?? this.listener.expected;
  }
  /** Where clients of this machine reach it by a port of this machine. */
  get local(): Endpoint | undefined {
    return this.#relay.local;
  }
  get routeKind(): RouteKind | undefined {
    return this.#route?.kind;
  }
  get problem(): Problem | undefined {
    return this.#problem;
  }
  get notes(): readonly Note[] {
    const { listener, publishedAs } = this.#input;
    if (this.#relay.notes.length > 0 || this.local) return this.#relay.notes;
    // In a look nothing is relayed.
    return publishedNotes(publishedAs(listener.endpoint.port), undefined, listener.endpoint);
  }
  /**
   * Why it stands still, such as its container is paused: then nothing of ours listens for it, but
   * its place is kept. It hides any other problem.
   */
  get halted(): Problem | undefined {
    return this.#halted;
  }
  /** Whether a relay of ours answers the searches of clients there. */
  get isRelayed(): boolean {
    return this.#relay.isOpen;
  }
  /** Whether nothing indicates that it is an EPICS server; then it is not shown. */
  get isForeign(): boolean {
    return this.#state.state === 'foreign' || this.#state.state === 'unreached';
  }

  /**
   * The address in the container to which clients that search are sent, if not to `local`. Not while
   * another program forwards it: our own circuit has to show when that one ends.
   */
  get direct(): Endpoint | undefined {
    const isTold = this.#input.answers() === 'direct' && this.#state.state !== 'shared';
    return isTold ? this.#own.endpoint : undefined;
  }

  /** The answer for clients of this machine that broadcast, see `SearchedServer`. */
  get broadcastEndpoint(): Endpoint | undefined {
    if (this.#route?.kind === 'host-network') return undefined;
    return this.#own.endpoint ?? this.local;
  }

  /** Notes the port in a CA server's search replies, which helps to identify it. */
  observeSearchPort(searchPort: number): void {
    const known = this.#identity;
    if (!known?.caObservations) return;
    const caObservations = { ...known.caObservations, searchPort };
    const implementation = identifyCaServer(caObservations);
    this.#identity = { ...known, caObservations, implementation };
    if (implementation !== known.implementation) this.#changed.fire();
  }

  /** Why a circuit ended that went as those of clients do, if that was before it reached the server. */
  get whyClosed(): string | undefined {
    const { failure } = this.#relay;
    return failure && !this.direct ? `its relay cannot connect: ${messageOf(failure)}` : undefined;
  }

  /** Connects to the server in the container, without the relay. */
  dialInside(signal: AbortSignal): Promise<Connection> {
    if (!this.#route) return Promise.reject(new Error('no route has been proved yet'));
    return this.#route.dial(this.listener.endpoint, signal);
  }

  /**
   * Connects as clients on this machine do or, if nothing is relayed (`status`), in the container.
   */
  async dialAsClient(signal: AbortSignal): Promise<Connection> {
    // There is no relay then, and another program may have its port.
    if (this.#halted) throw new TransportError(haltReason(this.#halted));
    const proof = this.#own.find();
    // An address that did not lead there, so that there is another route, may take seconds to fail.
    if (this.#route?.kind === 'address' || this.#route?.kind === 'published') await proof;
    const { direct } = this;
    if (direct) {
      try {
        return await this.#own.dial(signal);
      } catch (error) {
        this.#own.reject();
        if (signal.aborted) throw error;
      }
    }
    return this.local ? this.#input.dialHost(this.local, signal) : this.dialInside(signal);
  }

  /**
   * Tries until the server is exposed. A failure is shown, and tried again for as long as the
   * socket listens, because a taken port may become free and a hanging IOC may recover. Never
   * rejects.
   */
  start(): Promise<void> {
    this.#isDue = true;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
    return this.#working;
  }

  /** If `start` is called again in the meantime, it starts over. */
  async #work(): Promise<void> {
    for (let attempt = 0; this.#isDue && !this.#store.isDisposed; attempt++) {
      this.#isDue = false;
      await this.#attempt();
      if (this.status !== 'failed' || this.#halted) continue;
      this.#isDue = true;
      const pauseMs = backoffMs(attempt, RETRY_FIRST_MS, RETRY_MAX_MS);
      await delay(this.#input.clock, pauseMs, this.#abort.signal).catch(() => undefined);
    }
  }

  /**
   * A circuit to it has ended: the program that forwards it may have gone, or its own address, if
   * the circuit was `isDirect`, leads there no more.
   */
  recheck(isDirect: boolean): void {
    if (isDirect) this.#own.withdraw();
    if (this.#state.take('unsure')) void this.start();
    else this.noteFailure();
  }

  /**
   * No circuit to it could be had: a VPN or a packet filter may have taken the container's address, by
   * which its relay goes, too.
   */
  noteFailure(): void {
    const route = this.#route;
    if (route?.kind !== 'address') return;
    this.#rerouting ??= this.#reroute(route).finally(() => (this.#rerouting = undefined));
  }

  /**
   * Asks all routes once. Where not the former one answers but another, that is taken: of a server that
   * hangs, nobody's circuit is ended. Never rejects.
   */
  async #reroute(former: Route): Promise<void> {
    const isTaken = (): boolean => this.#route === former && this.isRelayed;
    try {
      // Of a server that has ended, that is known by then.
      await delay(this.#input.clock, REROUTE_AFTER_MS, this.#abort.signal);
      const best = isTaken() ? (await this.#findRoute()).best : undefined;
      if (best && best.route !== former && isTaken()) this.#move(best);
    } catch {
      // The server is gone.
    }
  }

  /** Begins anew, by a route that is known to lead there if there is one. */
  #move(better?: AnsweredRoute): void {
    this.#better = better;
    this.#routedTo = undefined;
    this.#own.withdraw();
    // What was connected there waits in vain; clients connect again at once.
    this.#relay.reset();
    if (this.#state.take('moved')) void this.start();
    this.#changed.fire();
  }

  /**
   * Its engine has reported changes, `ofContainer`: of its container. If that does not have the
   * address any more, the server is sought anew. Returns whether that is so.
   */
  noteNetwork(ofContainer: boolean): boolean {
    const former = this.#routedTo;
    // It may have others beside.
    const now = former && this.#route?.ownEndpoint(former);
    if (!former || (now && isSameEndpoint(former, now))) {
      if (ofContainer) this.#own.retry();
      this.#relay.dropStale();
      return false;
    }
    this.#move();
    return true;
  }

  /**
   * A server that stands still would accept connections and never answer: new ones are refused until
   * it goes on, and open ones wait.
   */
  setHalted(halted: Problem | undefined): void {
    if (isSameProblem(halted, this.#halted)) return;
    this.#halted = halted;
    if (halted) {
      this.#own.withdraw();
      this.#relay.closeRelays();
    } else if (this.status !== 'shared') void this.start();
  }

  async #attempt(): Promise<void> {
    if (this.isRelayed) return;
    if (this.#halted) {
      this.#fail(this.#halted);
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
    const known = this.#better;
    this.#better = undefined;
    const { outcomes, best } = known ? { outcomes: [], best: known } : await this.#findRoute();
    if (this.#abort.signal.aborted) return false;
    if (best) {
      this.#take(best.route, best.identity);
      return true;
    }
    const { expected } = this.listener;
    if (!expected) {
      // A server that answered in neither protocol is left alone from now on. One that was not
      // reached may be reached when this machine has descriptors again.
      // What has answered before is tried again.
      const isNeither = outcomes.some(({ detail }) => detail === undefined);
      this.#state.take(isNeither && !this.#identity ? 'neither' : 'unreached');
      return false;
    }
    this.#fail(this.#whyNoAnswer(outcomes, expected));
    return false;
  }

  /** The best route by which a server answers, and what came of all that were asked. */
  async #findRoute(): Promise<{ outcomes: readonly RouteOutcome[]; best?: AnsweredRoute }> {
    const { endpoint, expected } = this.listener;
    const { turns, clock, log } = this.#input;
    const outcomes = await askRoutes(this.#input.routes(), {
      ask: (route, onConnected) => this.#askBy(route, onConnected),
      // A program that may be any other is not asked twice at once.
      ...(expected && { nextAfterMs: NEXT_ROUTE_MS }),
      onOutcome: ({ route, identity, detail }) => {
        if (identity) return;
        if (route.kind === 'address' && detail !== undefined) this.#own.reject();
        const why = detail ?? 'neither CA nor PVA';
        log('debug', 'detect', `${formatEndpoint(endpoint)}: ${route.label}: ${why}`);
      },
      ...{ turns, clock, signal: this.#abort.signal },
    });
    const answered = outcomes.find(({ identity }) => identity !== undefined);
    if (!answered?.identity || this.#abort.signal.aborted) return { outcomes };
    // On a busy machine, late is no reason to take a slower route.
    const late = outcomes.slice(0, outcomes.indexOf(answered)).filter(({ isLate }) => isLate);
    const better = await this.#firstThatAnswers(late.map(({ route }) => route));
    return { outcomes, best: better ?? { route: answered.route, identity: answered.identity } };
  }

  #whyNoAnswer(outcomes: readonly RouteOutcome[], protocol: PvProtocol): Problem {
    const { port } = this.listener.endpoint;
    // The system connects by itself, whatever the IOC does: only packets that get lost keep it.
    const isLost = ({ isLate, isConnected, route }: RouteOutcome): boolean =>
      isLate && !isConnected && (isInside(route) || route.kind === 'address');
    const lost = outcomes.filter(isLost);
    const inside = outcomes.filter(({ route }) => isInside(route));
    // A program per connection starts, whether or not it connects.
    const connected = inside.filter(({ isConnected }) => isConnected);
    const isSure = connected.some(({ route }) => route.kind !== 'exec-connector');
    const isLostInside = lost.some(({ route }) => isInside(route));
    if (!isSure && isLostInside && (lost.length > 1 || this.#wasLostInside)) {
      return { code: 'packets-dropped', port };
    }
    // The first time, what was late may have been our agent, which had to start.
    this.#wasLostInside = isLostInside;
    if (connected.length > 0) return { code: 'no-handshake', port, protocol };
    const tried = outcomes.map(({ route, detail }): TriedRoute => {
      return { route: route.label, ...(detail !== undefined && { detail }) };
    });
    return { code: 'no-way-in', port, tried };
  }

  /** `onConnected` is called when the route led to a listener. */
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

  /** Asks the routes again that were too slow; returns one that answers now. */
  async #firstThatAnswers(routes: readonly Route[]): Promise<AnsweredRoute | undefined> {
    for (const route of routes) {
      const identity = await this.#askBy(route, () => undefined).catch(() => undefined);
      if (identity) return { route, identity };
    }
    return undefined;
  }

  #take(route: Route, identity: ServerIdentity): void {
    const searchPort = this.#identity?.caObservations?.searchPort;
    this.#identity = identity;
    if (searchPort !== undefined) this.observeSearchPort(searchPort);
    this.#route = route;
    this.#routedTo = route.ownEndpoint(this.listener.endpoint);
    if (route.kind === 'address') this.#own.accept(route);
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
      this.#relay.setLocal(direct);
      this.#succeed('exposed');
      return;
    }
    if (!this.#input.opensRelays) {
      await this.#lookWithoutRelay(endpoint);
      return;
    }
    const protocol = this.#identity?.protocol;
    const opened = await this.#relay.open(route, protocol && this.#input.searches(protocol));
    if (opened === 'late') return;
    if (opened === 'exposed' || opened === 'forwarded') this.#succeed(opened);
    else this.#fail(opened);
  }

  #lose(endpoint: Endpoint, error: Error | undefined): void {
    if (error) this.#fail({ code: 'relay-ended', endpoint, detail: messageOf(error) });
    else this.#state.take('moved');
    this.#changed.fire();
    void this.start();
  }

  /** Finds the relay of another epics-expose, on whichever loopback address. */
  async #lookWithoutRelay(endpoint: Endpoint): Promise<void> {
    const locals = [
      ...Array.from({ length: LOOKED_AT_ADDRESSES }, (_, index) => ({
        host: loopbackHost(index + 1),
        port: endpoint.port,
      })),
      ...otherNumbers(endpoint.port).map((port) => ({ host: loopbackHost(1), port })),
    ];
    // Several at once, because an unrelated program that accepts connections and says nothing costs
    // each its deadline.
    const verdicts = await mapConcurrent(LOOKED_AT_ONCE, locals, async (local) => {
      const holder = await this.#input.localPorts.findHolder(local);
      return mayBeSame(holder) ? this.#compare(local) : 'no';
    });
    let local = locals.find((_, index) => verdicts[index] === 'yes');
    // On a busy machine, late does not mean that it is another one.
    for (const [index, verdict] of verdicts.entries()) {
      if (local || verdict !== 'late' || !this.#isBusyMachine) continue;
      const candidate = locals[index];
      if (candidate && (await this.#compare(candidate)) === 'yes') local = candidate;
    }
    if (local) {
      this.#relay.setLocal(local);
      this.#succeed('forwarded');
      return;
    }
    this.#fail({ code: 'not-relayed', port: endpoint.port });
  }

  get #isBusyMachine(): boolean {
    return this.#input.clock.stretch(ROUTE_TIMEOUT_MS) > ROUTE_TIMEOUT_MS;
  }

  /** Whether what answers at an address of this machine is certainly this very server. */
  async isAt(local: Endpoint): Promise<boolean> {
    return (await this.#compare(local)) === 'yes';
  }

  /** Whether what answers at an address of this machine is this very server. */
  async #compare(local: Endpoint): Promise<'yes' | 'no' | 'late'> {
    const mine = this.#identity;
    if (!mine) return 'no';
    try {
      const isSame = await withDeadline(
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
      return isSame ? 'yes' : 'no';
    } catch (error) {
      // Nothing there, or another protocol: not this server.
      return isErrorCode(error, 'timeout') ? 'late' : 'no';
    }
  }

  #succeed(event: 'exposed' | 'forwarded'): void {
    if (this.#state.take(event)) this.#problem = undefined;
  }

  #fail(problem: Problem): void {
    if (this.#state.take('failed')) this.#problem = problem;
  }

  /** Ends everything; the last state can still be read. */
  dispose(): void {
    if (this.#store.isDisposed) return;
    this.#abort.abort();
    this.#relay.dispose();
    this.#own.dispose();
    this.#state.take('ended');
    this.#problem = { code: 'ioc-gone', port: this.listener.endpoint.port };
    this.#store.dispose();
  }
}

function isInside({ kind }: Route): boolean {
  return kind === 'entered' || kind.startsWith('exec');
}

/** Why a circuit to a server that stands still is of no use, for what is shown of it. */
export function haltReason({ code }: Problem): string {
  return code === 'ioc-suspended' ? 'its process is suspended' : 'its container is paused';
}
