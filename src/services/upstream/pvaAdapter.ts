import { ContainerError, NoReadAccessError, RemoteProtocolError } from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvReading } from '../../model/reading';
import {
  isSuccess,
  PvaClientConnection,
  type PvaClientHandler,
  type PvaStatus,
  type PvaStructureValue,
} from '../../protocol/pva';
import { identityText } from './identityText';
import { fitsName, longestName, requireName } from './nameLimits';
import type {
  AdapterEvents,
  AdapterOptions,
  Channel,
  ChannelOwner,
  LookupBy,
  MonitorListener,
  ProtocolAdapter,
} from './protocolAdapter';
import { readLong } from './readLong';
import { readingOfPart, readingOfPva } from './readings';

/** Names in one search, which the server answers as a whole. */
const NAMES_PER_SEARCH = 1000;
/** Searches whose answers are awaited; a server that claims to answer may not. */
const MAX_SEARCHES = 1000;
/**
 * Channel requests that were given up and never answered, as with core-pva; beyond this number the
 * circuit is begun again.
 */
const MAX_ABANDONED = 5000;

type OnResult = (result: PvReading | Error) => void;

class PvaChannel implements Channel {
  monitorListener: MonitorListener | undefined;

  constructor(
    readonly adapter: PvaAdapter,
    readonly cid: number,
    readonly name: string,
    readonly owner: ChannelOwner,
  ) {}

  read(onResult: OnResult, part?: readonly string[]): void {
    this.adapter.read(this, onResult, part);
  }
  monitor(listener: MonitorListener): void {
    this.adapter.monitor(this, listener);
  }
  close(): void {
    this.adapter.close(this);
  }
}

/** pvAccess on one circuit. */
export class PvaAdapter implements ProtocolAdapter {
  readonly #options: AdapterOptions;
  readonly #events: AdapterEvents;
  readonly #connection: PvaClientConnection;
  /** By cid, until the channel is refused, lost or closed. */
  readonly #channels = new Map<number, PvaChannel>();
  /** By ioid. */
  readonly #reads = new Map<
    number,
    {
      readonly channel: PvaChannel;
      readonly onResult: OnResult;
      readonly part: readonly string[] | undefined;
    }
  >();
  readonly #monitors = new Map<number, PvaChannel>();
  #isReady = false;
  #answersSearches = false;
  #lastSearchId = 0;
  /** Names to search for with the next output. */
  #toSearch: { readonly id: number; readonly name: string }[] = [];
  /** Ids by the sequenceId of their search: pvxs says no by leaving ids out. */
  readonly #searched = new LruMap<number, readonly number[]>(MAX_SEARCHES);
  /** The owners that want the reason of a refusal, by sequenceId. */
  readonly #reasonsWanted = new LruMap<number, ChannelOwner>(MAX_SEARCHES);

  constructor(options: AdapterOptions, events: AdapterEvents) {
    this.#options = options;
    this.#events = events;
    this.#connection = new PvaClientConnection(this.#handler(), {
      identity: { user: options.clientName, host: options.hostName },
    });
  }

  #handler(): PvaClientHandler {
    return {
      onValidated: (status) => this.#onValidated(status),
      onEcho: () => this.#onEcho(),
      onChannelCreated: (cid, status) => this.#onCreated(cid, status),
      onChannelDestroyed: (cid) => this.#onDestroyed(cid),
      onSearchResponse: ({ isFound, ids, sequenceId }) =>
        this.#onSearched(sequenceId, isFound ? ids : []),
      onGet: (ioid, status, value) => this.#onGet(ioid, status, value),
      onMonitorStarted: (ioid, status) => {
        if (isSuccess(status)) return;
        this.#failMonitor(ioid, `the IOC refused the monitor: ${status.message}`);
      },
      onMonitor: (ioid, value) => {
        const channel = this.#monitors.get(ioid);
        if (!channel) return;
        const reading = readingOfPva(value, channel.name);
        channel.monitorListener?.value(reading, { structure: value });
      },
      onMonitorEnd: (ioid) => this.#failMonitor(ioid, 'the IOC ended the monitor'),
      onServerMessage: (_ioid, type, message) =>
        this.#options.log?.('info', 'pva', `server says (${type}): ${message}`),
    };
  }

  get answersSearches(): boolean {
    return this.#answersSearches;
  }
  /**
   * pvAccessCPP answers searches by UDP, so only a channel shows whether it has a name; core-pva
   * says no to neither. pvxs answers every search over TCP, which it shows by answering an empty
   * one, and is only searched.
   */
  get lookupBy(): LookupBy {
    return this.#answersSearches ? 'search' : 'both';
  }
  receive(chunk: Uint8Array): void {
    this.#connection.receive(chunk);
  }
  takeOutput(): Uint8Array {
    this.#sendSearch();
    return this.#connection.takeOutput();
  }
  ping(): void {
    if (this.#connection.isValidated) this.#connection.echo();
  }
  canAsk(name: string): boolean {
    return fitsName(name, this.#longestName);
  }
  search(name: string): number {
    this.#lastSearchId = (this.#lastSearchId + 1) & 0x7fffffff;
    this.#toSearch.push({ id: this.#lastSearchId, name });
    if (this.#toSearch.length >= NAMES_PER_SEARCH) this.#sendSearch();
    return this.#lastSearchId;
  }
  get #longestName(): number {
    return longestName('pva', this.#options.software?.());
  }
  openChannel(name: string, owner: ChannelOwner): Channel {
    requireName(name, this.#longestName, this.#options.software?.());
    if (this.#connection.channelCount - this.#channels.size > MAX_ABANDONED) {
      throw new RemoteProtocolError('the server left too many questions without an answer');
    }
    const channel = new PvaChannel(this, this.#connection.createChannel(name), name, owner);
    this.#channels.set(channel.cid, channel);
    return channel;
  }

  read(channel: PvaChannel, onResult: OnResult, part?: readonly string[]): void {
    this.#reads.set(this.#connection.get(channel.cid), { channel, onResult, part });
  }
  monitor(channel: PvaChannel, listener: MonitorListener): void {
    channel.monitorListener = listener;
    this.#monitors.set(this.#connection.monitor(channel.cid), channel);
  }
  close(channel: PvaChannel): void {
    if (this.#channels.get(channel.cid) !== channel) return;
    this.#forget(channel);
    this.#connection.destroyChannel(channel.cid);
  }

  #forget(channel: PvaChannel): void {
    this.#channels.delete(channel.cid);
    if (!channel.monitorListener) return;
    for (const [ioid, other] of this.#monitors) if (other === channel) this.#monitors.delete(ioid);
  }

  #sendSearch(): void {
    if (this.#toSearch.length === 0) return;
    const names = this.#toSearch;
    this.#toSearch = [];
    const mustReply = this.#answersSearches;
    const sequenceId = this.#connection.search(names, { mustReply, isDirect: true });
    if (mustReply) {
      this.#searched.set(
        sequenceId,
        names.map(({ id }) => id),
      );
    }
  }

  /** @throws RemoteProtocolError if the server refused our connection, which ends the circuit. */
  #onValidated(status: PvaStatus): void {
    if (!isSuccess(status)) {
      throw new RemoteProtocolError(`the server refused our connection: ${status.message}`);
    }
    // pvxs answers both in this order, the others only the echo.
    this.#connection.search([], { mustReply: true, isDirect: true });
    this.#connection.echo();
  }

  #onEcho(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#events.ready();
  }

  #onCreated(cid: number, status: PvaStatus): void {
    const channel = this.#channels.get(cid);
    if (!channel) return;
    if (isSuccess(status)) {
      channel.owner.opened(true);
      return;
    }
    this.#channels.delete(cid);
    // A refusal does not say why. Servers that search over TCP are asked; the others stay silent
    // or answer by UDP, which does not reach us: then "not found" is the likely reason.
    channel.owner.refused('not-found', status.message);
    if (channel.owner.wantsReason !== true) return;
    const searched = [{ id: 0, name: channel.name }];
    const sequenceId = this.#connection.search(searched, { isDirect: true });
    this.#reasonsWanted.set(sequenceId, channel.owner);
  }

  #onSearched(sequenceId: number, foundIds: readonly number[]): void {
    if (!this.#isReady) {
      this.#answersSearches = true;
      return;
    }
    const owner = this.#reasonsWanted.get(sequenceId);
    if (owner) {
      this.#reasonsWanted.delete(sequenceId);
      if (foundIds.length > 0) owner.refused('create-refused', '');
      return;
    }
    const found = new Set(foundIds);
    const ids = this.#searched.get(sequenceId) ?? foundIds;
    this.#searched.delete(sequenceId);
    for (const id of ids) this.#events.searched(id, found.has(id));
  }

  /** Also confirms a channel that we closed and no longer know. */
  #onDestroyed(cid: number): void {
    const channel = this.#channels.get(cid);
    if (!channel) return;
    this.#forget(channel);
    for (const [ioid, { channel: read, onResult }] of this.#reads) {
      if (read !== channel) continue;
      this.#reads.delete(ioid);
      onResult(new ContainerError('the IOC ended the channel'));
    }
    channel.owner.lost();
  }

  #onGet(ioid: number, status: PvaStatus, value: PvaStructureValue | undefined): void {
    const read = this.#reads.get(ioid);
    this.#reads.delete(ioid);
    if (!read) return;
    const { channel, onResult, part } = read;
    if (!isSuccess(status) || !value) {
      onResult(this.#refusal(status.message));
      return;
    }
    if (part) {
      onResult(
        readingOfPart(value, part) ??
          new ContainerError(`${channel.name} has no part ${part.join('/')}`),
      );
      return;
    }
    const reading = readingOfPva(value, channel.name);
    readLong(this, this.#options.software?.(), channel.name, reading, onResult);
  }

  #refusal(message: string): Error {
    const why = message || 'without a reason';
    if (!isDenial(message)) return new RemoteProtocolError(`the IOC refused the read: ${why}`);
    const who = identityText(this.#options);
    return new NoReadAccessError(`the IOC denies reading to ${who}: ${why}`);
  }

  #failMonitor(ioid: number, reason: string): void {
    const channel = this.#monitors.get(ioid);
    if (!channel) return;
    this.close(channel);
    channel.monitorListener?.failed(reason);
  }
}

/** pvAccess has no code for a denial: servers and gateways describe it in words. */
function isDenial(message: string): boolean {
  const words = message.slice(0, 1000).toLowerCase();
  return DENIALS.some((denial) => words.includes(denial));
}

const DENIALS = ['not permitted', 'not allowed', 'no read access', 'denied', 'permission'];
