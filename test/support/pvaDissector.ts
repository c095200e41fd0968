/**
 * Follows a recorded pvAccess conversation of two strangers and decodes every type and value in it,
 * by the frames and codecs alone (neither our client nor our server takes part).
 */
import { type ByteReader, ByteWriter } from '../../src/protocol/bytes';
import { isSuccess, readStatus, readString } from '../../src/protocol/pva/basics';
import { BitSet } from '../../src/protocol/pva/bitSet';
import * as C from '../../src/protocol/pva/constants';
import { FrameReader } from '../../src/protocol/pva/framing';
import { readMemberType, type TypeCache } from '../../src/protocol/pva/typeCodec';
import type { PvaStructure } from '../../src/protocol/pva/types';
import { ValueReader } from '../../src/protocol/pva/valueDecode';
import { writeChanged } from '../../src/protocol/pva/valueEncode';
import {
  defaultStructure,
  type PvaAnyValue,
  type PvaStructureValue,
} from '../../src/protocol/pva/values';

export interface Frame {
  readonly command: number;
  readonly payload: ByteReader;
}

/** All application messages of one direction; throws on what is left over. */
export function framesOf(bytes: Uint8Array, peer: 'client' | 'server'): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader(peer, C.DEFAULT_MAX_MESSAGE_BYTES);
  reader.receive(bytes, {
    onMessage: (command, payload) => {
      // The payload is a view of a chunk that stays, so it may be kept here.
      frames.push({ command, payload });
    },
    onControl: () => undefined,
  });
  return frames;
}

export interface Dissection {
  /** Types of INIT answers by ioid. */
  readonly types: Map<number, PvaStructure>;
  /** Arguments of INIT requests by ioid: pvRequests. */
  readonly requests: Map<number, PvaAnyValue | undefined>;
  readonly values: { ioid: number; value: PvaStructureValue }[];
  /** Updates whose fields we would write as the very bytes that were recorded. */
  identicalCount: number;
}

const INIT_COMMANDS = [C.CMD_GET, C.CMD_MONITOR, C.CMD_RPC, C.CMD_PUT];

export function dissect(fromClient: Uint8Array, fromServer: Uint8Array): Dissection {
  const found: Dissection = {
    types: new Map(),
    requests: new Map(),
    values: [],
    identicalCount: 0,
  };
  const clientCache: TypeCache = new Map();
  for (const { command, payload } of framesOf(fromClient, 'client')) {
    if (command === C.CMD_CONNECTION_VALIDATION) {
      payload.skip(8);
      readString(payload);
      if (payload.remainingBytes > 0) new ValueReader(payload, clientCache).readTyped();
    } else if (INIT_COMMANDS.includes(command)) {
      payload.skip(4);
      const ioid = payload.u32();
      if ((payload.u8() & C.SUBCOMMAND_INIT) === 0) continue;
      found.requests.set(ioid, new ValueReader(payload, clientCache).readTyped());
    }
  }
  const serverCache: TypeCache = new Map();
  for (const { command, payload } of framesOf(fromServer, 'server')) {
    if (command === C.CMD_GET || command === C.CMD_MONITOR) {
      dissectAnswer(found, command, payload, serverCache);
    } else if (command === C.CMD_GET_FIELD) {
      payload.skip(4);
      if (isSuccess(readStatus(payload))) readMemberType(payload, serverCache);
    } else if (command === C.CMD_RPC) {
      payload.skip(4);
      if ((payload.u8() & C.SUBCOMMAND_INIT) === 0 && isSuccess(readStatus(payload))) {
        new ValueReader(payload, serverCache).readTyped();
      }
    }
  }
  return found;
}

function dissectAnswer(
  found: Dissection,
  command: number,
  payload: ByteReader,
  cache: TypeCache,
): void {
  const ioid = payload.u32();
  const subcommand = payload.u8();
  if ((subcommand & C.SUBCOMMAND_INIT) !== 0) {
    if (!isSuccess(readStatus(payload))) return;
    const type = readMemberType(payload, cache);
    if (type.kind === 'structure') found.types.set(ioid, type);
    return;
  }
  if (command === C.CMD_GET ? !isSuccess(readStatus(payload)) : subcommand !== 0) return;
  const type = found.types.get(ioid);
  if (type === undefined) return;
  const changed = BitSet.read(payload);
  const start = payload.offset;
  const values = new ValueReader(payload, cache);
  const value = values.readChanged(type, changed, defaultStructure(type));
  const recorded = payload.bytes.subarray(start, payload.offset);
  found.values.push({ ioid, value });
  if (command === C.CMD_MONITOR) BitSet.read(payload);
  const writer = new ByteWriter(payload.littleEndian);
  writeChanged(writer, type, changed, value);
  if (Buffer.compare(writer.take(), recorded) === 0) found.identicalCount++;
}
