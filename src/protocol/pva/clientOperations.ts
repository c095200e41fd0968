import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import type { ByteReader, ByteWriter } from '../bytes';
import { isSuccess, readStatus, writeString } from './basics';
import { BitSet } from './bitSet';
import type { ChannelTable } from './channelTable';
import type { PvaClientHandler } from './clientHandler';
import {
  CMD_CANCEL_REQUEST,
  CMD_DESTROY_REQUEST,
  CMD_GET,
  CMD_GET_FIELD,
  CMD_MONITOR,
  CMD_RPC,
  SUBCOMMAND_DESTROY,
  SUBCOMMAND_GET,
  SUBCOMMAND_INIT,
  SUBCOMMAND_MONITOR_START,
  SUBCOMMAND_MONITOR_STOP,
  SUBCOMMAND_PIPELINE,
} from './constants';
import type { FrameWriter } from './framing';
import type { MonitorOptions, Operation } from './operation';
import { type PvRequest, pvRequest, REQUEST_ALL } from './pvRequest';
import { readMemberType, readType, type TypeCache } from './typeCodec';
import { type PvaStructure, structureType } from './types';
import { ValueReader } from './valueDecode';
import { writeTyped } from './valueEncode';
import { defaultStructure, type PvaAnyValue } from './values';

const COMMANDS = { get: CMD_GET, 'get-field': CMD_GET_FIELD, monitor: CMD_MONITOR, rpc: CMD_RPC };

/**
 * Ended operations are remembered up to this number, because their late answers may describe types.
 */
const MAX_DESTROYED = 1000;

/** The requests of one client connection: GET_FIELD, GET, MONITOR, RPC. Never PUT. */
export class ClientOperations {
  readonly #byIoid = new Map<number, Operation>();
  /** Only channels with operations have an entry. */
  readonly #byCid = new Map<number, Set<Operation>>();
  readonly #destroyed: Operation[] = [];
  #nextIoid = 1;

  constructor(
    readonly writer: FrameWriter,
    readonly channels: ChannelTable,
    readonly cache: TypeCache,
    readonly handler: PvaClientHandler,
    /** For string arrays in the answers to rpc. */
    readonly keepsStringsEncoded = false,
  ) {}

  get count(): number {
    return this.#byIoid.size;
  }

  getField(cid: number, subField: string): number {
    const operation = this.#add('get-field', cid, {});
    this.writer.message(CMD_GET_FIELD, (body) => {
      body.u32(this.#sid(cid)).u32(operation.ioid);
      writeString(body, subField);
    });
    return operation.ioid;
  }

  get(cid: number, request: PvRequest, isKept: boolean): number {
    const operation = this.#add('get', cid, { isKept });
    this.#send(operation, SUBCOMMAND_INIT, (body) => writeTyped(body, request));
    return operation.ioid;
  }

  getAgain(ioid: number): void {
    this.#get(this.#idle(ioid, 'get'));
  }

  monitor(cid: number, { request = REQUEST_ALL, pipelineWindow = 0 }: MonitorOptions): number {
    const operation = this.#add('monitor', cid, { pipelineWindow });
    const isPipelined = pipelineWindow > 0;
    this.#send(operation, SUBCOMMAND_INIT | (isPipelined ? SUBCOMMAND_PIPELINE : 0), (body) => {
      writeTyped(body, isPipelined ? withPipeline(request, pipelineWindow) : request);
      if (isPipelined) body.u32(pipelineWindow);
    });
    return operation.ioid;
  }

  setMonitorRunning(ioid: number, isRunning: boolean): void {
    const operation = this.#idle(ioid, 'monitor');
    this.#send(operation, isRunning ? SUBCOMMAND_MONITOR_START : SUBCOMMAND_MONITOR_STOP);
  }

  /**
   * Sent as a message of its own: pvAccessCPP accepts no acknowledgement together with start or
   * stop.
   */
  acknowledgeMonitor(ioid: number, count: number): void {
    const operation = this.#idle(ioid, 'monitor');
    if (operation.pipelineWindow === 0)
      throw new LocalProtocolError('the monitor is not pipelined');
    this.#send(operation, SUBCOMMAND_PIPELINE, (body) => body.u32(count));
  }

  rpc(cid: number, argument: PvaAnyValue): number {
    const operation = this.#add('rpc', cid, { argument });
    this.#send(operation, SUBCOMMAND_INIT, (body) => writeTyped(body, REQUEST_ALL));
    return operation.ioid;
  }

  cancel(ioid: number): void {
    this.#sendEnd(CMD_CANCEL_REQUEST, this.#byIoid.get(ioid));
  }

  destroy(ioid: number): void {
    const operation = this.#byIoid.get(ioid);
    if (operation === undefined || operation.isDestroyed) return;
    this.#sendEnd(CMD_DESTROY_REQUEST, operation);
    this.#retire(operation);
  }

  /** The channel is about to end: answers are not wanted any more. */
  retireChannel(cid: number): void {
    for (const operation of this.#byCid.get(cid) ?? []) this.#retire(operation);
  }

  /** The channel has ended: no more answers can come. */
  removeChannel(cid: number): void {
    for (const operation of this.#byCid.get(cid) ?? []) this.#byIoid.delete(operation.ioid);
    this.#byCid.delete(cid);
  }

  #sid(cid: number): number {
    const sid = this.channels.sidOf(cid);
    if (sid === undefined) throw new LocalProtocolError(`channel ${cid} is not created`);
    return sid;
  }

  #add(kind: Operation['kind'], cid: number, given: Partial<Operation>): Operation {
    this.#sid(cid);
    while (this.#byIoid.has(this.#nextIoid)) this.#nextIoid = (this.#nextIoid + 1) >>> 0;
    const operation: Operation = {
      kind,
      ioid: this.#nextIoid,
      cid,
      phase: 'init',
      isDestroyed: false,
      argument: undefined,
      isKept: false,
      type: undefined,
      value: undefined,
      pipelineWindow: 0,
      ...given,
    };
    this.#nextIoid = (this.#nextIoid + 1) >>> 0;
    this.#byIoid.set(operation.ioid, operation);
    const siblings = this.#byCid.get(cid);
    if (siblings === undefined) this.#byCid.set(cid, new Set([operation]));
    else siblings.add(operation);
    return operation;
  }

  #idle(ioid: number, kind: Operation['kind']): Operation {
    const operation = this.#byIoid.get(ioid);
    if (operation?.kind !== kind || operation.phase !== 'idle' || operation.isDestroyed) {
      throw new LocalProtocolError(`request ${ioid} is no ${kind} that is ready`);
    }
    return operation;
  }

  #send(operation: Operation, subcommand: number, write?: (body: ByteWriter) => void): void {
    this.writer.message(COMMANDS[operation.kind], (body) => {
      body.u32(this.#sid(operation.cid)).u32(operation.ioid).u8(subcommand);
      write?.(body);
    });
  }

  #sendEnd(command: number, operation: Operation | undefined): void {
    const sid = operation && this.channels.sidOf(operation.cid);
    if (operation === undefined || sid === undefined) return;
    this.writer.message(command, (body) => body.u32(sid).u32(operation.ioid));
  }

  #remove(operation: Operation): void {
    this.#byIoid.delete(operation.ioid);
    const siblings = this.#byCid.get(operation.cid);
    siblings?.delete(operation);
    if (siblings?.size === 0) this.#byCid.delete(operation.cid);
  }

  #retire(operation: Operation): void {
    operation.isDestroyed = true;
    operation.value = undefined;
    operation.argument = undefined;
    // Answers to other operations carry no types, or carry them where we need no help to find them.
    if (operation.type?.hasAny !== true) {
      this.#remove(operation);
      return;
    }
    this.#destroyed.push(operation);
    if (this.#destroyed.length > MAX_DESTROYED) this.#remove(this.#destroyed.shift() as Operation);
  }

  #get(operation: Operation): void {
    operation.phase = 'busy';
    this.#send(operation, SUBCOMMAND_GET | (operation.isKept ? 0 : SUBCOMMAND_DESTROY));
  }

  /** Takes the payload of a GET_FIELD, GET, MONITOR or RPC message. */
  receive(command: number, reader: ByteReader): void {
    const ioid = reader.u32();
    const operation = this.#byIoid.get(ioid);
    if (operation !== undefined && COMMANDS[operation.kind] !== command) {
      throw new RemoteProtocolError(`${reader.what}: answers request ${ioid}, a ${operation.kind}`);
    }
    if (command === CMD_GET_FIELD) {
      this.#receiveField(operation, reader);
      return;
    }
    const subcommand = reader.u8();
    if ((subcommand & SUBCOMMAND_INIT) !== 0) {
      this.#receiveInit(command, operation, reader);
    } else if (command === CMD_RPC) {
      this.#receiveRpc(operation, reader);
    } else if (operation !== undefined) {
      if (operation.phase === 'init') this.#failEarly(reader, operation);
      if (command === CMD_GET) this.#receiveGet(operation, reader);
      else this.#receiveMonitor(operation, subcommand, reader);
    }
  }

  #failEarly(reader: ByteReader, { ioid }: Operation): never {
    throw new RemoteProtocolError(`${reader.what}: sends data for request ${ioid} out of turn`);
  }

  #receiveField(operation: Operation | undefined, reader: ByteReader): void {
    const status = readStatus(reader);
    const type = isSuccess(status) ? readType(reader, this.cache) : undefined;
    if (operation === undefined) return;
    this.#remove(operation);
    this.handler.onField?.(operation.ioid, status, type);
  }

  #receiveInit(command: number, operation: Operation | undefined, reader: ByteReader): void {
    const status = readStatus(reader);
    const isOk = isSuccess(status);
    const type = isOk && command !== CMD_RPC ? this.#readStructureType(reader) : undefined;
    if (operation === undefined) return;
    if (operation.phase !== 'init') this.#failEarly(reader, operation);
    operation.phase = 'idle';
    operation.type = type;
    if (!isOk) {
      this.#remove(operation);
      this.#report(operation, status);
      return;
    }
    if (operation.kind === 'rpc') {
      const { argument } = operation;
      operation.phase = 'busy';
      operation.argument = undefined;
      this.#send(operation, SUBCOMMAND_DESTROY, (body) => writeTyped(body, argument));
    } else if (operation.kind === 'get') {
      this.#get(operation);
    } else {
      this.#send(operation, SUBCOMMAND_MONITOR_START);
      this.handler.onMonitorStarted?.(operation.ioid, status, type);
    }
  }

  #report({ kind, ioid }: Operation, status: ReturnType<typeof readStatus>): void {
    if (kind === 'rpc') this.handler.onRpc?.(ioid, status, undefined);
    else if (kind === 'get') this.handler.onGet?.(ioid, status, undefined);
    else this.handler.onMonitorStarted?.(ioid, status, undefined);
  }

  #readStructureType(reader: ByteReader): PvaStructure {
    const type = readMemberType(reader, this.cache);
    if (type.kind === 'structure') return type;
    throw new RemoteProtocolError(`${reader.what}: describes a ${type.kind}, not a structure`);
  }

  #receiveRpc(operation: Operation | undefined, reader: ByteReader): void {
    if (operation?.phase === 'init') this.#failEarly(reader, operation);
    const status = readStatus(reader);
    const values = new ValueReader(reader, this.cache, this.keepsStringsEncoded);
    const result = isSuccess(status) ? values.readTyped() : undefined;
    if (operation === undefined) return;
    this.#remove(operation);
    this.handler.onRpc?.(operation.ioid, status, result);
  }

  #receiveGet(operation: Operation, reader: ByteReader): void {
    const { type } = operation;
    if (operation.phase !== 'busy' || type === undefined) this.#failEarly(reader, operation);
    const status = readStatus(reader);
    let value;
    if (isSuccess(status)) {
      const changed = BitSet.read(reader);
      const base = operation.value ?? defaultStructure(type);
      value = new ValueReader(reader, this.cache).readChanged(type, changed, base);
    }
    operation.phase = 'idle';
    if (!operation.isKept || operation.isDestroyed) this.#remove(operation);
    else operation.value = value;
    if (!operation.isDestroyed) this.handler.onGet?.(operation.ioid, status, value);
  }

  #receiveMonitor(operation: Operation, subcommand: number, reader: ByteReader): void {
    const { ioid, type, isDestroyed } = operation;
    // Zero but for updates. Any other bit says "status follows": the end, or (pvAccessCPP
    // sendFailureMessage) that a start, stop or acknowledgement failed.
    if ((subcommand & ~SUBCOMMAND_PIPELINE) !== 0) {
      const status = readStatus(reader);
      const isEnd = (subcommand & SUBCOMMAND_DESTROY) !== 0 || !isSuccess(status);
      if (!isEnd) return;
      this.#remove(operation);
      if (!isDestroyed) this.handler.onMonitorEnd?.(ioid, status);
      return;
    }
    if (type === undefined) this.#failEarly(reader, operation);
    const changed = BitSet.read(reader);
    const base = operation.value ?? defaultStructure(type);
    const value = new ValueReader(reader, this.cache).readChanged(type, changed, base);
    const overrun = BitSet.read(reader);
    if (isDestroyed) return;
    operation.value = value;
    this.handler.onMonitor?.(ioid, value, changed, overrun);
  }
}

/** Both ends must agree on the queue size, which is sent as an option of the request. */
function withPipeline(request: PvRequest, window: number): PvRequest {
  const { type, value } = pvRequest([], { pipeline: 'true', queueSize: String(window) });
  const fields = request.type.fields.filter((field) => field.name !== 'record');
  const record = type.fields.filter((field) => field.name === 'record');
  return {
    type: structureType('', [...record, ...fields]),
    value: { ...request.value, ...value },
  };
}
