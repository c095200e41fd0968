/**
 * Tells which of all exposed servers of one protocol has a name: from what is known of them at once,
 * else by asking every one of them at the same time. A question that nobody can answer stays open
 * for a while, so that a server that starts later is found as soon as it listens.
 */
import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import type { Log } from '../../base/log';
import { LruMap } from '../../base/lruMap';
import { type Endpoint, isIpv4 } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { NameResolver, type NameAnswer } from '../upstream/nameResolver';
import type { ClientIdentity } from '../upstream/protocolAdapter';

/** A server as the name service sees it; what the functions tell may change at any time. */
export interface SearchedServer {
  readonly key: string;
  /** For people: the IOC and its container. */
  readonly label: string;
  readonly isGateway: boolean;
  /** PVA: its GUID where known, 24 hex digits. */
  readonly guid: string | undefined;
  /** Where clients on this machine reach it; undefined while they cannot. */
  endpoint(): Endpoint | undefined;
  /**
   * What a client that broadcasts is told: the server itself where it can be reached without us, so
   * that it is not taken for two when it has heard the client too. Undefined: it hears all of them.
   */
  broadcastEndpoint(): Endpoint | undefined;
  /** What stays the same when the IOC, or its container, starts anew. */
  readonly home: string;
  /** Whether it is known that clients reach a PV of that name there. */
  isReachable(name: string): boolean;
  /** Whether its own list or its databases name it, and it was reached, be it away now. */
  isOwn(name: string): boolean;
  /** Grows with the names that are known to be reachable. */
  reachableCount(): number;
  /** Connects to the server inside, without a relay. */
  dialInside(signal: AbortSignal): Promise<Connection>;
}

/** Where a name is. */
export interface NameLocation {
  readonly endpoint: Endpoint;
  /** For clients that broadcast; undefined: the server answers them itself. */
  readonly broadcastEndpoint: Endpoint | undefined;
  readonly guid: string;
}

/** Who asked; is told once where the name is, now or much later. */
export interface NameRequester {
  /** Whose question it is: each client has its turn, however much another one asks. */
  readonly client?: unknown;
  found(location: NameLocation): void;
  /** Every server was asked and none has it now; told once at most. */
  absent(): void;
  /** Too many wait: this one does not any more. */
  dropped(): void;
}

export interface NameServiceInput extends ClientIdentity {
  /** noteAbout has something new to say. */
  readonly onNote: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface OpenQuestion {
  readonly askers: Set<NameRequester>;
  /** Those of them who have not been told that nobody has it. */
  readonly untold: Set<NameRequester>;
  sinceMs: number;
  isAsking: boolean;
}

/** A server that was there and is not, or not reached, now. */
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
/** Who waits, over all names; some hundred bytes each. */
const MAX_ASKERS = 50_000;
/** libca asks again within 5 minutes, whatever happens; after that nobody waits any more. */
const OPEN_MS = 6 * 60_000;
/** When several servers have a name, one that comes before in the order gets so long to say so. */
const ORDER_WAIT_MS = 30;
/** pvAccessCPP ends the circuit on longer names; no record has one of this length. */
const MAX_NAME_LENGTH = 500;
/** Open questions are looked up again at most so often. */
const REVIEW_MS = 250;
/**
 * For so long the names of an IOC that is away are not told to be elsewhere on a mere yes: it may be
 * starting. Who has the name in a list of its own, or in its databases, has them at once.
 */
const KEPT_FOR_MS = 60_000;
/** Servers that are away, so many at most. */
const MAX_AWAY = 100;
/** Duplicates told of one server. */
const MAX_DUPLICATES = 5;

const settled: Disposable = toDisposable(() => undefined);

export class NameService implements Disposable {
  readonly #protocol: PvProtocol;
  readonly #input: NameServiceInput;
  readonly #store = new DisposableStore();
  /** In the order in which they are preferred, gateways last. */
  #known: readonly KnownServer[] = [];
  readonly #open = new LruMap<string, OpenQuestion>(MAX_OPEN);
  /** By their homes, those that left. */
  readonly #away = new LruMap<string, AwayServer>(MAX_AWAY);
  /** Until when their names are kept, by key: servers that are shown and cannot be reached. */
  readonly #keptUntilMs = new Map<string, number>();
  /** By the key of a server, names of its that another one has too. */
  readonly #duplicates = new Map<string, Map<string, SearchedServer>>();
  #isReviewDue = false;
  #askerCount = 0;

  constructor(protocol: PvProtocol, input: NameServiceInput) {
    this.#protocol = protocol;
    this.#input = input;
  }

  /** Takes the servers there are now, the preferred ones first. */
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
   * Asks where a name is; the asker is told at once when that is known. Dispose the result when
   * nobody waits any more.
   */
  ask(name: string, asker: NameRequester): Disposable {
    if (name === '' || name.length > MAX_NAME_LENGTH || this.#store.isDisposed) {
      asker.absent();
      return settled;
    }
    const location = this.#locate(name);
    if (location) {
      asker.found(location);
      return settled;
    }
    const question = this.#open.get(name) ?? {
      ...{ askers: new Set(), untold: new Set(), sinceMs: 0, isAsking: false },
    };
    question.askers.add(asker);
    question.untold.add(asker);
    question.sinceMs = this.#input.clock.nowMs();
    this.#askerCount++;
    const evicted = this.#open.set(name, question);
    if (evicted) this.#drop(evicted[1]);
    if (!question.isAsking) this.#askServers(name, question);
    this.#dropOldest();
    return toDisposable(() => {
      if (!question.askers.delete(asker)) return;
      question.untold.delete(asker);
      this.#askerCount--;
      if (question.askers.size === 0 && this.#open.get(name) === question) this.#open.delete(name);
    });
  }

  /** So that the memory for all clients together is bounded; who asks again is answered again. */
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
    question.untold.clear();
    this.#askerCount -= askers.length;
    return askers;
  }

  /** All that clients reach, in the order in which they are preferred. */
  get servers(): NameLocation[] {
    return this.#known.flatMap(({ server }) => locationOf(server) ?? []);
  }

  /** What there is to say about names that a server shares with others, or claims to have. */
  noteAbout(serverKey: string): string | undefined {
    const notes = [...(this.#duplicates.get(serverKey) ?? [])].map(
      ([name, other]) => `PV ${name} is also served by ${other.label}`,
    );
    const known = this.#known.find(({ server }) => server.key === serverKey);
    if (known?.asked.saysYesToAll === true) {
      notes.push('it says yes to every name, so it is asked last');
    }
    return notes.length === 0 ? undefined : notes.join('; ');
  }

  /** For a while nobody else has the names of a server that left on a mere yes. */
  #keepNamesOf({ server, asked }: KnownServer): void {
    if (isLast({ server, asked })) return;
    const nowMs = this.#input.clock.nowMs();
    // Since when it could not be reached, not since it was taken off the list.
    const untilMs = this.#keptUntilMs.get(server.key) ?? nowMs + KEPT_FOR_MS;
    this.#keptUntilMs.delete(server.key);
    this.#away.set(server.home, { server, asked, untilMs });
    this.#reviewWhenKept(untilMs - nowMs);
  }

  /** Questions that were kept for somebody are open to all then. */
  #reviewWhenKept(delayMs: number): void {
    schedule(this.#store, this.#input.clock, Math.max(0, delayMs) + 1, () => {
      const nowMs = this.#input.clock.nowMs();
      for (const [home, { untilMs }] of this.#away) {
        if (untilMs <= nowMs) this.#away.delete(home);
      }
      this.#review();
    });
  }

  /** Since when a name is kept for a server that had it and is away for a moment, if it is. */
  #keptSinceMs(name: string): number | undefined {
    const nowMs = this.#input.clock.nowMs();
    for (const { server, asked, untilMs } of this.#away.values()) {
      if (untilMs <= nowMs || !hadName({ server, asked }, name)) continue;
      const back = this.#known.find((one) => one.server.home === server.home);
      // It is back without it.
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

  /** By what is known: the first server in the order; others are noted. */
  #locate(name: string): NameLocation | undefined {
    const here = this.#known
      .filter((known) => isHere(known, name))
      .sort((a, b) => rankOf(a, name) - rankOf(b, name));
    for (const [index, known] of here.entries()) {
      this.#keptUntilMs.delete(known.server.key);
      // Who is last has the names of others by its nature.
      if (index > 0 && here[0] && !isLast(known)) {
        this.#noteDuplicate(here[0].server, known.server, name);
      }
    }
    let [first] = here;
    if (first && !this.#isItsOwn(first, name)) {
      const sinceMs = this.#keptSinceMs(name);
      // Who has said yes before the other left had it all the time.
      const hadIt = (known: KnownServer): boolean =>
        !isLast(known) && (known.asked.firstYesMs(name) ?? Infinity) < (sinceMs ?? 0);
      if (sinceMs !== undefined) {
        first = here.find((known) => this.#isItsOwn(known, name) || hadIt(known));
      }
    }
    return first && locationOf(first.server);
  }

  /** A name that is its own by more than a yes, or that it had before it started anew. */
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

  /** Gateways are asked for what no other server has. */
  #askServers(name: string, question: OpenQuestion): void {
    question.isAsking = true;
    const here = this.#known.filter(({ server }) => server.endpoint());
    const direct = here.filter((known) => !isLast(known));
    this.#askAtOnce(name, question, direct, (isCertain) => {
      // Also those that were found out by this question.
      const last = here.filter(isLast);
      this.#askAtOnce(name, question, last, (isCertainToo) => {
        question.isAsking = false;
        if (!isCertain || !isCertainToo) return;
        const untold = [...question.untold];
        question.untold.clear();
        for (const asker of untold) asker.absent();
      });
    });
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
        const tell = (): void => this.#tellFound(name, question);
        if (pending === 0) tell();
        else schedule(this.#store, this.#input.clock, ORDER_WAIT_MS, tell);
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

  #tellFound(name: string, question: OpenQuestion): void {
    question.isAsking = false;
    const location = this.#locate(name);
    // It may have gone in between; then the client asks again.
    if (!location) return;
    if (this.#open.get(name) === question) this.#open.delete(name);
    const isStale = question.sinceMs + OPEN_MS < this.#input.clock.nowMs();
    const askers = this.#takeAskers(question);
    if (!isStale) for (const asker of askers) asker.found(location);
  }

  /** Looks the open questions up again, soon and not too often: servers or names have come. */
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
        if (this.#locate(name)) this.#tellFound(name, question);
        else this.#askArrived(name, question, grown);
      }
    });
  }

  /** Asks those that the question has not been put to yet; the others have said no. */
  #askArrived(name: string, question: OpenQuestion, grown: readonly KnownServer[]): void {
    for (const known of grown) {
      if (isLast(known) || !known.server.endpoint()) continue;
      const listener = (answer: NameAnswer): void => {
        if (answer === 'yes') this.#tellFound(name, question);
      };
      known.asked.ask(name, listener, clientOf(question));
    }
  }

  dispose(): void {
    this.#store.dispose();
    this.#open.clear();
  }
}

/** Who asked first. */
function clientOf({ askers }: OpenQuestion): unknown {
  const [first] = askers;
  return first?.client;
}

type Server = Pick<KnownServer, 'server' | 'asked'>;

/** Asked, and preferred, after all others: its yes does not tell that the PV is there. */
function isLast({ server, asked }: Server): boolean {
  return server.isGateway || asked.saysYesToAll;
}

/**
 * Whose list or databases have the name come first: a yes is no more than a word. Those that say yes to all
 * names come last, as gateways do.
 */
function rankOf(known: Server, name: string): number {
  if (isLast(known)) return 2;
  return known.server.isOwn(name) ? 0 : 1;
}

/** Whether a client that is sent there now gets the PV, as far as is known. */
function isHere({ server, asked }: Server, name: string): boolean {
  return (server.isReachable(name) || asked.hasSaidYes(name)) && server.endpoint() !== undefined;
}

/** As far as is known, whether it is there now or not. */
function hadName({ server, asked }: Server, name: string): boolean {
  return server.isOwn(name) || asked.firstYesMs(name) !== undefined;
}

const textOf = (endpoint: Endpoint | undefined): string =>
  endpoint ? `${endpoint.host} ${endpoint.port}` : '';

/** Whether more of its names can be told than when it was last looked at. */
function hasGrown({ server, reachableCount, endpointText }: KnownServer): boolean {
  const now = textOf(server.endpoint());
  return now !== '' && (now !== endpointText || server.reachableCount() > reachableCount);
}

function locationOf(server: SearchedServer): NameLocation | undefined {
  const endpoint = server.endpoint();
  // A reply with another address would end the circuit of who asks, with all its PVs.
  if (!endpoint || !isIpv4(endpoint.host)) return undefined;
  return { endpoint, broadcastEndpoint: server.broadcastEndpoint(), guid: knownGuid(server) };
}

const knownGuid = ({ guid, key }: SearchedServer): string => guid ?? guidOf(key);

/**
 * A GUID for a server that does not tell its own: the same for as long as it runs, another one for
 * every other. FNV-1a, three times from different beginnings.
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
