import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import {
  CA_ADDRESS_OF_CIRCUIT,
  CA_MINOR_PROTOCOL_REVISION,
  CA_PROTO_ACCESS_RIGHTS,
  CA_PROTO_ACCESS_RIGHT_READ,
  CA_PROTO_ACCESS_RIGHT_WRITE,
  CA_PROTO_CLEAR_CHANNEL,
  CA_PROTO_CLIENT_NAME,
  CA_PROTO_CREATE_CHAN,
  CA_PROTO_CREATE_CH_FAIL,
  CA_PROTO_ECHO,
  CA_PROTO_ERROR,
  CA_PROTO_EVENTS_OFF,
  CA_PROTO_EVENTS_ON,
  CA_PROTO_EVENT_ADD,
  CA_PROTO_EVENT_CANCEL,
  CA_PROTO_HOST_NAME,
  CA_PROTO_NOT_FOUND,
  CA_PROTO_PRIORITY_MAX,
  CA_PROTO_READ_NOTIFY,
  CA_PROTO_SEARCH,
  CA_PROTO_SERVER_DISCONN,
  CA_PROTO_VERSION,
  DEFAULT_MAX_PAYLOAD_BYTES,
  DIRECT_MARK,
  DOREPLY,
  EXTENDED_HEADER_MARK,
  MAX_NAME_LENGTH,
  MAX_PLAIN_PAYLOAD_BYTES,
} from './constants';
import { dbrLayout, dbrName, dbrSizeBytes, DBR_STRING } from './dbrTypes';
import { Eca } from './eca';
import { encodeMonInfo } from './encodeMessage';
import { decodeErrorPayload } from './errorPayload';
import type { CaClientHandler, CaClientOptions, CaHandshake } from './clientHandler';
import { FrameReader } from './frameReader';
import { FrameWriter } from './frameWriter';
import type { CaServerObservations } from './serverSoftware';
import { IdTable } from './idTable';

// Bits of a channel's state. A search may run beside anything else.
const SEARCHING = 1;
const CREATING = 2;
const LIVE = 4;
const CLEARING = 8;
const LIFE = CREATING | LIVE | CLEARING;

// States of a read.
const READING = 1;

// States of a subscription.
const SUBSCRIBED = 1;
const CANCELLING = 2;

const noBytes = new Uint8Array(0);

/**
 * The client's side of one Channel Access TCP circuit, without a socket: received bytes go in
 * through `receive` and come out as calls of the handler; method calls become bytes for
 * `takeOutput`.
 *
 * Ids (cid, ioid, subscription id) are chosen by the owner, dense from 0: indexes into its own
 * tables. Anything the peer says about an id that we do not know is ignored and reported, as libca
 * does (`tcpiiu.cpp`, `cac.cpp`), because replies in flight cross our cancel and clear messages.
 * Methods throw LocalProtocolError when misused. There is no write: this program never puts a
 * value.
 */
export class CaClientCircuit {
  readonly #peer: string;
  readonly #handler: CaClientHandler;
  readonly #reader: FrameReader;
  readonly #writer = new FrameWriter();
  /** first: sid */
  readonly #channels = new IdTable('cid', false);
  readonly #reads = new IdTable('ioid', false);
  /** first: sid, second: cid */
  readonly #subscriptions = new IdTable('subscription id', true);
  #peerMinor: number | undefined;
  #isShaken = false;
  #hasSent = false;
  #isMirrorWatched = false;
  #hasRefusedAllElements = false;
  #observations: { -readonly [K in keyof CaServerObservations]: CaServerObservations[K] } = {};
  #hasReceived = false;
  /** How many VERSION messages the server sent, and when `versionAgain` was called. */
  #versions = 0;
  #versionsBefore: number | undefined;
  #isOver = false;

  constructor(handler: CaClientHandler, options: CaClientOptions) {
    this.#handler = handler;
    this.#peer = options.peer;
    const maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
    this.#reader = new FrameReader(options.peer, (command) =>
      command === CA_PROTO_READ_NOTIFY || command === CA_PROTO_EVENT_ADD
        ? maxPayloadBytes
        : MAX_PLAIN_PAYLOAD_BYTES,
    );
  }

  /** The server's minor revision; undefined until it has sent VERSION. */
  get peerMinor(): number | undefined {
    return this.#peerMinor;
  }

  /**
   * Whether a read or subscription may ask for count 0, "all elements there are" (minor 13). CAJ
   * servers announce 13 and refuse it with ECA_BADCOUNT: then this turns false, and the owner asks
   * again with the channel's own count.
   */
  get canAskForAllElements(): boolean {
    return (this.#peerMinor ?? 0) >= 13 && !this.#hasRefusedAllElements;
  }

  /** Whether the server answers searches on this circuit (minor 12). */
  get canSearch(): boolean {
    return (this.#peerMinor ?? 0) >= 12;
  }

  /** What the server did so far that reveals its implementation, for `identifyCaServer`. */
  get observations(): CaServerObservations {
    return this.#observations;
  }

  /** Bytes waiting for `takeOutput`. */
  get outputBytes(): number {
    return this.#writer.lengthBytes;
  }

  /** The bytes to send, in order; the array belongs to the caller. */
  takeOutput(): Uint8Array {
    this.#hasSent ||= this.#writer.lengthBytes > 0;
    return this.#writer.take();
  }

  /**
   * Closes the circuit: received bytes are dropped and no handler is called. May be called from a
   * handler.
   */
  close(): void {
    this.#isOver = true;
  }

  // ---- intents -------------------------------------------------------------------------------

  /**
   * Introduces us with VERSION, CLIENT_NAME and HOST_NAME, in libca's order. VERSION goes out once
   * per circuit: caproto takes a second one for a change of priority and ends the circuit.
   */
  handshake({ clientName, hostName, priority = 0 }: CaHandshake): void {
    if (this.#isShaken) throw new LocalProtocolError('CA: the handshake was already sent');
    if (!Number.isInteger(priority) || priority < 0 || priority > CA_PROTO_PRIORITY_MAX) {
      throw new LocalProtocolError(`CA: priority ${priority} is not 0..${CA_PROTO_PRIORITY_MAX}`);
    }
    this.#isShaken = true;
    this.#writer.message(CA_PROTO_VERSION, priority, CA_MINOR_PROTOCOL_REVISION, 0, 0);
    this.#writer.textMessage(CA_PROTO_CLIENT_NAME, 0, 0, 0, 0, clientName);
    this.#writer.textMessage(CA_PROTO_HOST_NAME, 0, 0, 0, 0, hostName);
  }

  /** Asks whether the server has a name; it answers either way. May be repeated. */
  search(cid: number, name: string): void {
    this.#requireHandshake();
    this.#requireName(name);
    this.#channels.reserve(cid);
    this.#writer.textMessage(CA_PROTO_SEARCH, DOREPLY, CA_MINOR_PROTOCOL_REVISION, cid, cid, name);
    this.#channels.setState(cid, this.#channels.state(cid) | SEARCHING);
  }

  /** Opens a channel; answered by `channelCreated` or `channelFailed`. */
  createChannel(cid: number, name: string): void {
    this.#requireHandshake();
    this.#requireName(name);
    this.#channels.reserve(cid);
    const state = this.#channels.state(cid);
    if ((state & LIFE) !== 0) throw new LocalProtocolError(`CA: cid ${cid} is in use`);
    // Parameter 2 repeats the minor revision; rsrv takes it as the circuit's (claim_ciu_action).
    this.#writer.textMessage(CA_PROTO_CREATE_CHAN, 0, 0, cid, CA_MINOR_PROTOCOL_REVISION, name);
    this.#channels.setState(cid, state | CREATING);
  }

  /** Ends a channel. Its subscriptions end with it, on both sides. */
  clearChannel(cid: number): void {
    const sid = this.#requireLive(cid);
    this.#writer.message(CA_PROTO_CLEAR_CHANNEL, 0, 0, sid, cid);
    this.#channels.setState(cid, (this.#channels.state(cid) & ~LIFE) | CLEARING);
  }

  /** Reads once. `count` 0 asks for all elements where `canAskForAllElements`. */
  readNotify(ioid: number, cid: number, dbrType: number, count: number): void {
    const sid = this.#requireLive(cid);
    this.#requireRequest(dbrType, count);
    this.#reads.reserve(ioid);
    if (this.#reads.state(ioid) !== 0) throw new LocalProtocolError(`CA: ioid ${ioid} is in use`);
    this.#writer.message(CA_PROTO_READ_NOTIFY, dbrType, count, sid, ioid);
    this.#reads.setState(ioid, READING);
  }

  /** Subscribes; `mask` is a sum of DBE_ bits. The first event comes at once. */
  subscribe(
    subscriptionId: number,
    cid: number,
    dbrType: number,
    count: number,
    mask: number,
  ): void {
    const sid = this.#requireLive(cid);
    this.#requireRequest(dbrType, count);
    this.#subscriptions.reserve(subscriptionId);
    if (this.#subscriptions.state(subscriptionId) !== 0) {
      throw new LocalProtocolError(`CA: subscription id ${subscriptionId} is in use`);
    }
    const monInfo = encodeMonInfo(mask);
    this.#writer.message(CA_PROTO_EVENT_ADD, dbrType, count, sid, subscriptionId, monInfo);
    this.#subscriptions.setState(subscriptionId, SUBSCRIBED);
    this.#subscriptions.setFirst(subscriptionId, sid);
    this.#subscriptions.setSecond(subscriptionId, cid);
  }

  /**
   * Cancels a subscription; its id stays in use until `subscriptionCancelled`. If its channel is
   * gone already, the id is free at once and the result is false.
   */
  cancelSubscription(subscriptionId: number): boolean {
    if (this.#subscriptions.state(subscriptionId) !== SUBSCRIBED) {
      throw new LocalProtocolError(`CA: there is no subscription ${subscriptionId} to cancel`);
    }
    const sid = this.#subscriptions.first(subscriptionId);
    const cid = this.#subscriptions.second(subscriptionId);
    // rsrv ends the whole circuit for a cancel on a sid that it no longer knows.
    if ((this.#channels.state(cid) & LIVE) === 0 || this.#channels.first(cid) !== sid) {
      this.#subscriptions.setState(subscriptionId, 0);
      return false;
    }
    this.#writer.message(CA_PROTO_EVENT_CANCEL, 0, 0, sid, subscriptionId);
    this.#subscriptions.setState(subscriptionId, CANCELLING);
    return true;
  }

  /** Asks the server for a sign of life, answered through `echo`. */
  echo(): void {
    this.#requireHandshake();
    this.#writer.message(CA_PROTO_ECHO, 0, 0, 0, 0);
  }

  /**
   * An echo whose header is not all zeros. Whether it comes back unchanged reveals the
   * implementation, and a relay of ours passes all later searches to this server. Answered through
   * `echo`, so send it before all other echoes.
   */
  echoMirror(): void {
    this.#requireHandshake();
    this.#isMirrorWatched = true;
    this.#writer.message(CA_PROTO_ECHO, 0, 0, DIRECT_MARK, DIRECT_MARK);
  }

  /**
   * Sends VERSION again, and an echo, which is answered through `echo`: what comes before that answer
   * reveals whether the server answers VERSION. To be sent alone, after `echoMirror` was answered,
   * and not to caproto, which ends the circuit.
   */
  versionAgain(): void {
    this.#requireHandshake();
    this.#versionsBefore = this.#versions;
    this.#writer.message(CA_PROTO_VERSION, 0, CA_MINOR_PROTOCOL_REVISION, 0, 0);
    this.#writer.message(CA_PROTO_ECHO, 0, 0, DIRECT_MARK, DIRECT_MARK);
  }

  /** Asks the server to hold back events (it squashes them) while we cannot keep up. */
  eventsOff(): void {
    this.#requireHandshake();
    this.#writer.message(CA_PROTO_EVENTS_OFF, 0, 0, 0, 0);
  }

  /** Asks the server to send events again. */
  eventsOn(): void {
    this.#requireHandshake();
    this.#writer.message(CA_PROTO_EVENTS_ON, 0, 0, 0, 0);
  }

  // ---- received bytes ------------------------------------------------------------------------

  /**
   * Takes a chunk of any length, which may be reused after the call.
   * @throws RemoteProtocolError when these cannot be messages of a CA server; the circuit is over
   *   then and its connection must be closed
   */
  receive(chunk: Uint8Array): void {
    if (this.#isOver) return;
    const reader = this.#reader;
    reader.push(chunk);
    try {
      while (reader.next()) {
        this.#dispatch(reader);
        if (this.#isOver) return;
      }
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  #dispatch(frame: FrameReader): void {
    switch (frame.command) {
      case CA_PROTO_VERSION:
        this.#onVersion(frame);
        break;
      case CA_PROTO_ACCESS_RIGHTS:
        this.#onAccessRights(frame.parameter1, frame.parameter2);
        break;
      case CA_PROTO_CREATE_CHAN:
        this.#onCreated(frame);
        break;
      case CA_PROTO_EVENT_ADD:
        this.#onEvent(frame);
        break;
      case CA_PROTO_READ_NOTIFY:
        this.#onRead(frame);
        break;
      case CA_PROTO_SEARCH:
      case CA_PROTO_NOT_FOUND:
        this.#onSearchReply(frame);
        break;
      case CA_PROTO_CREATE_CH_FAIL:
      case CA_PROTO_SERVER_DISCONN:
        this.#onChannelGone(frame.command, frame.parameter1);
        break;
      case CA_PROTO_CLEAR_CHANNEL:
        this.#onCleared(frame.parameter2);
        break;
      case CA_PROTO_ECHO:
        this.#onEcho(frame);
        break;
      case CA_PROTO_ERROR:
        this.#onError(frame);
        break;
      default:
        this.#onUnknown(frame);
    }
    this.#hasReceived = true;
  }

  #onVersion(frame: FrameReader): void {
    this.#peerMinor = frame.count;
    this.#versions++;
    if (!this.#hasSent) this.#observations.isVersionUnprompted = true;
    this.#observations.isVersionNumbered = frame.dataType === 1 && frame.parameter1 === 1;
    this.#handler.version(frame.count);
  }

  #onEcho(frame: FrameReader): void {
    if (this.#isMirrorWatched) {
      this.#isMirrorWatched = false;
      this.#observations.isEchoMirrored = frame.parameter1 === DIRECT_MARK;
      // It was sent after VERSION, and answers are in order.
      if (this.#versions === 0) this.#observations.isVersionUnprompted = false;
    } else if (this.#versionsBefore !== undefined) {
      this.#observations.isVersionUnprompted = this.#versions === this.#versionsBefore;
      this.#versionsBefore = undefined;
    }
    this.#handler.echo();
  }

  #onAccessRights(cid: number, rights: number): void {
    if ((this.#channels.state(cid) & (CREATING | LIVE)) === 0) {
      this.#handler.ignored(`access rights for cid ${cid}, which is not open`);
      return;
    }
    this.#handler.accessRights(
      cid,
      (rights & CA_PROTO_ACCESS_RIGHT_READ) !== 0,
      (rights & CA_PROTO_ACCESS_RIGHT_WRITE) !== 0,
    );
  }

  #onCreated(frame: FrameReader): void {
    const cid = frame.parameter1;
    const sid = frame.parameter2;
    const state = this.#channels.state(cid);
    if ((state & CREATING) === 0) {
      this.#handler.ignored(`a create reply for cid ${cid}, which we did not ask for`);
      // libca clears such a channel, so that the server does not keep it (cac.cpp), unless it is a
      // second reply about a channel in use.
      if ((state & LIVE) === 0) this.#writer.message(CA_PROTO_CLEAR_CHANNEL, 0, 0, sid, cid);
      return;
    }
    this.#channels.setFirst(cid, sid);
    this.#channels.setState(cid, (state & ~LIFE) | LIVE);
    this.#handler.channelCreated(cid, frame.dataType, frame.count);
  }

  #onSearchReply(frame: FrameReader): void {
    const cid = frame.parameter2;
    const state = this.#channels.state(cid);
    if ((state & SEARCHING) === 0) {
      this.#handler.ignored(`a search reply for cid ${cid}, which we did not ask for`);
      return;
    }
    this.#channels.setState(cid, state & ~SEARCHING);
    if (frame.command === CA_PROTO_NOT_FOUND) this.#handler.searchNotFound(cid);
    else this.#onFound(cid, frame);
  }

  #onFound(cid: number, frame: FrameReader): void {
    // A redirection to another server (a name server's answer) says nothing about this one's port.
    if (frame.parameter1 === CA_ADDRESS_OF_CIRCUIT) {
      this.#observations.searchPort = frame.dataType;
      this.#observations.hasMinorInSearch = frame.payloadBytes > 0;
    }
    this.#handler.searchFound(cid, frame.dataType, frame.parameter1);
  }

  #onChannelGone(command: number, cid: number): void {
    const state = this.#channels.state(cid);
    if ((state & LIFE) === 0) {
      this.#handler.ignored(`command ${command} for cid ${cid}, which is not open`);
      return;
    }
    this.#channels.setState(cid, state & ~LIFE);
    if ((state & CLEARING) !== 0) this.#handler.channelCleared(cid);
    else if ((state & CREATING) !== 0) this.#handler.channelFailed(cid);
    else this.#handler.channelLost(cid);
  }

  #onCleared(cid: number): void {
    const state = this.#channels.state(cid);
    if ((state & CLEARING) === 0) {
      this.#handler.ignored(`a clear reply for cid ${cid}, which is not being cleared`);
      return;
    }
    this.#channels.setState(cid, state & ~LIFE);
    this.#handler.channelCleared(cid);
  }

  #onRead(frame: FrameReader): void {
    const ioid = frame.parameter2;
    if (this.#reads.state(ioid) !== READING) {
      this.#handler.ignored(`a reply to read ${ioid}, which we did not ask for`);
      return;
    }
    this.#reads.setState(ioid, 0);
    const eca = this.#checkValue(frame);
    const payload = eca === Eca.ECA_NORMAL ? frame.payload : noBytes;
    this.#handler.readDone(ioid, eca, frame.dataType, frame.count, payload);
  }

  #onEvent(frame: FrameReader): void {
    const subscriptionId = frame.parameter2;
    const state = this.#subscriptions.state(subscriptionId);
    if (state === CANCELLING) {
      // The confirmation of EVENT_CANCEL comes as an EVENT_ADD without payload.
      if (frame.payloadBytes !== 0) return;
      this.#subscriptions.setState(subscriptionId, 0);
      this.#handler.subscriptionCancelled(subscriptionId);
      return;
    }
    if (state !== SUBSCRIBED) {
      this.#handler.ignored(`an event for subscription ${subscriptionId}, which we do not have`);
      return;
    }
    const eca = this.#checkValue(frame);
    const payload = eca === Eca.ECA_NORMAL ? frame.payload : noBytes;
    this.#handler.event(subscriptionId, eca, frame.dataType, frame.count, payload);
  }

  /**
   * The status of a value message. Throws RemoteProtocolError when its header promises more than
   * its payload has.
   */
  #checkValue(frame: FrameReader): number {
    if (frame.isOversize) return Eca.ECA_TOLARGE;
    // Parameter 1 carries the status since CA 4.1.
    const eca = frame.parameter1;
    if (eca === Eca.ECA_BADCOUNT && frame.count === 0) this.#hasRefusedAllElements = true;
    if (eca !== Eca.ECA_NORMAL) return eca;
    const layout = dbrLayout(frame.dataType);
    if (layout === undefined) {
      throw new RemoteProtocolError(
        `${this.#peer} sent a value of ${dbrName(frame.dataType)}, which does not exist`,
      );
    }
    // PCAS and old rsrv send a single DBR_STRING only as long as its text (camessage.c, read_action).
    const needed =
      frame.dataType === DBR_STRING && frame.count === 1 ? 1 : dbrSizeBytes(layout, frame.count);
    if (needed > frame.payloadBytes) {
      throw new RemoteProtocolError(
        `${this.#peer} sent ${frame.count} elements of ${layout.name} in ` +
          `${frame.payloadBytes} bytes; they need ${needed}`,
      );
    }
    return eca;
  }

  /** An error names the request it is about. One about a known id is the answer for that id. */
  #onError(frame: FrameReader): void {
    const { about, text } = decodeErrorPayload(frame.payload);
    const eca = frame.parameter2;
    if (eca === Eca.ECA_BADCOUNT && about?.count === 0) this.#hasRefusedAllElements = true;
    if (about?.command === CA_PROTO_READ_NOTIFY && this.#reads.state(about.parameter2) !== 0) {
      this.#reads.setState(about.parameter2, 0);
      this.#handler.readDone(about.parameter2, eca, about.dataType, about.count, noBytes);
    } else if (
      about?.command === CA_PROTO_EVENT_ADD &&
      this.#subscriptions.state(about.parameter2) === SUBSCRIBED
    ) {
      // CAJ refuses count 0 like this, and ends the circuit when the refused subscription is
      // cancelled. rsrv sends other codes, about single updates of a subscription that lives on.
      if (eca === Eca.ECA_BADCOUNT || eca === Eca.ECA_BADTYPE) {
        this.#subscriptions.setState(about.parameter2, 0);
      }
      this.#handler.event(about.parameter2, eca, about.dataType, about.count, noBytes);
    } else if (
      about?.command === CA_PROTO_CREATE_CHAN &&
      (this.#channels.state(about.parameter1) & CREATING) !== 0
    ) {
      this.#onChannelGone(CA_PROTO_CREATE_CH_FAIL, about.parameter1);
    } else {
      this.#handler.serverError(eca, about?.command ?? -1, text);
    }
  }

  #onUnknown(frame: FrameReader): void {
    // Later revisions may add commands, but a peer that begins with one is not a CA server.
    if (!this.#hasReceived) {
      throw new RemoteProtocolError(
        `${this.#peer} is not a Channel Access server: it began with command ${frame.command}, ` +
          `payload ${frame.payloadBytes} bytes`,
      );
    }
    this.#handler.ignored(`command ${frame.command} from the server`);
  }

  // ---- our own rules -------------------------------------------------------------------------

  #requireHandshake(): void {
    if (!this.#isShaken) throw new LocalProtocolError('CA: handshake() must come first');
  }

  #requireName(name: string): void {
    if (name.length === 0 || name.length > MAX_NAME_LENGTH) {
      throw new LocalProtocolError(
        `CA: a PV name of ${name.length} characters cannot be asked for`,
      );
    }
  }

  #requireLive(cid: number): number {
    if ((this.#channels.state(cid) & LIVE) === 0) {
      throw new LocalProtocolError(`CA: cid ${cid} is not a connected channel`);
    }
    return this.#channels.first(cid);
  }

  #requireRequest(dbrType: number, count: number): void {
    if (dbrLayout(dbrType) === undefined) {
      throw new LocalProtocolError(`CA: ${dbrName(dbrType)} cannot be read`);
    }
    const minor = this.#peerMinor ?? 0;
    if (count === 0 && minor < 13) {
      throw new LocalProtocolError(`CA: ${this.#peer} (4.${minor}) does not know count 0`);
    }
    if (count >= EXTENDED_HEADER_MARK && minor < 9) {
      throw new LocalProtocolError(`CA: ${this.#peer} (4.${minor}) cannot be asked for ${count}`);
    }
  }
}

/**
 * The address in a search reply as dotted IPv4; undefined when it means the address that this
 * circuit goes to.
 */
export function searchReplyHost(address: number): string | undefined {
  if (address === CA_ADDRESS_OF_CIRCUIT || address === 0) return undefined;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
