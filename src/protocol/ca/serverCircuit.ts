import { RemoteProtocolError } from '../../base/errors';
import type { Disposable } from '../../base/disposable';
import {
  CA_ADDRESS_OF_CIRCUIT,
  CA_MINIMUM_SUPPORTED_VERSION,
  CA_MINOR_PROTOCOL_REVISION,
  DOREPLY,
  MAX_PLAIN_PAYLOAD_BYTES,
} from './constants';
import { convertDbr } from './convertDbr';
import { encodeDbr, type DbrData } from './dbrData';
import {
  DBR_CLASS_NAME,
  dbrLayout,
  dbrName,
  dbrSizeBytes,
  dbrType as dbrTypeOf,
  type DbrLayout,
  type ElementType,
} from './dbrTypes';
import { decodeClientMessage } from './decodeMessage';
import { Eca } from './eca';
import { encodeServerMessage } from './encodeMessage';
import { FrameReader } from './frameReader';
import { FrameWriter } from './frameWriter';
import type { CaClientMessage, CaServerMessage } from './message';

/** A PV that a CaServerCircuit serves. */
export interface CaServedPv {
  readonly element: ElementType;
  /** The largest element count of its value; 1 for a scalar. */
  readonly maxCount: number;
  /** The current value, of type `element`, with all metadata there is. */
  read(): DbrData;
  /** Calls back after each change; `mask` is what changed, a sum of DBE_ bits. */
  subscribe(onChange: (mask: number) => void): Disposable;
}

/** Where the served PVs come from. */
export interface CaPvProvider {
  find(name: string): CaServedPv | undefined;
}

/** Options of a CaServerCircuit. */
export interface CaServerOptions {
  /** The other end, for messages. */
  readonly peer: string;
  /** The TCP port that search replies carry. */
  readonly port: number;
  /**
   * Called when `takeOutput` has something new because a PV changed; not for replies to `receive`.
   */
  readonly onOutput: () => void;
  /** Default 1,000,000; further channels get CREATE_CH_FAIL. */
  readonly maxChannels?: number;
}

interface Channel {
  readonly cid: number;
  readonly sid: number;
  readonly pv: CaServedPv;
  readonly subscriptions: Map<number, Subscription>;
}

interface Subscription {
  readonly id: number;
  readonly channel: Channel;
  readonly dbrType: number;
  readonly count: number;
  source: Disposable | null;
}

interface EncodedValue {
  readonly eca: number;
  readonly count: number;
  readonly payload: Uint8Array;
}

/** The longest padded payload that fits a plain header. */
const MAX_SHORT_PAYLOAD_BYTES = 0xfff8;

/**
 * The server's side of one Channel Access TCP circuit, without a socket, for read-only PVs: the
 * demo IOC and our tests. To clients it behaves as rsrv does
 * (`modules/database/src/ioc/rsrv/camessage.c`), except that every write is refused.
 *
 * Events are squashed: an update marks its subscriptions, and `takeOutput` encodes the newest value
 * of the marked ones. So a client that is slower than the PV costs no memory, as long as the owner
 * takes output only when the socket has room.
 */
export class CaServerCircuit implements Disposable {
  readonly #provider: CaPvProvider;
  readonly #options: CaServerOptions;
  readonly #reader: FrameReader;
  readonly #writer = new FrameWriter();
  readonly #channels = new Map<number, Channel>();
  /** Subscriptions with an update that is not encoded yet. */
  readonly #marked = new Set<Subscription>();
  #nextSid = 1;
  #clientMinor: number | undefined;
  #areEventsOff = false;
  #isOver = false;
  /** The client's user name; empty until it has sent it. */
  clientName = '';
  hostName = '';

  constructor(provider: CaPvProvider, options: CaServerOptions) {
    this.#provider = provider;
    this.#options = options;
    this.#reader = new FrameReader(options.peer, () => MAX_PLAIN_PAYLOAD_BYTES);
    // rsrv sends its revision as soon as the client is connected (caservertask.c).
    this.#send({
      command: 'VERSION',
      minor: CA_MINOR_PROTOCOL_REVISION,
      sequence: undefined,
    });
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /** Everything to send now; the array belongs to the caller and is often empty. */
  takeOutput(): Uint8Array {
    if (!this.#areEventsOff) {
      for (const subscription of this.#marked) this.#sendEvent(subscription);
      this.#marked.clear();
    }
    return this.#writer.take();
  }

  /** Ends all subscriptions; bytes received later are dropped. */
  dispose(): void {
    this.#isOver = true;
    for (const channel of this.#channels.values()) this.#close(channel);
    this.#channels.clear();
    this.#marked.clear();
  }

  /**
   * Takes a chunk of any length, which may be reused after the call. Call `takeOutput` next.
   * @throws RemoteProtocolError when the client broke the protocol: send the output, which tells
   *   the client, and close the connection
   */
  receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#reader.push(chunk);
    try {
      while (this.#reader.next()) this.#dispatch();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  #dispatch(): void {
    const message = decodeClientMessage(this.#reader);
    if (
      message.command !== 'VERSION' &&
      (this.#clientMinor ?? CA_MINIMUM_SUPPORTED_VERSION) < CA_MINIMUM_SUPPORTED_VERSION
    ) {
      return this.#fail(Eca.ECA_DEFUNCT, `client version 4.${this.#clientMinor} is too old`);
    }
    switch (message.command) {
      case 'VERSION':
        this.#clientMinor = message.minor;
        break;
      case 'CLIENT_NAME':
        this.clientName = message.name;
        break;
      case 'HOST_NAME':
        this.hostName = message.name;
        break;
      case 'SEARCH':
        this.#onSearch(message);
        break;
      case 'CREATE_CHAN':
        this.#onCreate(message);
        break;
      case 'CLEAR_CHANNEL':
        this.#onClear(message.sid, message.cid);
        break;
      case 'READ':
      case 'READ_NOTIFY':
        this.#onRead(message);
        break;
      case 'EVENT_ADD':
        this.#onSubscribe(message);
        break;
      case 'EVENT_CANCEL':
        this.#onCancel(message);
        break;
      case 'WRITE':
        this.#requireChannel(message.sid);
        this.#sendError(Eca.ECA_NOWTACCESS, 'these PVs can only be read');
        break;
      case 'WRITE_NOTIFY': {
        this.#requireChannel(message.sid);
        const { dbrType, count, ioid } = message;
        const eca = Eca.ECA_NOWTACCESS;
        this.#send({ command: 'WRITE_NOTIFY', dbrType, count, eca, ioid });
        break;
      }
      case 'ECHO':
      case 'READ_SYNC':
        this.#send({ command: message.command });
        break;
      case 'EVENTS_OFF':
        this.#areEventsOff = true;
        break;
      case 'EVENTS_ON':
        this.#areEventsOff = false;
        break;
      case 'REPEATER_REGISTER':
      case 'UNKNOWN':
        this.#fail(Eca.ECA_INTERNAL, `command ${this.#reader.command} is not one for a circuit`);
    }
  }

  #onSearch({ cid, name, minor, isReplyRequired }: CaClientMessage & { command: 'SEARCH' }): void {
    if (this.#provider.find(name) !== undefined) {
      this.#send({
        command: 'SEARCH',
        cid,
        port: this.#options.port,
        address: CA_ADDRESS_OF_CIRCUIT,
        minor: undefined,
      });
    } else if (isReplyRequired) {
      this.#send({ command: 'NOT_FOUND', cid, replyFlag: DOREPLY, minor });
    }
  }

  #onCreate({ cid, name, minor }: CaClientMessage & { command: 'CREATE_CHAN' }): void {
    this.#clientMinor ??= minor;
    const pv = this.#provider.find(name);
    if (pv === undefined || this.#channels.size >= (this.#options.maxChannels ?? 1_000_000)) {
      this.#send({ command: 'CREATE_CH_FAIL', cid });
      return;
    }
    const sid = this.#nextSid++;
    this.#channels.set(sid, { cid, sid, pv, subscriptions: new Map() });
    this.#send({ command: 'ACCESS_RIGHTS', cid, isReadable: true, isWritable: false });
    // A client below 4.9 has no room for a larger count in its header (claim_ciu_reply).
    const count = this.#isExtendedAllowed ? pv.maxCount : Math.min(pv.maxCount, 0xfffe);
    const nativeType = dbrTypeOf('PLAIN', pv.element);
    this.#send({ command: 'CREATE_CHAN', cid, sid, nativeType, count });
  }

  #onClear(sid: number, cid: number): void {
    const channel = this.#requireChannel(sid);
    this.#close(channel);
    this.#channels.delete(sid);
    this.#send({ command: 'CLEAR_CHANNEL', sid, cid });
  }

  #close(channel: Channel): void {
    for (const subscription of channel.subscriptions.values()) {
      subscription.source?.dispose();
      this.#marked.delete(subscription);
    }
  }

  #onRead(message: CaClientMessage & { command: 'READ' | 'READ_NOTIFY' }): void {
    const channel = this.#requireChannel(message.sid);
    const { dbrType, ioid } = message;
    const { eca, count, payload } = this.#encodeValue(channel, dbrType, message.count);
    if (message.command === 'READ_NOTIFY') {
      this.#send({ command: 'READ_NOTIFY', dbrType, count, eca, ioid, payload });
    } else if (eca === Eca.ECA_NORMAL) {
      this.#send({ command: 'READ', dbrType, count, cid: channel.cid, ioid, payload });
    } else {
      this.#sendError(eca, `${dbrName(dbrType)} of count ${message.count} cannot be read`);
    }
  }

  #onSubscribe(message: CaClientMessage & { command: 'EVENT_ADD' }): void {
    const channel = this.#requireChannel(message.sid);
    const { subscriptionId, mask, count, dbrType } = message;
    if (channel.subscriptions.has(subscriptionId)) {
      return this.#fail(Eca.ECA_BADMONID, `subscription id ${subscriptionId} is in use`);
    }
    this.#requireReadable(dbrType);
    const subscription: Subscription = {
      id: subscriptionId,
      channel,
      dbrType,
      count,
      source: null,
    };
    channel.subscriptions.set(subscriptionId, subscription);
    // The first event is sent whatever the mask.
    this.#marked.add(subscription);
    subscription.source = channel.pv.subscribe((changed) => {
      if ((changed & mask) === 0 || this.#isOver) return;
      this.#marked.add(subscription);
      if (!this.#areEventsOff) this.#options.onOutput();
    });
  }

  #onCancel(message: CaClientMessage & { command: 'EVENT_CANCEL' }): void {
    const channel = this.#requireChannel(message.sid);
    const { subscriptionId, sid } = message;
    const subscription = channel.subscriptions.get(subscriptionId);
    if (subscription === undefined) {
      return this.#fail(Eca.ECA_BADMONID, `there is no subscription ${subscriptionId}`);
    }
    subscription.source?.dispose();
    this.#marked.delete(subscription);
    channel.subscriptions.delete(subscriptionId);
    // Confirmed by an EVENT_ADD without payload that repeats the request (event_cancel_reply).
    this.#send({
      command: 'EVENT_ADD',
      dbrType: subscription.dbrType,
      count: subscription.count,
      eca: sid,
      subscriptionId,
      payload: new Uint8Array(0),
    });
  }

  #sendEvent({ channel, dbrType, count: requested, id }: Subscription): void {
    const { eca, count, payload } = this.#encodeValue(channel, dbrType, requested);
    this.#send({ command: 'EVENT_ADD', dbrType, count, eca, subscriptionId: id, payload });
  }

  /**
   * The value of a channel as requested; count 0 means "as many as there are". As in rsrv, missing
   * elements are zeros, and a failed read still has a payload of the promised size: an EVENT_ADD
   * without one would confirm a cancel.
   */
  #encodeValue({ pv }: Channel, dbrType: number, requested: number): EncodedValue {
    const layout = this.#requireReadable(dbrType);
    const failed = (eca: number, count = Math.min(requested, pv.maxCount)): EncodedValue => {
      return { eca, count, payload: new Uint8Array(Math.max(8, dbrSizeBytes(layout, count))) };
    };
    if (dbrType === DBR_CLASS_NAME) return failed(Eca.ECA_BADTYPE);
    if (requested > pv.maxCount) return failed(Eca.ECA_BADCOUNT);
    const converted = convertDbr(pv.read(), layout.element);
    if (converted === undefined) return failed(Eca.ECA_NOCONVERT);
    const count = requested === 0 ? converted.value.length : requested;
    const lengthBytes = dbrSizeBytes(layout, count);
    if (lengthBytes > MAX_SHORT_PAYLOAD_BYTES && !this.#isExtendedAllowed) {
      return failed(Eca.ECA_16KARRAYCLIENT, 0);
    }
    const full = encodeDbr(dbrType, converted);
    if (lengthBytes <= full.length) {
      return { eca: Eca.ECA_NORMAL, count, payload: full.subarray(0, lengthBytes) };
    }
    const payload = new Uint8Array(lengthBytes);
    payload.set(full);
    return { eca: Eca.ECA_NORMAL, count, payload };
  }

  #requireReadable(dbrType: number): DbrLayout {
    const layout = dbrLayout(dbrType);
    if (layout === undefined) this.#fail(Eca.ECA_BADTYPE, `${dbrName(dbrType)} cannot be read`);
    return layout;
  }

  get #isExtendedAllowed(): boolean {
    return (this.#clientMinor ?? 0) >= 9;
  }

  #requireChannel(sid: number): Channel {
    const channel = this.#channels.get(sid);
    if (channel === undefined) this.#fail(Eca.ECA_INTERNAL, `there is no channel with sid ${sid}`);
    return channel;
  }

  /**
   * Sends the client an error, then ends the circuit, as rsrv does after anything it cannot assign.
   */
  #fail(eca: number, text: string): never {
    this.#sendError(eca, text);
    throw new RemoteProtocolError(`${this.#options.peer}: ${text}`);
  }

  #sendError(eca: number, text: string): void {
    const { command, payloadBytes, dataType, count, parameter1, parameter2 } = this.#reader;
    const about = { command, payloadBytes, dataType, count, parameter1, parameter2 };
    const cid = this.#channels.get(parameter1)?.cid ?? 0xffffffff;
    this.#send({ command: 'ERROR', cid, eca, about, text });
  }

  #send(message: CaServerMessage): void {
    encodeServerMessage(this.#writer, message, this.#isExtendedAllowed);
  }
}
