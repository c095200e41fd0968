import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import type { Log } from '../../base/log';
import { LruMap } from '../../base/lruMap';
import { type Endpoint, isIpv4 } from '../../model/endpoint';
import type { Note } from '../../model/note';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { FairQueue } from '../upstream/fairQueue';
import { NameResolver, type NameAnswer } from '../upstream/nameResolver';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import type { SearchOrigin } from '../host/portHolder';
import { PendingLookups } from './pendingLookups';
import type { VainSearches } from './vainSearches';

/** A server as the name service sees it; the results of its functions may change at any time. */
export interface SearchedServer {
  readonly key: string;
  /** For messages: the IOC and its container. */
  readonly label: string;
  readonly isGateway: boolean;
  /** PVA: its GUID if known, 24 hex digits. */
  readonly guid: string | undefined;
  /** Where clients reach it by a port of this machine; undefined while they cannot. */
  endpoint(): Endpoint | undefined;
  /** Its own address, if clients of this machine are to be sent there. */
  directEndpoint(): Endpoint | undefined;
  /**
   * The answer to a client that broadcasts: the server itself if it can be reached without us, so
   * that the client does not see two servers when the server has received it, too. Undefined: the
   * server receives all broadcasts itself.
   */
  broadcastEndpoint(): Endpoint | undefined;
  /** Stays the same when the IOC, or its container, restarts. */
  readonly home: string;
  /** Whether clients are known to reach a PV of that name there. */
  isReachable(name: string): boolean;
  /**
   * Whether its own list or its databases contain the name, and it was reached; it may be away now.
   */
  isOwn(name: string): boolean;
  /** Grows with the names that are known to be reachable. */
  reachableCount(): number;
  /** Connects to the server in the container, without a relay. */
  dialInside(signal: AbortSignal): Promise<Connection>;
}

/** Where a name was found. */
export interface NameLocation {
  /** On this machine. */
  readonly endpoint: Endpoint;
  /** The server's own address, for clients that can be nowhere else; undefined: not to be told. */
  readonly directEndpoint: Endpoint | undefined;
  /** For clients that broadcast; undefined: the server answers them itself. */
  readonly broadcastEndpoint: Endpoint | undefined;
  readonly guid: string;
}

/** Who searches for a name; gets the answer once, now or much later. */
export interface NameRequester {
  /** The client that searches: clients take turns, however much one of them searches. */
  readonly client?: unknown;
  /** The name was found. */
  found(location: NameLocation): void;
  /** Every server was asked and none has it now. Called once at most. */
  absent(): void;
  /** Too many wait, and this one was dropped. */
  dropped(): void;
}

/** What a NameService needs. */
export interface NameServiceInput extends ClientIdentity {
  /** What `notesAbout` returns changed. */
  readonly onNote: () => void;
  /** Is told of names that no server has; absent: nobody wants to know. */
  readonly vain?: Pick<VainSearches, 'sought' | 'found'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface OpenQuestion {
  readonly askers: Set<NameRequester>;
  /** The requesters that do not know yet that no server has it. */
  readonly uninformed: Set<NameRequester>;
  sinceMs: number;
  isAsking: boolean;
}

/** A server that was there and now is gone, or not reached. */
interface AwayServer {
  readonly server: SearchedServer;
  readonly asked: NameResolver;
  /** Its names are kept for it until then. */
  readonly untilMs: number;
}

interface KnownServer {
  readonly server: SearchedServer;
  readonly asked: NameResolver;
  reachableCount: number;
  endpointText: string;
}

const MAX_OPEN = 20_000;
/** Limit of waiting requesters over all names; each takes some hundred bytes. */
const MAX_ASKERS = 50_000;
/**
 * How long a search stays open. libca searches again within 5 minutes in any case; after that
 * nobody waits any more.
 */
const OPEN_MS = 6 * 60_000;
/**
 * If several servers have a name: how long one that comes earlier in the order may take to say yes,
 * ms.
 */
const ORDER_WAIT_MS = 30;
/** Characters of a name that servers are asked for: some end the circuit for longer ones. */
const MAX_ASKED_NAME = 495;
/** The shortest time between two reviews of the open questions. */
const REVIEW_MS = 250;
/**
 * How long the names of an IOC that is away are kept for it: it may be starting. Meanwhile a mere
 * yes of another server does not count; a server that has the name in a list of its own, or in its
 * databases, has it at once.
 */
const KEPT_FOR_MS = 60_000;
/** Servers that are away are remembered up to this number. */
const MAX_AWAY = 100;
/** Servers of which a client is told that asks for all. */
const MAX_SERVERS = 256;
/** Duplicates that are reported for one server. */
const MAX_DUPLICATES = 5;

/**
 * Questions to servers (one name to one server) in one turn of the event loop; then others have
 * theirs: a single message may hold thousands of names.
 */
const QUESTIONS_PER_TURN = 2048;

const settled: Disposable = toDisposable(() => undefined);

/**
 * Finds which of all exposed servers of one protocol has a name: at once from what is known of
 * them, otherwise by asking all of them at the same time. A question without an answer stays open
 * for a while, so that a server that starts later is found as soon as it listens.
 */
export class NameService implements Disposable {
  readonly #protocol: PvProtocol;
  readonly #input: NameServiceInput;
  readonly #store = new DisposableStore();
  /** In order of preference, gateways last. */
  #known: readonly KnownServer[] = [];
  readonly #open = new LruMap<string, OpenQuestion>(MAX_OPEN);
  /** Servers that left, by their homes. */
  readonly #away = new LruMap<string, AwayServer>(MAX_AWAY);
  /** Until when names are kept, by server key, for servers that are shown but cannot be reached. */
  readonly #keptUntilMs = new Map<string, number>();
  /** By server key: names of this server that another one has, too. */
  readonly #duplicates = new Map<string, Map<string, SearchedServer>>();
  #isReviewDue = false;
  #askerCount = 0;
  /** Names that servers are asked for in later turns of the event loop, client by client. */
  readonly #toAsk = new FairQueue<{ name: string; question: OpenQuestion }>(MAX_ASKERS, MAX_ASKERS);
  #leftOfTurn = QUESTIONS_PER_TURN;

  constructor(protocol: PvProtocol, input: NameServiceInput) {
    this.#protocol = protocol;
    this.#input = input;
  }

  /** Takes the servers that are there now, in order of preference. */
  setServers(servers: readonly SearchedServer[]): void {
    if (this.#store.isDisposed) return;
    const former = new Map(this.#known.map((known) => [known.server.key, known]));
    const arrived: KnownServer[] = [];
    const known = servers.map((server) => {
      const same = former.get(server.key);
      former.delete(server.key);
      if (same) return { ...same, server };
      const begun = this.#begin(server);
      arrived.push(begun);
      return begun;
    });
    this.#known = known.sort((a, b) => Number(a.server.isGateway) - Number(b.server.isGateway));
    for (const [key, gone] of former) {
      this.#forgetDuplicatesOf(key);
      this.#keepNamesOf(gone);
      this.#store.release(gone.asked);
    }
    if (arrived.length > 0 || known.some(hasGrown)) this.#review();
  }

  #begin(server: SearchedServer): KnownServer {
    const asked = new NameResolver({
      ...this.#input,
      protocol: this.#protocol,
      label: server.label,
      isGateway: server.isGateway,
      onYesToAll: () => this.#input.onNote(),
      dial: (signal) => server.dialInside(signal),
    });
    return { server, asked: this.#store.add(asked), reachableCount: 0, endpointText: '' };
  }

  /**
   * Asks where a name is; the requester gets the answer as soon as it is known. Dispose the result
   * when nobody waits any more.
   */
  ask(name: string, asker: NameRequester): Disposable {
    const location = this.#store.isDisposed ? undefined : this.#locate(name);
    if (location) {
      asker.found(location);
      return settled;
    }
    if (name === '' || name.length > MAX_ASKED_NAME || this.#store.isDisposed) {
      asker.absent();
      return settled;
    }
    const question = this.#open.get(name) ?? {
      ...{ askers: new Set(), uninformed: new Set(), sinceMs: 0, isAsking: false },
    };
    question.askers.add(asker);
    question.uninformed.add(asker);
    question.sinceMs = this.#input.clock.nowMs();
    this.#askerCount++;
    const evicted = this.#open.set(name, question);
    if (evicted) this.#drop(evicted[1]);
    if (!question.isAsking) this.#askInTurn(name, question);
    this.#dropOldest();
    return toDisposable(() => {
      if (!question.askers.delete(asker)) return;
      question.uninformed.delete(asker);
      this.#askerCount--;
      if (question.askers.size === 0 && this.#open.get(name) === question) this.#open.delete(name);
    });
  }

  /** Bounds the memory for all clients together; a client that searches again is answered again. */
  #dropOldest(): void {
    while (this.#askerCount > MAX_ASKERS) {
      const [oldest] = this.#open;
      if (!oldest) return;
      this.#open.delete(oldest[0]);
      this.#drop(oldest[1]);
    }
  }

  #drop(question: OpenQuestion): void {
    for (const asker of this.#takeAskers(question)) asker.dropped();
  }

  #takeAskers(question: OpenQuestion): NameRequester[] {
    const askers = [...question.askers];
    question.askers.clear();
    question.uninformed.clear();
    this.#askerCount -= askers.length;
    return askers;
  }

  /** The servers that clients reach, in order of preference; for whoever asks for all of them. */
  get servers(): NameLocation[] {
    return this.#known.flatMap(({ server }) => locationOf(server) ?? []).slice(0, MAX_SERVERS);
  }

  /** Notes about names that a server shares with others, or claims to have. */
  notesAbout(serverKey: string): readonly Note[] {
    const notes = [...(this.#duplicates.get(serverKey) ?? [])].map(([name, { label }]): Note => ({
      code: 'also-served',
      name,
      server: label,
    }));
    const known = this.#known.find(({ server }) => server.key === serverKey);
    return known?.asked.saysYesToAll === true ? [...notes, { code: 'says-yes' }] : notes;
  }

  /**
   * For a while, a mere yes of another server does not count for the names of a server that left.
   */
  #keepNamesOf({ server, asked }: KnownServer): void {
    if (isLast({ server, asked })) return;
    const nowMs = this.#input.clock.nowMs();
    // Counts from when it could not be reached, not from when it was removed.
    const untilMs = this.#keptUntilMs.get(server.key) ?? nowMs + KEPT_FOR_MS;
    this.#keptUntilMs.delete(server.key);
    this.#away.set(server.home, { server, asked, untilMs });
    this.#reviewWhenKept(untilMs - nowMs);
  }

  /** Then questions that were kept for a server are open to all. */
  #reviewWhenKept(delayMs: number): void {
    schedule(this.#store, this.#input.clock, Math.max(0, delayMs) + 1, () => {
      const nowMs = this.#input.clock.nowMs();
      for (const [home, { untilMs }] of this.#away) {
        if (untilMs <= nowMs) this.#away.delete(home);
      }
      this.#review();
    });
  }

  /** Since when a name is kept for a server that had it and is briefly away, if it is. */
  #keptSinceMs(name: string): number | undefined {
    const nowMs = this.#input.clock.nowMs();
    for (const { server, asked, untilMs } of this.#away.values()) {
      if (untilMs <= nowMs || !hadName({ server, asked }, name)) continue;
      const back = this.#known.find((one) => one.server.home === server.home);
      // It is back without this name.
      if (back?.asked.hasSaidNo(name) === true) continue;
      return untilMs - KEPT_FOR_MS;
    }
    for (const known of this.#known) {
      if (isLast(known) || !hadName(known, name) || isHere(known, name)) continue;
      if (known.asked.hasSaidNo(name)) continue;
      const { key } = known.server;
      let untilMs = this.#keptUntilMs.get(key);
      if (untilMs === undefined) {
        untilMs = nowMs + KEPT_FOR_MS;
        this.#keptUntilMs.set(key, untilMs);
        this.#reviewWhenKept(KEPT_FOR_MS);
      }
      if (untilMs > nowMs) return untilMs - KEPT_FOR_MS;
    }
    return undefined;
  }

  /** From what is known: the first server in the order; others are noted. */
  #locate(name: string): NameLocation | undefined {
    const here = this.#known
      .filter((known) => isHere(known, name))
      .sort((a, b) => rankOf(a, name) - rankOf(b, name));
    for (const [index, known] of here.entries()) {
      this.#keptUntilMs.delete(known.server.key);
      // A gateway has the names of others by its nature.
      if (index > 0 && here[0] && !isLast(known)) {
        this.#noteDuplicate(here[0].server, known.server, name);
      }
    }
    let [first] = here;
    if (first && !this.#isItsOwn(first, name)) {
      const sinceMs = this.#keptSinceMs(name);
      // One that had said yes before the other one left had it all the time.
      const hadIt = (known: KnownServer): boolean =>
        !isLast(known) && (known.asked.firstYesMs(name) ?? Infinity) < (sinceMs ?? 0);
      if (sinceMs !== undefined) {
        first = here.find((known) => this.#isItsOwn(known, name) || hadIt(known));
      }
    }
    return first && locationOf(first.server);
  }

  /** Whether a name is its own by more than a yes, or it had the name before it restarted. */
  #isItsOwn(known: KnownServer, name: string): boolean {
    if (isLast(known)) return false;
    if (known.server.isOwn(name)) return true;
    const away = this.#away.get(known.server.home);
    return away !== undefined && hadName(away, name);
  }

  #noteDuplicate(first: SearchedServer, second: SearchedServer, name: string): void {
    for (const [server, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const names = this.#duplicates.get(server.key) ?? new Map<string, SearchedServer>();
      this.#duplicates.set(server.key, names);
      if (names.has(name) || names.size >= MAX_DUPLICATES) continue;
      names.set(name, other);
      this.#input.onNote();
      this.#input.log('info', 'search', `${name} is served by ${server.label} and ${other.label}`);
    }
  }

  #forgetDuplicatesOf(key: string): void {
    this.#duplicates.delete(key);
    for (const names of this.#duplicates.values()) {
      for (const [name, other] of names) if (other.key === key) names.delete(name);
    }
  }

  #askInTurn(name: string, question: OpenQuestion): void {
    if (this.#toAsk.size === 0 && this.#leftOfTurn > 0) {
      this.#takeFromTurn();
      this.#askServers(name, question);
      return;
    }
    question.isAsking = true;
    if (this.#toAsk.push(clientOf(question), { name, question })) return;
    this.#open.delete(name);
    this.#drop(question);
  }

  #takeFromTurn(): void {
    if (this.#leftOfTurn === QUESTIONS_PER_TURN) {
      schedule(this.#store, this.#input.clock, 0, () => {
        this.#leftOfTurn = QUESTIONS_PER_TURN;
        this.#askSome();
      });
    }
    this.#leftOfTurn -= Math.max(1, this.#known.length);
  }

  #askSome(): void {
    while (this.#leftOfTurn > 0) {
      const next = this.#toAsk.shift();
      if (!next) return;
      const { name, question } = next;
      this.#takeFromTurn();
      // Otherwise nobody waits for it any more.
      if (this.#open.get(name) === question) this.#askServers(name, question);
    }
  }

  /** Gateways are asked only for what no other server has. */
  #askServers(name: string, question: OpenQuestion): void {
    question.isAsking = true;
    const here = this.#known.filter(({ server }) => server.endpoint());
    const direct = here.filter((known) => !isLast(known));
    this.#askAtOnce(name, question, direct, (isCertain) => {
      // Including those that this question revealed.
      const last = here.filter(isLast);
      this.#askAtOnce(name, question, last, (isCertainToo) => {
        question.isAsking = false;
        if (!isCertain || !isCertainToo) return;
        const uninformed = [...question.uninformed];
        question.uninformed.clear();
        for (const asker of uninformed) asker.absent();
        const isOpen = (): boolean => this.#isWaitedFor(name, question);
        this.#input.vain?.sought(name, isOpen, originOf(clientOf(question)));
      });
    });
  }

  /** Clients that search by UDP do not say when they have given up. */
  #isWaitedFor(name: string, question: OpenQuestion): boolean {
    const isRecent = question.sinceMs + OPEN_MS > this.#input.clock.nowMs();
    return isRecent && this.#open.get(name) === question;
  }

  /** Calls `onAbsent` when none of them says yes, with whether all of them said no. */
  #askAtOnce(
    name: string,
    question: OpenQuestion,
    servers: readonly KnownServer[],
    onAbsent: (isCertain: boolean) => void,
  ): void {
    let pending = servers.length;
    let isCertain = true;
    let isFound = false;
    if (pending === 0) {
      onAbsent(true);
      return;
    }
    const answered = (answer: NameAnswer): void => {
      pending--;
      if (answer === 'unknown') isCertain = false;
      if (answer === 'yes' && !isFound) {
        isFound = true;
        const answerNow = (): void => this.#answerFound(name, question);
        if (pending === 0) answerNow();
        else schedule(this.#store, this.#input.clock, ORDER_WAIT_MS, answerNow);
      }
      if (pending === 0 && !isFound) onAbsent(isCertain);
    };
    const client = clientOf(question);
    for (const known of servers) {
      const wasLast = isLast(known);
      const listener = (answer: NameAnswer): void =>
        answered(answer === 'yes' && isLast(known) && !wasLast ? 'no' : answer);
      known.asked.ask(name, listener, client);
    }
  }

  #answerFound(name: string, question: OpenQuestion): void {
    question.isAsking = false;
    const location = this.#locate(name);
    // It may be gone by now; then the client searches again.
    if (!location) return;
    if (this.#open.get(name) === question) this.#open.delete(name);
    this.#input.vain?.found(name);
    const isStale = question.sinceMs + OPEN_MS < this.#input.clock.nowMs();
    const askers = this.#takeAskers(question);
    if (!isStale) for (const asker of askers) asker.found(location);
  }

  /** Reviews the open questions soon, but not too often: servers or names have arrived. */
  #review(): void {
    if (this.#isReviewDue) return;
    this.#isReviewDue = true;
    schedule(this.#store, this.#input.clock, REVIEW_MS, () => {
      this.#isReviewDue = false;
      const grown = this.#known.filter(hasGrown);
      for (const known of grown) {
        known.reachableCount = known.server.reachableCount();
        known.endpointText = textOf(known.server.endpoint());
      }
      for (const [name, question] of [...this.#open]) {
        if (question.isAsking) continue;
        if (this.#locate(name)) this.#answerFound(name, question);
        else this.#askArrived(name, question, grown);
      }
    });
  }

  /** Asks the servers that have not been asked this question yet; the others have said no. */
  #askArrived(name: string, question: OpenQuestion, grown: readonly KnownServer[]): void {
    for (const known of grown) {
      if (isLast(known) || !known.server.endpoint()) continue;
      const listener = (answer: NameAnswer): void => {
        if (answer === 'yes') this.#answerFound(name, question);
      };
      known.asked.ask(name, listener, clientOf(question));
    }
  }

  dispose(): void {
    this.#store.dispose();
    this.#open.clear();
    this.#toAsk.clear();
  }
}

/** The client that asked first. */
function clientOf({ askers }: OpenQuestion): unknown {
  const [first] = askers;
  return first?.client;
}

/** Where that client searches from, as far as it is known. */
function originOf(client: unknown): SearchOrigin | undefined {
  if (client instanceof PendingLookups) return client.origin;
  const [host, port] = typeof client === 'string' ? client.split(' ') : [];
  if (host === undefined || port === undefined) return undefined;
  return { transport: 'udp', endpoint: { host, port: Number(port) } };
}

type Server = Pick<KnownServer, 'server' | 'asked'>;

/** Whether it comes after all others: its yes does not prove that it has the PV. */
function isLast({ server, asked }: Server): boolean {
  return server.isGateway || asked.saysYesToAll;
}

/**
 * Servers whose list or databases have the name come first, because a yes alone proves little.
 * Servers that say yes to every name come last, as gateways do.
 */
function rankOf(known: Server, name: string): number {
  if (isLast(known)) return 2;
  return known.server.isOwn(name) ? 0 : 1;
}

/** Whether a client that is sent there now gets the PV, as far as is known. */
function isHere({ server, asked }: Server, name: string): boolean {
  return (server.isReachable(name) || asked.hasSaidYes(name)) && server.endpoint() !== undefined;
}

/** Whether it has or had the name, as far as is known, be it there now or not. */
function hadName({ server, asked }: Server, name: string): boolean {
  return server.isOwn(name) || asked.firstYesMs(name) !== undefined;
}

const textOf = (endpoint: Endpoint | undefined): string =>
  endpoint ? `${endpoint.host} ${endpoint.port}` : '';

/** Whether more of its names are known than at the last review. */
function hasGrown({ server, reachableCount, endpointText }: KnownServer): boolean {
  const now = textOf(server.endpoint());
  return now !== '' && (now !== endpointText || server.reachableCount() > reachableCount);
}

function locationOf(server: SearchedServer): NameLocation | undefined {
  const endpoint = server.endpoint();
  // A reply with another kind of address would end the client's circuit, with all its PVs.
  if (!endpoint || !isIpv4(endpoint.host)) return undefined;
  return {
    endpoint,
    directEndpoint: server.directEndpoint(),
    broadcastEndpoint: server.broadcastEndpoint(),
    guid: knownGuid(server),
  };
}

const knownGuid = ({ guid, key }: SearchedServer): string => guid ?? guidOf(key);

/**
 * A GUID for a server that does not send its own: the same as long as it runs, different for every
 * other server. FNV-1a, three times from different starting values.
 */
function guidOf(key: string): string {
  return [0x811c9dc5, 0x01000193, 0x9e3779b9]
    .map((seed) => {
      let hash = seed;
      for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
      return (hash >>> 0).toString(16).padStart(8, '0');
    })
    .join('');
}
