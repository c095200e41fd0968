import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import { type ByteReader, encodeUtf8 } from '../bytes';
import { isSuccess, readCount, readStatus, readString, writeSize, writeString } from './basics';
import { ChannelTable } from './channelTable';
import type { PvaClientHandler } from './clientHandler';
import { ClientOperations } from './clientOperations';
import {
  CMD_ACL_CHANGE,
  CMD_CONNECTION_VALIDATED,
  CMD_CONNECTION_VALIDATION,
  CMD_CREATE_CHANNEL,
  CMD_DESTROY_CHANNEL,
  CMD_ECHO,
  CMD_GET,
  CMD_GET_FIELD,
  CMD_MESSAGE,
  CMD_MONITOR,
  CMD_RPC,
  CMD_SEARCH,
  CMD_SEARCH_RESPONSE,
  CONTROL_ACKNOWLEDGE_MARKER,
  CONTROL_ECHO_REQUEST,
  CONTROL_ECHO_RESPONSE,
  CONTROL_SET_BYTE_ORDER,
  CONTROL_SET_MARKER,
  DEFAULT_MAX_MESSAGE_BYTES,
  MAX_CHANNEL_NAME_BYTES,
  SEARCH_MUST_REPLY,
  SEARCH_UNICAST,
} from './constants';
import { FrameReader, FrameWriter } from './framing';
import type { PvaServerObservations } from './serverSoftware';
import type { MonitorOptions } from './operation';
import { type PvRequest, REQUEST_ALL } from './pvRequest';
import { ANY_ADDRESS, readSearchResponse, type SearchedName, writeSearchRequest } from './search';
import type { TypeCache } from './typeCodec';
import { structureType } from './types';
import { writeTyped } from './valueEncode';
import type { PvaAnyValue } from './values';

/** Options of a PvaClientConnection. */
export interface PvaClientOptions {
  /**
   * Who we claim to be to servers that offer the method `ca`; undefined: anonymous. Servers do not
   * verify it.
   */
  readonly identity?: { readonly user: string; readonly host: string };
  /** A longer message of the server is an error. Default 64 MiB. */
  readonly maxMessageBytes?: number;
  /** Returns the string arrays in answers to rpc as EncodedStrings; there may be a million. */
  readonly keepsStringsEncoded?: boolean;
}

/** Whether a channel can have that name: not empty, and no longer than we ask for. */
export function isChannelName(name: string): boolean {
  if (name === '' || name.length > MAX_CHANNEL_NAME_BYTES) return false;
  // No character takes more than three bytes for each of its UTF-16 units.
  return (
    name.length * 3 <= MAX_CHANNEL_NAME_BYTES || encodeUtf8(name).length <= MAX_CHANNEL_NAME_BYTES
  );
}

/** What core-pva announces by default, and pvAccessJava. */
const CORE_PVA_BUFFER_BYTES = 16_384;
const CA_IDENTITY = structureType('', { user: 'string', host: 'string' });
/** So many names keep one SEARCH below 64 kB, if they have the usual length. */
const NAMES_PER_SEARCH = 1000;

/**
 * The client's side of one pvAccess TCP circuit, without a socket: pass what arrives to `receive`,
 * and send what `takeOutput` returns after each call of a method and each `receive`. The server
 * speaks first; requests may be made from `onValidated` on. Call `echo` every PVA_ECHO_INTERVAL_MS.
 * Methods throw LocalProtocolError when misused; `receive` throws RemoteProtocolError when the
 * server breaks the protocol: then close the socket. Never puts a value.
 */
export class PvaClientConnection {
  readonly #frames: FrameReader;
  // Little endian until the server says otherwise; nothing is sent before that.
  readonly #writer = new FrameWriter('client', true);
  readonly #channels = new ChannelTable();
  readonly #cache: TypeCache = new Map();
  readonly #operations: ClientOperations;
  readonly #handler: PvaClientHandler;
  readonly #options: PvaClientOptions;
  #isValidated = false;
  #isByteOrderSet = false;
  #sequenceId = 0;
  #observations: PvaServerObservations = {};

  constructor(handler: PvaClientHandler, options: PvaClientOptions = {}) {
    this.#handler = handler;
    this.#options = options;
    this.#frames = new FrameReader('server', options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES);
    this.#operations = new ClientOperations(
      this.#writer,
      this.#channels,
      this.#cache,
      handler,
      options.keepsStringsEncoded,
    );
  }

  /** Whether requests may be made. */
  get isValidated(): boolean {
    return this.#isValidated;
  }

  /** What the server revealed about itself so far, for identifyPvaServer. */
  get observations(): PvaServerObservations {
    return this.#observations;
  }

  /** Channels being created, created or being destroyed. */
  get channelCount(): number {
    return this.#channels.count;
  }

  /** Open requests. */
  get operationCount(): number {
    return this.#operations.count;
  }

  /** Bytes waiting for `takeOutput`. Stop asking for more when the socket does not keep up. */
  get outputBytes(): number {
    return this.#writer.lengthBytes;
  }

  /** The bytes to send now; the array belongs to the caller and is often empty. */
  takeOutput(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }

  /** Takes bytes from the server; their owner must not reuse the chunk. */
  receive(chunk: Uint8Array): void {
    this.#frames.receive(chunk, {
      onMessage: (command, payload, version) => this.#onMessage(command, payload, version),
      onControl: (command, data, isLittleEndian) => this.#onControl(command, data, isLittleEndian),
    });
  }

  /**
   * Searches over this circuit; answers come through onSearchResponse. pvxs and core-pva answer
   * here, pvAccessCPP by UDP only (responseHandlers.cpp, getBroadcastTransport), so always set a
   * deadline. Without `mustReply`, only names that exist are answered. No names and `mustReply`
   * asks pvxs for its GUID. With `isDirect`, a relay of ours in between does not answer in place of
   * the server. Returns the sequenceId of the answer to the first thousand names; each further
   * thousand is a message of its own, with the next sequenceId.
   */
  search(names: readonly SearchedName[], { mustReply = false, isDirect = false } = {}): number {
    this.#checkValidated();
    const flags = SEARCH_UNICAST | (mustReply ? SEARCH_MUST_REPLY : 0);
    const firstSequenceId = this.#sequenceId + 1;
    let start = 0;
    do {
      const part = names.slice(start, start + NAMES_PER_SEARCH);
      const request = {
        sequenceId: ++this.#sequenceId,
        flags,
        isDirect,
        replyAddress: ANY_ADDRESS,
        // No port: pvAccessCPP would send its UDP answers there, possibly to a stranger.
        replyPort: 0,
        protocols: names.length === 0 ? [] : ['tcp'],
        names: part,
      };
      this.#writer.message(CMD_SEARCH, (body) => writeSearchRequest(body, request));
      start += NAMES_PER_SEARCH;
    } while (start < names.length);
    return firstSequenceId;
  }

  /**
   * Asks for a channel and returns its cid: small integers from 0, reused after the channel has
   * ended. core-pva never answers for names that it does not have. One name per message:
   * pvAccessCPP closes the circuit on more (responseHandlers.cpp "only 1 supported for now").
   */
  createChannel(name: string): number {
    this.#checkValidated();
    const nameBytes = encodeUtf8(name);
    if (!isChannelName(name)) {
      throw new LocalProtocolError(`a channel name of ${nameBytes.length} bytes`);
    }
    const cid = this.#channels.allocate();
    this.#writer.message(CMD_CREATE_CHANNEL, (body) => {
      body.u16(1).u32(cid);
      writeSize(body, nameBytes.length);
      body.bytes(nameBytes);
    });
    return cid;
  }

  /** Ends a channel and its operations, also while it is being created. */
  destroyChannel(cid: number): void {
    const state = this.#channels.stateOf(cid);
    if (state === 'creating') this.#channels.set(cid, 'abandoned');
    if (state === 'created') this.#sendDestroyChannel(cid);
  }

  #sendDestroyChannel(cid: number): void {
    const sid = this.#channels.sidOf(cid) as number;
    this.#operations.retireChannel(cid);
    this.#channels.set(cid, 'destroying');
    this.#writer.message(CMD_DESTROY_CHANNEL, (body) => body.u32(sid).u32(cid));
  }

  /**
   * Asks for the type of a field, '' for the whole structure. Returns the ioid, answered once by
   * onField.
   */
  getField(cid: number, subField = ''): number {
    return this.#operations.getField(cid, subField);
  }

  /**
   * Gets a value once, or with `isKept` again with each getAgain. Returns the ioid, answered by
   * onGet.
   */
  get(cid: number, request: PvRequest = REQUEST_ALL, { isKept = false } = {}): number {
    return this.#operations.get(cid, request, isKept);
  }

  /** Repeats a kept get that was answered. */
  getAgain(ioid: number): void {
    this.#operations.getAgain(ioid);
  }

  /** Subscribes. Returns the ioid: onMonitorStarted comes once, onMonitor for each update. */
  monitor(cid: number, options: MonitorOptions = {}): number {
    return this.#operations.monitor(cid, options);
  }

  /** Stops the updates of a monitor, which stays open. */
  pauseMonitor(ioid: number): void {
    this.#operations.setMonitorRunning(ioid, false);
  }

  /** Starts the updates of a paused monitor again. */
  resumeMonitor(ioid: number): void {
    this.#operations.setMonitorRunning(ioid, true);
  }

  /** Lets a pipelined monitor send `count` more updates. */
  acknowledgeMonitor(ioid: number, count: number): void {
    this.#operations.acknowledgeMonitor(ioid, count);
  }

  /** Calls a channel's RPC service once. Returns the ioid, answered by onRpc. */
  rpc(cid: number, argument: PvaAnyValue): number {
    return this.#operations.rpc(cid, argument);
  }

  /** Asks the server to stop working on a request, which stays open. */
  cancelRequest(ioid: number): void {
    this.#operations.cancel(ioid);
  }

  /** Ends a request: its handler is not called any more. */
  destroyRequest(ioid: number): void {
    this.#operations.destroy(ioid);
  }

  /** Asks for a sign of life, answered by onEcho; with the payload from protocol revision 2 on. */
  echo(payload: Uint8Array = new Uint8Array(0)): void {
    this.#checkValidated();
    this.#writer.message(CMD_ECHO, (body) => body.bytes(payload));
  }

  #checkValidated(): void {
    if (!this.#isValidated) throw new LocalProtocolError('the connection is not validated yet');
  }

  #observe(seen: PvaServerObservations): void {
    this.#observations = { ...this.#observations, ...seen };
  }

  #onControl(command: number, data: number, isLittleEndian: boolean): void {
    if (command === CONTROL_SET_BYTE_ORDER) {
      // After they have sent this, pvAccessCPP, pvAccessJava and pvxs ignore the byte-order flag of
      // our messages, whatever `data` says (pvxs conn.cpp). So it holds for everything we send.
      this.#writer.isLittleEndian = isLittleEndian;
      this.#isByteOrderSet = true;
      this.#observe({ isLittleEndian, byteOrderHint: data });
    } else if (command === CONTROL_ECHO_REQUEST) {
      this.#writer.control(CONTROL_ECHO_RESPONSE, data);
    } else if (command === CONTROL_SET_MARKER) {
      this.#writer.control(CONTROL_ACKNOWLEDGE_MARKER, data);
    }
  }

  #onMessage(command: number, payload: ByteReader, version: number): void {
    switch (command) {
      case CMD_CONNECTION_VALIDATION:
        this.#onValidation(payload, version);
        return;
      case CMD_CONNECTION_VALIDATED: {
        const status = readStatus(payload);
        this.#isValidated = isSuccess(status);
        this.#handler.onValidated?.(status);
        return;
      }
      case CMD_SEARCH_RESPONSE: {
        const response = readSearchResponse(payload);
        this.#observe({ answersSearchOverTcp: true });
        this.#handler.onSearchResponse?.(response);
        return;
      }
      case CMD_CREATE_CHANNEL:
        this.#onChannelCreated(payload);
        return;
      case CMD_DESTROY_CHANNEL:
        this.#onChannelDestroyed(payload);
        return;
      case CMD_ACL_CHANGE:
        this.#onAclChange(payload);
        return;
      case CMD_GET_FIELD:
      case CMD_GET:
      case CMD_MONITOR:
      case CMD_RPC:
        this.#operations.receive(command, payload);
        return;
      case CMD_MESSAGE:
        this.#onServerMessage(payload);
        return;
      case CMD_ECHO:
        this.#handler.onEcho?.(Uint8Array.from(payload.view(payload.remainingBytes)));
        return;
      default:
        this.#handler.onSkipped?.(command, payload.remainingBytes);
    }
  }

  #onValidation(payload: ByteReader, version: number): void {
    // Servers send SET_BYTE_ORDER first; if one does not, its own byte order is the best guess.
    if (!this.#isByteOrderSet) this.#writer.isLittleEndian = payload.littleEndian;
    const receiveBufferBytes = payload.u32();
    const registrySize = payload.u16();
    const authNames: string[] = [];
    const count = readCount(payload, 1);
    for (let i = 0; i < count; i++) authNames.push(readString(payload));
    this.#observe({ version, receiveBufferBytes, registrySize, authNames });
    const { identity } = this.#options;
    const isCa = identity !== undefined && authNames.includes('ca');
    this.#writer.message(CMD_CONNECTION_VALIDATION, (body) => {
      // The buffer size that pvxs sends (nobody uses it), how many types we keep, quality of
      // service.
      body.u32(0x10000).u16(0x7fff).u16(0);
      writeString(body, isCa ? 'ca' : 'anonymous');
      // core-pva looks up the host and hangs when it cannot (ClientAuthentication.java).
      const isCorePva = receiveBufferBytes === CORE_PVA_BUFFER_BYTES;
      const value = identity && { ...identity, ...(isCorePva && { host: '127.0.0.1' }) };
      writeTyped(body, isCa && value ? { type: CA_IDENTITY, value } : undefined);
    });
  }

  #onChannelCreated(payload: ByteReader): void {
    const cid = payload.u32();
    const sid = payload.u32();
    const status = readStatus(payload);
    const state = this.#channels.stateOf(cid);
    if (state !== 'creating' && state !== 'abandoned') {
      throw new RemoteProtocolError(
        `${payload.what}: answers for channel ${cid}, which is ${state}`,
      );
    }
    if (!isSuccess(status)) {
      this.#channels.free(cid);
      this.#observe({ refusal: status.message });
    } else {
      this.#channels.set(cid, 'created', sid);
      if (state === 'abandoned') this.#sendDestroyChannel(cid);
    }
    if (state === 'creating') this.#handler.onChannelCreated?.(cid, status);
  }

  #onChannelDestroyed(payload: ByteReader): void {
    payload.skip(4);
    const cid = payload.u32();
    const state = this.#channels.stateOf(cid);
    // Both sides may destroy at the same time; then the second message means nothing.
    if (state !== 'created' && state !== 'destroying') return;
    this.#operations.removeChannel(cid);
    this.#channels.free(cid);
    this.#handler.onChannelDestroyed?.(cid);
  }

  #onAclChange(payload: ByteReader): void {
    const cid = payload.u32();
    const rights = payload.u8();
    this.#observe({ sendsAccessRights: true });
    this.#handler.onAccessRights?.(cid, (rights & 1) !== 0);
  }

  #onServerMessage(payload: ByteReader): void {
    const ioid = payload.u32();
    const type = ['info', 'warning', 'error', 'fatal'][payload.u8()] ?? 'unknown';
    this.#handler.onServerMessage?.(ioid, type, readString(payload));
  }
}
