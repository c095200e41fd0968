import type { ByteReader, ByteWriter } from '../bytes';
import { readCount, readString, writeSize, writeString } from './basics';
import { SEARCH_MUST_REPLY } from './constants';
import { hex } from './framing';

/** In the first of the three reserved bytes of a SEARCH, which no server reads. */
const DIRECT_MARK = 0x6d;

/** One name in a SEARCH. */
export interface SearchedName {
  /** Chosen by the client; answers name it. */
  readonly id: number;
  readonly name: string;
}

/** A SEARCH, the same over UDP and TCP (specification, "searchRequest"). */
export interface SearchRequest {
  readonly sequenceId: number;
  /** SEARCH_MUST_REPLY, SEARCH_UNICAST. */
  readonly flags: number;
  /** Set only by us: asks the server at the end of the circuit, and no relay in between. */
  readonly isDirect: boolean;
  /** Where to send the answer over UDP: 16 bytes, IPv4-mapped; zeros mean the sender. */
  readonly replyAddress: Uint8Array;
  readonly replyPort: number;
  /** Transports that the client accepts, such as tcp; empty: any. */
  readonly protocols: readonly string[];
  /** Empty: "which servers are there?" */
  readonly names: readonly SearchedName[];
}

/** A SEARCH_RESPONSE, the same over UDP and TCP (specification, "searchResponse"). */
export interface SearchResponse {
  /** Identity of the server, 24 hex digits; changes at each start. */
  readonly guid: string;
  readonly sequenceId: number;
  /**
   * Where the server is: 16 bytes; zeros or ::ffff:0.0.0.0 mean the address that the answer came
   * from.
   */
  readonly address: Uint8Array;
  readonly port: number;
  readonly protocol: string;
  readonly isFound: boolean;
  readonly ids: readonly number[];
}

/** Reads the payload of SEARCH. Throws RemoteProtocolError when it is malformed. */
export function readSearchRequest(reader: ByteReader): SearchRequest {
  const sequenceId = reader.u32();
  const flags = reader.u8();
  const isDirect = reader.u8() === DIRECT_MARK;
  reader.skip(2);
  const replyAddress = Uint8Array.from(reader.view(16));
  const replyPort = reader.u16();
  const protocols: string[] = [];
  const protocolCount = readCount(reader, 1);
  for (let i = 0; i < protocolCount; i++) protocols.push(readString(reader));
  const names: SearchedName[] = [];
  const nameCount = reader.u16();
  for (let i = 0; i < nameCount; i++) {
    const id = reader.u32();
    names.push({ id, name: readString(reader) });
  }
  return { sequenceId, flags, isDirect, replyAddress, replyPort, protocols, names };
}

/** Writes the payload of SEARCH. */
export function writeSearchRequest(writer: ByteWriter, request: SearchRequest): void {
  writer.u32(request.sequenceId).u8(request.flags);
  writer.u8(request.isDirect ? DIRECT_MARK : 0).zeros(2);
  writer.bytes(request.replyAddress).u16(request.replyPort);
  writeSize(writer, request.protocols.length);
  for (const protocol of request.protocols) writeString(writer, protocol);
  writer.u16(request.names.length);
  for (const { id, name } of request.names) {
    writer.u32(id);
    writeString(writer, name);
  }
}

/** Reads the payload of SEARCH_RESPONSE. Throws RemoteProtocolError when it is malformed. */
export function readSearchResponse(reader: ByteReader): SearchResponse {
  const guid = hex(reader.view(12));
  const sequenceId = reader.u32();
  const address = Uint8Array.from(reader.view(16));
  const port = reader.u16();
  const protocol = readString(reader);
  const isFound = reader.u8() !== 0;
  const ids: number[] = [];
  const count = reader.u16();
  for (let i = 0; i < count; i++) ids.push(reader.u32());
  return { guid, sequenceId, address, port, protocol, isFound, ids };
}

/** Writes the payload of SEARCH_RESPONSE. */
export function writeSearchResponse(writer: ByteWriter, response: SearchResponse): void {
  for (let at = 0; at < 24; at += 2) writer.u8(parseInt(response.guid.slice(at, at + 2), 16));
  writer.u32(response.sequenceId).bytes(response.address).u16(response.port);
  writeString(writer, response.protocol);
  writer.u8(response.isFound ? 1 : 0).u16(response.ids.length);
  for (const id of response.ids) writer.u32(id);
}

/** ::ffff:0.0.0.0, "the address that this message comes from", as pvxs and pvAccessCPP write it. */
export const ANY_ADDRESS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0);

/** Whether the client also wants to know that a name was not found. */
export function mustReply(request: SearchRequest): boolean {
  return (request.flags & SEARCH_MUST_REPLY) !== 0;
}

/** A dotted IPv4 address as 16 bytes, IPv4-mapped (::ffff:a.b.c.d). */
export function ipv4Address(host: string): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...host.split('.').map(Number));
}
