import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import { type CaFound, readCaSearches, writeCaFound } from '../../protocol/ca';
import { type PvaSearch, passOnSearch, readPvaSearches, writePvaFound } from '../../protocol/pva';
import type { SearchSocket } from '../host/searchSockets';
import { answerEndpoint, type SearchPath } from './answerEndpoint';
import type { NameLocation, NameService } from './nameService';
import { PendingLookups } from './pendingLookups';

/** What a UdpResponder needs. */
export interface UdpResponderInput {
  readonly protocol: PvProtocol;
  readonly names: Pick<NameService, 'ask' | 'servers'>;
  /** Other senders get no answer and cause no work. */
  readonly isOwnAddress: (host: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** The socket through which a search came and its answer goes. */
type Via = Pick<SearchSocket, 'send' | 'passOn'> & { readonly isBroadcast: boolean };

/** Further searches in the same second are dropped; clients search again. */
const NAMES_PER_SECOND = 20_000;
/** The same for one client, so that others get their turn. */
const NAMES_PER_CLIENT = 5000;
/** Answers that come soon after one another share a datagram. */
const GATHER_MS = 5;
/** One pvAccess answer to the shortest search is slightly longer than the search. */
const MIN_REPLY_BYTES = 64;
const CA_VERSION_BYTES = 16;
const LOG_MS = 10_000;

/**
 * Answers searches that clients of this machine send by UDP, from the name service. A search
 * without an answer stays open, as on a circuit. What cannot be answered is met with silence,
 * except in pvAccess if the client wants to know.
 */
export class UdpResponder implements Disposable {
  readonly #input: UdpResponderInput;
  readonly #store = new DisposableStore();
  readonly #waiting = this.#store.add(new PendingLookups<string>());
  #secondFromMs = -Infinity;
  #namesInSecond = 0;
  readonly #ofClients = new Map<string, number>();
  #loggedAtMs = -Infinity;
  #unlogged = 0;

  constructor(input: UdpResponderInput) {
    this.#input = input;
  }

  /** Number of names that are waited for. */
  get openCount(): number {
    return this.#waiting.size;
  }

  /** Takes a datagram, which it does not keep; never throws. */
  receive(
    datagram: Uint8Array,
    from: Endpoint,
    isBroadcast: boolean,
    { send, passOn }: Pick<SearchSocket, 'send' | 'passOn'>,
  ): void {
    if (this.#store.isDisposed || from.port === 0 || !this.#input.isOwnAddress(from.host)) return;
    const peer = `a client at ${formatEndpoint(from)}`;
    const via: Via = { isBroadcast, send, passOn };
    try {
      if (this.#input.protocol === 'ca') this.#receiveCa(datagram, from, via, peer);
      else this.#receivePva(datagram, from, via, peer);
    } catch (error) {
      this.#complain(messageOf(error));
    }
  }

  #receiveCa(datagram: Uint8Array, from: Endpoint, via: Via, peer: string): void {
    const { sequence, questions } = readCaSearches(datagram, peer);
    // As if each server had answered itself: caproto's threading client takes the last address of a
    // datagram for all names in it.
    const write = (found: readonly CaFound[]): Uint8Array[] =>
      grouped(found, formatEndpoint).map((its) => writeCaFound(sequence, its));
    const reply = this.#reply(caReplyLimit(datagram, questions.length), from, via, write);
    for (const { cid, name } of this.#allowed(questions, from)) {
      this.#ask(from, cid, name, {
        found: (location) => {
          const endpoint = answerEndpoint(location, via.isBroadcast ? 'broadcast' : 'us');
          if (endpoint) reply.add({ cid, ...endpoint });
        },
        absent: () => undefined,
      });
    }
    reply.flush();
  }

  #receivePva(datagram: Uint8Array, from: Endpoint, via: Via, peer: string): void {
    for (const search of readPvaSearches(datagram, peer)) {
      // Nothing that waits keeps the search itself, whose names may be long.
      const { sequenceId, isLittleEndian, mustReply } = search;
      const to = { host: from.host, port: search.replyPort || from.port };
      const write = (found: readonly PvaLocation[]): Uint8Array =>
        writePvaLocations({ sequenceId, isLittleEndian }, found);
      const reply = this.#reply<PvaLocation>(datagram.length, to, via, (found) => [write(found)]);
      const isForServers = search.names.length === 0;
      const names = this.#allowed(search.names, from);
      const isUnicast = (names.length > 0 || isForServers) && !via.isBroadcast;
      const passed = isUnicast ? passOnSearch(datagram, from) : undefined;
      if (passed) via.passOn(passed);
      const path = via.isBroadcast ? 'broadcast' : passed ? 'passed-on' : 'us';
      if (isForServers) {
        this.#answerServers(search, path, from, (answer) => via.send(answer, to));
        continue;
      }
      let leftCount = search.names.length;
      for (const { id, name } of names) {
        this.#ask(to, id, name, {
          found: (location) => {
            const endpoint = answerEndpoint(location, path);
            if (endpoint) reply.add({ id, endpoint, guid: location.guid });
          },
          absent: () => {
            leftCount--;
            if (leftCount === 0 && mustReply) via.send(write([]), to);
          },
        });
      }
      reply.flush();
    }
  }

  /**
   * One datagram per server, as if each had answered itself. That exceeds the length of the search,
   * hence only a few.
   */
  #answerServers(
    search: PvaSearch,
    path: SearchPath,
    from: Endpoint,
    send: (answer: Uint8Array) => void,
  ): void {
    for (const location of this.#allowed(this.#input.names.servers, from)) {
      const endpoint = answerEndpoint(location, path);
      if (!endpoint) continue;
      send(writePvaFound(search, [{ ...endpoint, guid: location.guid, ids: [] }]));
    }
  }

  #reply<F>(
    limitBytes: number,
    to: Endpoint,
    via: Via,
    write: (found: readonly F[]) => readonly Uint8Array[],
  ): Reply<F> {
    return new Reply<F>(
      Math.max(limitBytes, MIN_REPLY_BYTES),
      write,
      (reply) => via.send(reply, to),
      (flush) => schedule(this.#store, this.#input.clock, GATHER_MS, flush),
    );
  }

  #ask(
    { host, port }: Endpoint,
    id: number,
    name: string,
    asker: { found(location: NameLocation): void; absent(): void },
  ): void {
    if (name === '') return;
    this.#waiting.begin(`${host} ${port} ${id}`, (settle) =>
      this.#input.names.ask(name, {
        client: `${host} ${port}`,
        found(location) {
          settle();
          asker.found(location);
        },
        absent: () => asker.absent(),
        dropped: settle,
      }),
    );
  }

  /** As many of the searches as are allowed in this second. */
  #allowed<Q>(questions: readonly Q[], from: Endpoint): readonly Q[] {
    const nowMs = this.#input.clock.nowMs();
    if (nowMs - this.#secondFromMs >= 1000) {
      this.#secondFromMs = nowMs;
      this.#namesInSecond = 0;
      this.#ofClients.clear();
    }
    const client = formatEndpoint(from);
    const before = this.#ofClients.get(client) ?? 0;
    const count = Math.min(
      questions.length,
      NAMES_PER_SECOND - this.#namesInSecond,
      NAMES_PER_CLIENT - before,
    );
    this.#namesInSecond += count;
    if (count > 0) this.#ofClients.set(client, before + count);
    if (count < questions.length) this.#complain('more searches than can be answered');
    return questions.slice(0, count);
  }

  #complain(what: string): void {
    const nowMs = this.#input.clock.nowMs();
    if (nowMs - this.#loggedAtMs < LOG_MS) {
      this.#unlogged++;
      return;
    }
    const before = this.#unlogged > 0 ? ` (${this.#unlogged} more before)` : '';
    this.#loggedAtMs = nowMs;
    this.#unlogged = 0;
    this.#input.log('info', 'search', `UDP ${this.#input.protocol}: ${what}${before}`);
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/**
 * The answers to one datagram: what is known goes at once, the rest as it comes. All together they
 * are hardly longer than the search, so that nobody gets much more than they sent; the client
 * searches again for the rest, which is known then.
 */
class Reply<F> {
  #found: F[] = [];
  #leftBytes: number;
  /** Set while the searches are being looked up. */
  #isFirst = true;
  #isDue = false;

  constructor(
    limitBytes: number,
    readonly write: (found: readonly F[]) => readonly Uint8Array[],
    readonly send: (reply: Uint8Array) => void,
    readonly later: (flush: () => void) => void,
  ) {
    this.#leftBytes = limitBytes;
  }

  add(found: F): void {
    this.#found.push(found);
    if (this.#isFirst || this.#isDue) return;
    this.#isDue = true;
    this.later(() => this.flush());
  }

  flush(): void {
    this.#isFirst = false;
    this.#isDue = false;
    let found = this.#found;
    this.#found = [];
    while (found.length > 0) {
      const replies = this.write(found);
      const lengthBytes = replies.reduce((sum, { length }) => sum + length, 0);
      if (lengthBytes <= this.#leftBytes) {
        this.#leftBytes -= lengthBytes;
        for (const reply of replies) this.send(reply);
        return;
      }
      found = found.slice(0, Math.floor(found.length / 2));
    }
  }
}

/** An answer to one name is as long as the shortest search for it, but each server's has a VERSION. */
function caReplyLimit({ length }: Uint8Array, nameCount: number): number {
  return length + CA_VERSION_BYTES * Math.max(0, nameCount - 1);
}

/** Those with the same key together, in the order in which they came. */
function grouped<T>(all: readonly T[], keyOf: (one: T) => string): readonly [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return [...groups.values()];
}

interface PvaLocation {
  readonly id: number;
  readonly endpoint: Endpoint;
  readonly guid: string;
}

/** Names at one server share one answer. */
function writePvaLocations(
  search: Pick<PvaSearch, 'sequenceId' | 'isLittleEndian'>,
  found: readonly PvaLocation[],
): Uint8Array {
  const byServer = grouped(found, ({ guid, endpoint }) => `${guid} ${formatEndpoint(endpoint)}`);
  const answers = byServer.map((its) => {
    const [{ guid, endpoint }] = its;
    return { guid, ids: its.map(({ id }) => id), ...endpoint };
  });
  return writePvaFound(search, answers);
}
