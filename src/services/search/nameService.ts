/**
 * Tells which of all exposed servers of one protocol has a name: from what is known of them at once,
 * else by asking every one of them at the same time. A question that nobody can answer stays open
 * for a while, so that a server that starts later is found as soon as it listens.
 */
import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import type { Log } from '../../base/log';
import type { Endpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../connection';
import type { AskingIdentity } from './askingDialect';
import { AskedServer, type NameAnswer } from './askedServer';
import { createCaAsking } from './caAsking';
import { createPvaAsking } from './pvaAsking';
import { RecentNames } from './recentNames';

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
  /** Whether it is known that clients reach a PV of that name there. */
  isReachable(name: string): boolean;
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
export interface NameAsker {
  found(location: NameLocation): void;
  /** Every server was asked and none has it now; told once at most. */
  absent(): void;
  /** Too many wait: this one does not any more. */
  dropped(): void;
}

export interface NameServiceInput extends AskingIdentity {
  /** noteAbout has something new to say. */
  readonly onNote: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface OpenQuestion {
  readonly askers: Set<NameAsker>;
  /** Those of them who have not been told that nobody has it. */
  readonly untold: Set<NameAsker>;
  sinceMs: number;
  isAsking: boolean;
}

interface KnownServer {
  readonly server: SearchedServer;
  readonly asked: AskedServer;
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
/** Duplicates told of one server. */
const MAX_DUPLICATES = 5;

const settled: Disposable = toDisposable(() => undefined);

export class NameService implements Disposable {
  readonly #protocol: PvProtocol;
  readonly #input: NameServiceInput;
  readonly #store = new DisposableStore();
  /** In the order in which they are preferred, gateways last. */
  #known: readonly KnownServer[] = [];
  readonly #open = new RecentNames<OpenQuestion>(MAX_OPEN);
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
    for (const [key, { asked }] of former) {
      this.#forgetDuplicatesOf(key);
      this.#store.release(asked);
    }
    if (arrived.length > 0 || known.some(hasGrown)) this.#review();
  }

  #begin(server: SearchedServer): KnownServer {
    const createDialect = this.#protocol === 'ca' ? createCaAsking : createPvaAsking;
    const asked = new AskedServer({
      ...this.#input,
      label: server.label,
      isGateway: server.isGateway,
      dial: (signal) => server.dialInside(signal),
      createDialect: (events) => createDialect(this.#input, events),
    });
    return { server, asked: this.#store.add(asked), reachableCount: 0, endpointText: '' };
  }

  /**
   * Asks where a name is; the asker is told at once when that is known. Dispose the result when
   * nobody waits any more.
   */
  ask(name: string, asker: NameAsker): Disposable {
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
    if (evicted) this.#drop(evicted);
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

  #takeAskers(question: OpenQuestion): NameAsker[] {
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

  /** What there is to say about names that a server shares with others. */
  noteAbout(serverKey: string): string | undefined {
    const names = this.#duplicates.get(serverKey);
    if (!names || names.size === 0) return undefined;
    return [...names]
      .map(([name, other]) => `PV ${name} is also served by ${other.label}`)
      .join('; ');
  }

  /** By what is known: the first server in the order; others are noted. */
  #locate(name: string): NameLocation | undefined {
    let first: SearchedServer | undefined;
    let location: NameLocation | undefined;
    for (const { server, asked } of this.#known) {
      if (!server.isReachable(name) && !asked.hasSaidYes(name)) continue;
      const itsLocation = locationOf(server);
      if (!itsLocation) continue;
      if (!first) {
        first = server;
        location = itsLocation;
      } else if (!server.isGateway) {
        // A gateway has the names of others by its nature.
        this.#noteDuplicate(first, server, name);
      }
    }
    return location;
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
    const [direct, gateways] = [false, true].map((isGateway) =>
      this.#known.filter(({ server }) => server.isGateway === isGateway && server.endpoint()),
    ) as [KnownServer[], KnownServer[]];
    this.#askAtOnce(name, question, direct, (isCertain) => {
      this.#askAtOnce(name, question, gateways, (isCertainToo) => {
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
    for (const { asked } of servers) asked.ask(name, answered);
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
    for (const { server, asked } of grown) {
      if (server.isGateway || !server.endpoint()) continue;
      asked.ask(name, (answer) => {
        if (answer === 'yes') this.#tellFound(name, question);
      });
    }
  }

  dispose(): void {
    this.#store.dispose();
    this.#open.clear();
  }
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
  if (!endpoint) return undefined;
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
