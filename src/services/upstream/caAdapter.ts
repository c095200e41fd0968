import { ContainerError, NoReadAccessError, RemoteProtocolError } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import {
  CaClientCircuit,
  type CaClientHandler,
  type DbrData,
  dbrLayout,
  decodeDbr,
  Eca,
  ecaName,
} from '../../protocol/ca';
import { caHandler } from './caHandler';
import { CaMonitors, type MonitoredChannel } from './caMonitors';
import { CaReads } from './caReads';
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
import { isMaybeCut, readLong } from './readLong';
import { readingOfCa } from './readings';

/**
 * Searched for to find out whether the server answers searches on a circuit. Some servers whose
 * version is new enough do not: they answer the echo that follows first.
 */
const NOBODYS_NAME = 'epics-expose:is-search-answered';
/**
 * A search that was given up may be answered late, and must not be taken for one of another name,
 * so a cid is used again only after all others: more than an IOC has names and channels.
 */
const CID_COUNT = 256 * 1024;
/** Channels closed before the server answered, beyond which it is given up. */
const MAX_ABANDONED = 5000;

class CaChannel implements Channel, MonitoredChannel {
  type = 0;
  count = 1;
  isOpen = false;
  isReadable = true;
  isClosed = false;
  /** The server refused it, and is searched for the reason. */
  isReasonWanted = false;
  /**
   * It was found after a refusal, and is requested once more: a gateway looks for a PV only when
   * searched.
   */
  isAskedTwice = false;
  subscriptionId: number | undefined;
  hasFallenBack = false;
  control: DbrData | undefined;
  monitorListener: MonitorListener | undefined;

  constructor(
    readonly adapter: CaAdapter,
    readonly cid: number,
    readonly name: string,
    readonly owner: ChannelOwner,
  ) {}

  read(onResult: (result: PvReading | Error) => void): void {
    this.adapter.read(this, onResult);
  }
  monitor(listener: MonitorListener): void {
    this.adapter.monitor(this, listener);
  }
  close(): void {
    this.adapter.close(this);
  }
}

/** Channel Access on one circuit. */
export class CaAdapter implements ProtocolAdapter {
  readonly #options: AdapterOptions;
  readonly #events: AdapterEvents;
  readonly #circuit: CaClientCircuit;
  /** By cid, until that may be used again. */
  readonly #channels = new Map<number, CaChannel>();
  /** Cids of channels that were closed before the server answered. */
  readonly #abandoned = new Set<number>();
  readonly #requests: CaReads;
  readonly #monitors: CaMonitors<CaChannel>;
  #lastCid = 0;
  #isReady = false;
  #answersSearches = false;
  #echoesToCome = 0;
  #probeCid: number | undefined;
  /** The cid of the one channel whose search reply distinguishes rsrv from PCAS. */
  #portCid: number | undefined;

  constructor(options: AdapterOptions, events: AdapterEvents) {
    this.#options = options;
    this.#events = events;
    this.#circuit = new CaClientCircuit(caHandler(this.#handler()), { peer: 'the CA server' });
    this.#requests = new CaReads(this.#circuit);
    this.#monitors = new CaMonitors({
      ...{ circuit: this.#circuit, readingOf },
      countOf: (channel) => this.#countOf(channel),
      close: (channel) => this.close(channel),
    });
    this.#circuit.handshake(options);
    // The mark: this server itself is asked, in case a relay of ours is in between.
    this.#echoesToCome++;
    this.#circuit.echoMirror();
  }

  #handler(): Partial<CaClientHandler> {
    return {
      version: () => this.#probeSearches(),
      // Servers that do not answer VERSION answer ECHO.
      echo: () => this.#onEcho(),
      accessRights: (cid, isReadable) => this.#onRights(cid, isReadable),
      channelCreated: (cid, type, count) => this.#onCreated(cid, type, count),
      channelFailed: (cid) => this.#onRefused(cid),
      channelLost: (cid) => this.#onLost(cid),
      channelCleared: (cid) => this.#channels.delete(cid),
      searchFound: (cid, port) => this.#onSearched(cid, true, port),
      searchNotFound: (cid) => this.#onSearched(cid, false),
      readDone: (ioid, eca, dbrType, count, payload) => {
        const isGood = eca === Eca.ECA_NORMAL && this.#requests.isType(ioid, dbrType);
        const answer = eca === Eca.ECA_NORMAL && !isGood ? Eca.ECA_BADTYPE : eca;
        this.#requests.done(ioid, answer, isGood ? decodeDbr(dbrType, count, payload) : undefined);
      },
      event: (id, eca, dbrType, count, payload) =>
        this.#monitors.event(id, eca, dbrType, count, payload),
      serverError: (_eca, _about, text) =>
        this.#options.log?.('info', 'ca', `server says: ${text}`),
      ignored: (reason) => this.#options.log?.('debug', 'ca', `ignored ${reason}`),
    };
  }

  get answersSearches(): boolean {
    return this.#answersSearches;
  }
  /** PCAS does not answer a search for a name that it does not have. */
  get lookupBy(): LookupBy {
    return this.#circuit.canSearch ? 'search' : 'channel';
  }
  receive(chunk: Uint8Array): void {
    this.#circuit.receive(chunk);
  }
  takeOutput(): Uint8Array {
    return this.#circuit.takeOutput();
  }
  ping(): void {
    this.#echoesToCome++;
    this.#circuit.echo();
  }
  canAsk(name: string): boolean {
    return fitsName(name, this.#longestName);
  }
  search(name: string): number {
    const cid = this.#takeCid();
    this.#circuit.search(cid, name);
    return cid;
  }
  get #longestName(): number {
    return longestName('ca', this.#options.software?.());
  }
  openChannel(name: string, owner: ChannelOwner): Channel {
    requireName(name, this.#longestName, this.#options.software?.());
    if (this.#abandoned.size >= MAX_ABANDONED) {
      throw new RemoteProtocolError(`the IOC left ${MAX_ABANDONED} channels without an answer`);
    }
    const channel = new CaChannel(this, this.#takeCid(), name, owner);
    this.#circuit.createChannel(channel.cid, name);
    this.#channels.set(channel.cid, channel);
    return channel;
  }

  /**
   * Reads the value with its time stamp, then units, limits and state names: two requests; waits
   * for both answers.
   */
  read(channel: CaChannel, onResult: (result: PvReading | Error) => void): void {
    let time: DbrData | undefined;
    let control: DbrData | undefined;
    let failure = typeFailure(channel);
    let toCome = 2;
    const answered = (error: Error | undefined): void => {
      failure ??= error;
      if (--toCome > 0) return;
      if (time && control) {
        const reading = readingOf(channel, time, control);
        readLong(this, this.#options.software?.(), channel.name, reading, onResult);
      } else onResult(failure ?? new ContainerError('the IOC sent no value'));
    };
    if (failure) {
      onResult(failure);
      return;
    }
    const readTime = (): void => {
      const count = this.#countOf(channel);
      this.#requests.send(channel, 'TIME', count, (eca, data) => {
        // CAJ refuses "all elements" although its version supports it; the circuit notes that.
        const isRefused = eca === Eca.ECA_BADCOUNT && count === 0;
        if (isRefused && channel.isOpen && this.#countOf(channel) !== 0) {
          readTime();
          return;
        }
        time = data;
        answered(data ? undefined : this.#refusal(eca, channel));
      });
    };
    readTime();
    this.#requests.send(channel, 'CTRL', 1, (eca, data) => {
      control = data;
      answered(data ? undefined : this.#refusal(eca, channel));
    });
  }

  monitor(channel: CaChannel, listener: MonitorListener): void {
    channel.monitorListener = listener;
    const failure = typeFailure(channel);
    if (failure) {
      this.#monitors.fail(channel, failure.message);
      return;
    }
    this.#requests.send(channel, 'CTRL', 1, (eca, data) => {
      if (channel.isClosed || !channel.isOpen) return;
      channel.control = data;
      if (data) this.#monitors.begin(channel);
      else this.#monitors.fail(channel, `the IOC refused the read: ${ecaName(eca)}`);
    });
  }

  close(channel: CaChannel): void {
    if (channel.isClosed) return;
    channel.isClosed = true;
    if (!channel.isOpen) {
      // A channel that is still being created is cleared once it is.
      if (channel.isReasonWanted) this.#channels.delete(channel.cid);
      else if (this.#channels.get(channel.cid) === channel) this.#abandoned.add(channel.cid);
      return;
    }
    // Its subscription ends with it, on both sides.
    this.#monitors.forget(channel);
    channel.isOpen = false;
    this.#circuit.clearChannel(channel.cid);
  }

  #takeCid(): number {
    do this.#lastCid = (this.#lastCid + 1) % CID_COUNT;
    while (this.#channels.has(this.#lastCid));
    return this.#lastCid;
  }

  #countOf({ count }: CaChannel): number {
    return this.#circuit.canAskForAllElements ? 0 : Math.max(1, count);
  }

  #refusal(eca: number, channel: CaChannel): Error {
    if (!channel.isOpen) return new ContainerError('the IOC ended the channel');
    return eca === Eca.ECA_NORDACCESS
      ? new NoReadAccessError(
          `its access security denies reading to ${identityText(this.#options)}`,
        )
      : new RemoteProtocolError(`the IOC refused the read: ${ecaName(eca)}`);
  }

  #ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#events.ready();
  }

  #probeSearches(): void {
    if (this.#isReady || this.#probeCid !== undefined) return;
    if (this.#options.probesSearches !== true || !this.#circuit.canSearch) return;
    this.#probeCid = this.search(NOBODYS_NAME);
    this.ping();
  }

  #onEcho(): void {
    this.#echoesToCome--;
    if (this.#echoesToCome === 0) this.#ready();
  }

  #onRights(cid: number, isReadable: boolean): void {
    const channel = this.#channels.get(cid);
    if (!channel || channel.isClosed) return;
    channel.isReadable = isReadable;
    channel.owner.rightsChanged?.(isReadable);
  }

  #onCreated(cid: number, type: number, count: number): void {
    const channel = this.#channels.get(cid);
    if (!channel) return;
    if (channel.isClosed) {
      this.#abandoned.delete(cid);
      this.#circuit.clearChannel(cid);
      return;
    }
    channel.type = type;
    channel.count = count;
    channel.isOpen = true;
    channel.owner.opened(channel.isReadable);
    const { onSearchPort } = this.#options;
    if (this.#portCid !== undefined || !onSearchPort || !this.#circuit.canSearch) return;
    this.#portCid = cid;
    this.#circuit.search(cid, channel.name);
  }

  /** A refused create does not say why; a search distinguishes "not here" from "not allowed". */
  #onRefused(cid: number): void {
    const channel = this.#channels.get(cid);
    if (channel?.isClosed === false && channel.owner.wantsReason && this.#circuit.canSearch) {
      channel.isReasonWanted = true;
      this.#circuit.search(cid, channel.name);
      return;
    }
    this.#abandoned.delete(cid);
    this.#channels.delete(cid);
    if (channel?.isClosed === false) channel.owner.refused('not-found', '');
  }

  #onSearched(cid: number, isFound: boolean, port = 0): void {
    if (cid === this.#probeCid) {
      this.#answersSearches = true;
      return;
    }
    if (cid === this.#portCid) {
      if (isFound) this.#options.onSearchPort?.(port);
      return;
    }
    const channel = this.#channels.get(cid);
    if (!channel) this.#events.searched(cid, isFound);
    else if (channel.isReasonWanted) this.#onReason(channel, isFound);
  }

  #onReason(channel: CaChannel, isFound: boolean): void {
    channel.isReasonWanted = false;
    if (isFound && !channel.isAskedTwice) {
      channel.isAskedTwice = true;
      this.#circuit.createChannel(channel.cid, channel.name);
      return;
    }
    this.#channels.delete(channel.cid);
    channel.owner.refused(isFound ? 'create-refused' : 'not-found', '');
  }

  #onLost(cid: number): void {
    const channel = this.#channels.get(cid);
    this.#abandoned.delete(cid);
    this.#channels.delete(cid);
    if (!channel) return;
    channel.isOpen = false;
    this.#monitors.forget(channel);
    this.#requests.lost(channel);
    channel.owner.lost();
  }
}

/** The reading of a channel; a string that fills its DBR_STRING may be cut. */
function readingOf({ name, count }: CaChannel, time: DbrData, control: DbrData): PvReading {
  const reading = readingOfCa({ time, control, name });
  const isCut = time.element === 'STRING' && count === 1 && isMaybeCut(reading.value);
  return isCut ? { ...reading, isMaybeCut: true } : reading;
}

function typeFailure({ type }: CaChannel): Error | undefined {
  if (dbrLayout(type) !== undefined) return undefined;
  return new RemoteProtocolError(`the server names a native type ${type}, which does not exist`);
}
