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
import type { PvaServerObservations } from './identifyPvaServer';
import type { MonitorOptions } from './operation';
import { type PvRequest, REQUEST_ALL } from './pvRequest';
import { ANY_ADDRESS, readSearchResponse, type SearchedName, writeSearchRequest } from './search';
import type { TypeCache } from './typeCodec';
import { structureType } from './types';
import { writeTyped } from './valueEncode';
import type { PvaAnyValue } from './values';

export interface PvaClientOptions {
  /** Who we are to servers that offer the method `ca`; undefined: anonymous. Not verified by them. */
  readonly identity?: { readonly user: string; readonly host: string };
  /** A longer message of the server is an error. */
  readonly maxMessageBytes?: number;
  /** Gives the string arrays in the answers to rpc as EncodedStrings, which may be a million. */
  readonly keepsStringsEncoded?: boolean;
}

/** Whether a channel can have that name: not empty, and no longer than servers take. */
export function isChannelName(name: string): boolean {
  if (name === '' || name.length > MAX_CHANNEL_NAME_BYTES) return false;
  // No character takes more than three bytes for each of its units.
  return (
    name.length * 3 <= MAX_CHANNEL_NAME_BYTES || encodeUtf8(name).length <= MAX_CHANNEL_NAME_BYTES
  );
}

/** Announced by core-pva unless set otherwise, and by pvAccessJava. */
const CORE_PVA_BUFFER_BYTES = 16_384;
const CA_IDENTITY = structureType('', { user: 'string', host: 'string' });
/** As many names as keep one SEARCH below 64 kB with names of usual length. */
const NAMES_PER_SEARCH = 1000;

/**
 * The client side of one TCP circuit. It owns no socket: hand it what arrives (`receive`) and send
 * what `takeOutput` returns, after each call of a method and after each `receive`. The server
 * speaks first; requests may be made from `onValidated` on. Needs an `echo` every
 * PVA_ECHO_INTERVAL_MS. Methods throw LocalProtocolError when misused, `receive` throws
 * RemoteProtocolError when the server breaks the protocol: close the socket then. Never puts.
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

  get isValidated(): boolean {
    return this.#isValidated;
  }

  /** What the server showed of itself so far, for identifyPvaServer. */
  get observations(): PvaServerObservations {
    return this.#observations;
  }

  /** Channels being created, created or being destroyed. */
  get channelCount(): number {
    return this.#channels.count;
  }

  get operationCount(): number {
    return this.#operations.count;
  }

  /** Bytes that wait to be taken: stop asking for more when the socket does not keep up. */
  get outputBytes(): number {
    return this.#writer.lengthBytes;
  }

  /** Bytes to send now, the caller's own; often empty. */
  takeOutput(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }

  /** Takes bytes from the server; the chunk must not be reused by its owner. */
  receive(chunk: Uint8Array): void {
    this.#frames.receive(chunk, {
      onMessage: (command, payload, version) => this.#onMessage(command, payload, version),
      onControl: (command, data, isLittleEndian) => this.#onControl(command, data, isLittleEndian),
    });
  }

  /**
   * Searches over this circuit; answers come by onSearchResponse. pvxs and core-pva answer here,
   * pvAccessCPP by UDP only (responseHandlers.cpp, getBroadcastTransport): never wait without a
   * deadline. Without `mustReply` only names that exist are answered. No names and `mustReply`
   * asks pvxs for its GUID. With `isDirect` a relay of ours in between does not answer in the
   * server's place. Returns the sequenceId of the answer to the first thousand names; each
   * further thousand is a message of its own, with the next sequenceId.
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
   * Asks for a channel and returns its cid: small integers from 0, used again after the channel
   * ended. core-pva never answers for names that it does not have. One name a message: pvAccessCPP
   * closes the circuit on more (responseHandlers.cpp "only 1 supported for now").
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

  /** Ends a channel and its operations, also one that is still being created. */
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

  /** Asks for the type of a field, '' for the whole; answered once by onField. */
  getField(cid: number, subField = ''): number {
    return this.#operations.getField(cid, subField);
  }

  /** Gets a value once, answered by onGet; with `isKept` again and again by getAgain(ioid). */
  get(cid: number, request: PvRequest = REQUEST_ALL, { isKept = false } = {}): number {
    return this.#operations.get(cid, request, isKept);
  }

  /** Repeats a kept get that was answered. */
  getAgain(ioid: number): void {
    this.#operations.getAgain(ioid);
  }

  /** Subscribes: onMonitorStarted once, onMonitor for each update. */
  monitor(cid: number, options: MonitorOptions = {}): number {
    return this.#operations.monitor(cid, options);
  }

  pauseMonitor(ioid: number): void {
    this.#operations.setMonitorRunning(ioid, false);
  }

  resumeMonitor(ioid: number): void {
    this.#operations.setMonitorRunning(ioid, true);
  }

  /** Lets a pipelined monitor send `count` more updates. */
  acknowledgeMonitor(ioid: number, count: number): void {
    this.#operations.acknowledgeMonitor(ioid, count);
  }

  /** Calls a channel's service once; answered by onRpc. */
  rpc(cid: number, argument: PvaAnyValue): number {
    return this.#operations.rpc(cid, argument);
  }

  /** Asks the server to stop working on an operation, which stays. */
  cancelRequest(ioid: number): void {
    this.#operations.cancel(ioid);
  }

  /** Ends an operation: its handler is not called any more. */
  destroyRequest(ioid: number): void {
    this.#operations.destroy(ioid);
  }

  /** Answered by onEcho, with the payload from protocol revision 2 on. */
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
      // pvAccessCPP, pvAccessJava and pvxs ignore the flag of our messages after having sent this,
      // whatever `data` says (pvxs conn.cpp), so it holds for all we send.
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
    // Servers send SET_BYTE_ORDER before; should one not, its own order is the best guess.
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
      // The buffer size pvxs sends (nobody uses it), types that we keep, quality of service.
      body.u32(0x10000).u16(0x7fff).u16(0);
      writeString(body, isCa ? 'ca' : 'anonymous');
      // core-pva looks the host up and hangs when it cannot (ClientAuthentication.java).
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
    // Both sides may destroy at the same time; the second message means nothing any more.
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
