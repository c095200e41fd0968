import type { Disposable } from '../../base/disposable';
import { RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import {
  errorStatus,
  type PvaStatus,
  readString,
  STATUS_OK,
  writeSize,
  writeStatus,
  writeString,
} from './basics';
import type { BitSet } from './bitSet';
import * as C from './constants';
import { selectedLeaves } from './fieldSelection';
import { FrameReader, FrameWriter } from './framing';
import { CHANNEL_LIST_TYPE } from './normativeTypes';
import {
  ANY_ADDRESS,
  mustReply,
  readSearchRequest,
  type SearchRequest,
  writeSearchResponse,
} from './search';
import { readServerChannelRequest, SERVER_CHANNEL } from './serverChannel';
import type { PvaProvider, PvaServedPv } from './servedPv';
import { ServerMonitor } from './serverMonitor';
import { SentTypes, type TypeCache, writeType } from './typeCodec';
import { fieldOf, type PvaType, structureType } from './types';
import { ValueReader } from './valueDecode';
import { writeChanged, writeTyped } from './valueEncode';
import { type PvaAnyValue, valueAt } from './values';

/** Options of a PvaServerConnection. */
export interface PvaServerOptions {
  /** 24 hex digits, the same on all connections of one server. */
  readonly guid: string;
  /** The port in answers to searches: the one that clients shall connect to. */
  readonly tcpPort: number;
  /** Shown by `pvxlist -i`; the software's version. */
  readonly version: string;
  readonly isLittleEndian?: boolean;
  readonly maxMessageBytes?: number;
  /** Output waits that `receive` did not cause: call `takeOutput` once the socket has room. */
  readonly onOutput?: () => void;
}

interface Channel {
  readonly cid: number;
  /** Undefined for the channel `server`. */
  readonly pv: PvaServedPv | undefined;
  readonly ioids: Set<number>;
}

type Request =
  | {
      readonly kind: 'get';
      readonly sid: number;
      readonly pv: PvaServedPv;
      readonly leaves: BitSet;
    }
  | { readonly kind: 'monitor'; readonly sid: number; readonly monitor: ServerMonitor }
  | { readonly kind: 'rpc'; readonly sid: number };

/**
 * Differs from pvxs (65536), pvAccessCPP (17408) and core-pva (16384), so that nobody takes us for
 * them.
 */
const RECEIVE_BUFFER_BYTES = 32_768;
/** Channels and requests of one client together. */
const MAX_OBJECTS = 1_000_000;
const INFO_TYPE = structureType('', { implLang: 'string', version: 'string' });

const REFUSED = errorStatus('This server is read-only');

/**
 * The server's side of one pvAccess TCP circuit, read-only, without a socket: search, channels,
 * GET_FIELD, GET, MONITOR, and the RPC of channel `server`. Driven as PvaClientConnection is.
 * Dispose it when the circuit ends.
 */
export class PvaServerConnection implements Disposable {
  readonly #frames: FrameReader;
  readonly #writer: FrameWriter;
  readonly #cache: TypeCache = new Map();
  readonly #sentTypes = new SentTypes();
  readonly #channels = new Map<number, Channel>();
  readonly #requests = new Map<number, Request>();
  readonly #pending = new Set<ServerMonitor>();
  readonly #provider: PvaProvider;
  readonly #options: PvaServerOptions;
  #nextSid = 1;

  constructor(provider: PvaProvider, options: PvaServerOptions) {
    this.#provider = provider;
    this.#options = options;
    const maxBytes = options.maxMessageBytes ?? C.DEFAULT_MAX_MESSAGE_BYTES;
    this.#frames = new FrameReader('client', maxBytes);
    this.#writer = new FrameWriter('server', options.isLittleEndian ?? true);
    this.#writer.control(C.CONTROL_SET_BYTE_ORDER, 0);
    this.#writer.message(C.CMD_CONNECTION_VALIDATION, (body) => {
      body.u32(RECEIVE_BUFFER_BYTES).u16(0x7fff);
      // Clients choose the last one that they know (pvxs clientconn.cpp).
      writeSize(body, 2);
      writeString(body, 'anonymous');
      writeString(body, 'ca');
    });
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  /**
   * The bytes to send now. Updates of monitors are encoded here, so do not call it while the socket
   * is full.
   */
  takeOutput(): Uint8Array<ArrayBuffer> {
    for (const monitor of this.#pending) {
      this.#writer.message(C.CMD_MONITOR, (body) => monitor.write(body));
    }
    this.#pending.clear();
    return this.#writer.take();
  }

  /**
   * Takes bytes from the client; their owner must not reuse the chunk. Throws RemoteProtocolError
   * when the client breaks the protocol: close the connection then.
   */
  receive(chunk: Uint8Array): void {
    this.#frames.receive(chunk, {
      onMessage: (command, payload) => this.#onMessage(command, payload),
      onControl: (command, data) => {
        // Clients give the byte order in each message; only the echo needs an answer.
        if (command === C.CONTROL_ECHO_REQUEST) this.#writer.control(C.CONTROL_ECHO_RESPONSE, data);
        if (command === C.CONTROL_SET_MARKER) {
          this.#writer.control(C.CONTROL_ACKNOWLEDGE_MARKER, data);
        }
      },
    });
  }

  dispose(): void {
    for (const ioid of [...this.#requests.keys()]) this.#endRequest(ioid);
    this.#channels.clear();
  }

  #onMessage(command: number, payload: ByteReader): void {
    switch (command) {
      case C.CMD_CONNECTION_VALIDATION:
        this.#onValidation(payload);
        return;
      case C.CMD_ECHO:
        this.#writer.message(C.CMD_ECHO, (body) =>
          body.bytes(payload.view(payload.remainingBytes)),
        );
        return;
      case C.CMD_SEARCH:
        this.#onSearch(readSearchRequest(payload));
        return;
      case C.CMD_CREATE_CHANNEL:
        this.#onCreateChannel(payload);
        return;
      case C.CMD_DESTROY_CHANNEL:
        this.#onDestroyChannel(payload);
        return;
      case C.CMD_GET_FIELD:
        this.#onGetField(payload);
        return;
      case C.CMD_GET:
      case C.CMD_MONITOR:
      case C.CMD_RPC:
      case C.CMD_PUT:
      case C.CMD_PUT_GET:
      case C.CMD_ARRAY:
      case C.CMD_PROCESS:
        this.#onRequest(command, payload);
        return;
      case C.CMD_DESTROY_REQUEST:
        payload.skip(4);
        this.#endRequest(payload.u32());
        return;
      default:
      // Unknown, or without meaning for us (AUTHNZ, MESSAGE, CANCEL_REQUEST: all is answered at once).
    }
  }

  #onValidation(payload: ByteReader): void {
    payload.skip(4 + 2 + 2);
    const method = readString(payload);
    if (payload.remainingBytes > 0) new ValueReader(payload, this.#cache).readTyped();
    const isOffered = method === 'ca' || method === 'anonymous' || method === '';
    const status = isOffered ? STATUS_OK : errorStatus(`Authentication ${method} is not offered`);
    this.#writer.message(C.CMD_CONNECTION_VALIDATED, (body) => writeStatus(body, status));
  }

  #onSearch(request: SearchRequest): void {
    const isTcp = request.protocols.length === 0 || request.protocols.includes('tcp');
    const found = isTcp ? request.names.filter(({ name }) => this.#provider.find(name)) : [];
    if (found.length === 0 && !mustReply(request)) return;
    this.#writer.message(C.CMD_SEARCH_RESPONSE, (body) =>
      writeSearchResponse(body, {
        guid: this.#options.guid,
        sequenceId: request.sequenceId,
        address: ANY_ADDRESS,
        port: this.#options.tcpPort,
        protocol: 'tcp',
        isFound: found.length > 0,
        ids: found.map(({ id }) => id),
      }),
    );
  }

  #onCreateChannel(payload: ByteReader): void {
    const count = payload.u16();
    for (let i = 0; i < count; i++) {
      const cid = payload.u32();
      const name = readString(payload);
      const pv = name === SERVER_CHANNEL ? undefined : this.#provider.find(name);
      let status: PvaStatus = STATUS_OK;
      if (pv === undefined && name !== SERVER_CHANNEL) status = errorStatus(`No channel ${name}`);
      if (this.#isFull) status = errorStatus('Too many channels and requests on one connection');
      const sid = status === STATUS_OK ? this.#nextSid++ : C.NO_SID;
      if (status === STATUS_OK) this.#channels.set(sid, { cid, pv, ioids: new Set() });
      this.#writer.message(C.CMD_CREATE_CHANNEL, (body) => {
        writeStatus(body.u32(cid).u32(sid), status);
      });
    }
  }

  get #isFull(): boolean {
    return this.#channels.size + this.#requests.size >= MAX_OBJECTS;
  }

  #onDestroyChannel(payload: ByteReader): void {
    const sid = payload.u32();
    const cid = payload.u32();
    for (const ioid of this.#channels.get(sid)?.ioids ?? []) this.#endRequest(ioid);
    if (!this.#channels.delete(sid)) return;
    this.#writer.message(C.CMD_DESTROY_CHANNEL, (body) => body.u32(sid).u32(cid));
  }

  #endRequest(ioid: number): void {
    const request = this.#requests.get(ioid);
    if (request === undefined) return;
    this.#requests.delete(ioid);
    this.#channels.get(request.sid)?.ioids.delete(ioid);
    if (request.kind === 'monitor') {
      this.#pending.delete(request.monitor);
      request.monitor.dispose();
    }
  }

  #onGetField(payload: ByteReader): void {
    const channel = this.#channels.get(payload.u32());
    const ioid = payload.u32();
    const path = readString(payload);
    let type: PvaType | undefined = channel?.pv?.type;
    for (const name of path === '' ? [] : path.split('.')) type = fieldOf(type, name);
    this.#writer.message(C.CMD_GET_FIELD, (body) => {
      writeStatus(body.u32(ioid), type === undefined ? errorStatus('No such field') : STATUS_OK);
      if (type !== undefined) writeType(body, type);
    });
  }

  #onRequest(command: number, payload: ByteReader): void {
    const sid = payload.u32();
    const ioid = payload.u32();
    const subcommand = payload.u8();
    if ((subcommand & C.SUBCOMMAND_INIT) !== 0) {
      this.#onInit(command, sid, ioid, subcommand, payload);
      return;
    }
    const request = this.#requests.get(ioid);
    if (request?.kind === 'get' && command === C.CMD_GET) {
      this.#reply(command, ioid, subcommand, STATUS_OK, (body) => {
        request.leaves.write(body);
        writeChanged(body, request.pv.type, request.leaves, request.pv.value);
      });
    } else if (request?.kind === 'rpc' && command === C.CMD_RPC) {
      this.#onCall(ioid, subcommand, payload);
    } else if (request?.kind === 'monitor' && command === C.CMD_MONITOR) {
      this.#onMonitorCommand(request.monitor, subcommand, payload);
    } else {
      // The client may have destroyed the request or never have had it: it gets an error, and the
      // circuit goes on.
      this.#reply(command, ioid, subcommand, errorStatus('No such request'));
      return;
    }
    if ((subcommand & C.SUBCOMMAND_DESTROY) !== 0) this.#endRequest(ioid);
  }

  #reply(
    command: number,
    ioid: number,
    subcommand: number,
    status: PvaStatus,
    write?: (body: ByteWriter) => void,
  ): void {
    this.#writer.message(command, (body) => {
      writeStatus(body.u32(ioid).u8(subcommand), status);
      write?.(body);
    });
  }

  #onInit(
    command: number,
    sid: number,
    ioid: number,
    subcommand: number,
    payload: ByteReader,
  ): void {
    const pvRequest = new ValueReader(payload, this.#cache).readTyped();
    if (this.#requests.has(ioid)) {
      throw new RemoteProtocolError(`${payload.what}: begins request ${ioid} twice`);
    }
    const channel = this.#channels.get(sid);
    const request = this.#makeRequest(command, channel, sid, ioid, subcommand, payload, pvRequest);
    if (typeof request === 'string') {
      this.#reply(command, ioid, subcommand, { ...REFUSED, message: request });
      return;
    }
    this.#requests.set(ioid, request);
    channel?.ioids.add(ioid);
    this.#reply(command, ioid, subcommand, STATUS_OK, (body) => {
      if (request.kind !== 'rpc' && channel?.pv) this.#sentTypes.write(body, channel.pv.type);
    });
  }

  /** Returns the reason instead when it cannot be made. */
  #makeRequest(
    command: number,
    channel: Channel | undefined,
    sid: number,
    ioid: number,
    subcommand: number,
    payload: ByteReader,
    pvRequest: PvaAnyValue | undefined,
  ): Request | string {
    if (channel === undefined) return 'No such channel';
    if (this.#isFull) return 'Too many channels and requests on one connection';
    const { pv } = channel;
    if (command === C.CMD_RPC) {
      return pv === undefined ? { kind: 'rpc', sid } : 'This channel offers no RPC';
    }
    if (command !== C.CMD_GET && command !== C.CMD_MONITOR) return REFUSED.message;
    if (pv === undefined) return 'This channel offers RPC only';
    const leaves = selectedLeaves(pv.type, pvRequest?.type);
    if (command === C.CMD_GET) return { kind: 'get', sid, pv, leaves };
    const option = valueAt(pvRequest?.value, 'record._options.pipeline');
    const isPipelined = option === true || option === 'true';
    const ahead = (subcommand & C.SUBCOMMAND_PIPELINE) !== 0 ? payload.u32() : 0;
    const monitor: ServerMonitor = new ServerMonitor(
      ioid,
      sid,
      pv,
      leaves,
      isPipelined ? ahead : undefined,
      () => {
        this.#pending.add(monitor);
        this.#options.onOutput?.();
      },
    );
    return { kind: 'monitor', sid, monitor };
  }

  #onMonitorCommand(monitor: ServerMonitor, subcommand: number, payload: ByteReader): void {
    if ((subcommand & C.SUBCOMMAND_PIPELINE) !== 0) monitor.acknowledge(payload.u32());
    if ((subcommand & C.SUBCOMMAND_PROCESS) !== 0) {
      monitor.isRunning = (subcommand & C.SUBCOMMAND_GET) !== 0;
      if (!monitor.isPending) this.#pending.delete(monitor);
    }
  }

  #onCall(ioid: number, subcommand: number, payload: ByteReader): void {
    const argument = new ValueReader(payload, this.#cache).readTyped();
    const op = readServerChannelRequest(argument);
    let result: PvaAnyValue | undefined;
    if (op === 'channels') {
      result = { type: CHANNEL_LIST_TYPE, value: { value: this.#provider.names() } };
    } else if (op === 'info') {
      const info = { implLang: 'javascript', version: this.#options.version };
      result = { type: INFO_TYPE, value: info };
    }
    const status = result === undefined ? errorStatus(`No operation ${op ?? ''}`) : STATUS_OK;
    this.#reply(C.CMD_RPC, ioid, subcommand, status, (body) => {
      if (result !== undefined) writeTyped(body, result);
    });
  }
}
