import { RemoteProtocolError } from '../../base/errors';
import { ByteReader } from '../bytes';
import {
  CMD_ORIGIN_TAG,
  CMD_SEARCH,
  CMD_SEARCH_RESPONSE,
  FLAG_BIG_ENDIAN,
  FLAG_CONTROL,
  FLAG_FROM_SERVER,
  FLAG_SEGMENT_MASK,
  PVA_HEADER_BYTES,
  PVA_MAGIC,
  SEARCH_UNICAST,
} from './constants';
import { FrameWriter, headerSize } from './framing';
import {
  ipv4Address,
  mustReply,
  readSearchRequest,
  type SearchedName,
  type SearchRequest,
  writeSearchResponse,
} from './search';

/** A SEARCH that came by UDP. */
export interface PvaSearch {
  readonly sequenceId: number;
  readonly isLittleEndian: boolean;
  readonly mustReply: boolean;
  /** The port to answer to; 0: the sender's. */
  readonly replyPort: number;
  /** None: "which servers are there?" */
  readonly names: readonly SearchedName[];
}

/** A server, for an answer to a search. */
export interface PvaFound {
  readonly guid: string;
  /** IPv4. */
  readonly host: string;
  readonly port: number;
  readonly ids: readonly number[];
}

const NO_GUID = '0'.repeat(24);

/**
 * Reads the searches of a UDP datagram by clients that accept plain TCP. Other messages are
 * skipped, and so are searches for servers that want no answer (pvAccessCPP puts an ORIGIN_TAG
 * before a search that it passes on).
 * @throws RemoteProtocolError when the datagram is not pvAccess, or cut
 */
export function readPvaSearches(datagram: Uint8Array, peer: string): PvaSearch[] {
  const searches: PvaSearch[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (datagram[at] !== PVA_MAGIC || datagram.length - at < PVA_HEADER_BYTES) {
      throw new RemoteProtocolError(`${peer} sent a datagram that is not pvAccess`);
    }
    const flags = datagram[at + 2] as number;
    const sizeBytes = (flags & FLAG_CONTROL) === 0 ? headerSize(datagram, at) : 0;
    const end = at + PVA_HEADER_BYTES + sizeBytes;
    if (end > datagram.length) {
      throw new RemoteProtocolError(`${peer} sent a datagram with a cut message`);
    }
    const isPlain = (flags & (FLAG_CONTROL | FLAG_SEGMENT_MASK | FLAG_FROM_SERVER)) === 0;
    if (isPlain && datagram[at + 3] === CMD_SEARCH) {
      const isLittleEndian = (flags & FLAG_BIG_ENDIAN) === 0;
      const payload = datagram.subarray(at + PVA_HEADER_BYTES, end);
      const request = readSearchRequest(new ByteReader(payload, isLittleEndian, `${peer}, SEARCH`));
      if (isForUs(request)) searches.push(searchOf(request, isLittleEndian));
    }
    at = end;
  }
  return searches;
}

function isForUs(request: SearchRequest): boolean {
  const { names, protocols } = request;
  // pvlist and pvxlist name no protocol when they search for servers.
  if (names.length === 0) return mustReply(request);
  return protocols.length === 0 || protocols.includes('tcp');
}

function searchOf(request: SearchRequest, isLittleEndian: boolean): PvaSearch {
  const { sequenceId, replyPort, names } = request;
  return { sequenceId, isLittleEndian, mustReply: mustReply(request), replyPort, names };
}

/**
 * A datagram with one answer per server: it has those ids or, without ids, exists. Without any
 * server it says "I have none of these".
 */
export function writePvaFound(
  { sequenceId, isLittleEndian }: Pick<PvaSearch, 'sequenceId' | 'isLittleEndian'>,
  found: readonly PvaFound[],
): Uint8Array {
  const writer = new FrameWriter('server', isLittleEndian);
  const nobody = { guid: NO_GUID, host: '0.0.0.0', port: 0, ids: [] };
  const answers = found.length > 0 ? found : [nobody];
  for (const { host, ...answer } of answers) {
    writer.message(CMD_SEARCH_RESPONSE, (body) =>
      writeSearchResponse(body, {
        ...{ ...answer, sequenceId, isFound: answer.ids.length > 0 },
        ...{ address: ipv4Address(host), protocol: 'tcp' },
      }),
    );
  }
  return writer.take();
}

/** Offset of the flags of a SEARCH, from the beginning of its header. */
const FLAGS_AT = 12;
const REPLY_ADDRESS_AT = 16;
const REPLY_PORT_AT = 32;

/**
 * The datagram by which the receiver of a unicast search passes it on to the other servers of the
 * machine, which share the port and did not get it (pvAccessCPP, `blockingUDPTransport.cpp`; pvxs,
 * `udp_collector.cpp`). They do so if the unicast flag is set; but pvAccessCPP's client also sends
 * to 127.0.0.1 without it (seen). Undefined for other datagrams, and for one that was passed on
 * already.
 */
export function passOnSearch(
  datagram: Uint8Array,
  from: { readonly host: string; readonly port: number },
): Uint8Array | undefined {
  const flags = datagram[FLAGS_AT];
  const isLonely = datagram.length === PVA_HEADER_BYTES + headerSize(datagram, 0);
  if (datagram[3] !== CMD_SEARCH || !isLonely || flags === undefined) return undefined;
  const search = Uint8Array.from(datagram);
  search[FLAGS_AT] = flags & ~SEARCH_UNICAST;
  search.set(ipv4Address(from.host), REPLY_ADDRESS_AT);
  const view = new DataView(search.buffer);
  const isLittleEndian = ((datagram[2] as number) & FLAG_BIG_ENDIAN) === 0;
  if (view.getUint16(REPLY_PORT_AT) === 0) {
    view.setUint16(REPLY_PORT_AT, from.port, isLittleEndian);
  }
  const writer = new FrameWriter('client', isLittleEndian);
  writer.message(CMD_ORIGIN_TAG, (body) => body.bytes(ipv4Address('127.0.0.1')));
  const tag = writer.take();
  const passed = new Uint8Array(tag.length + search.length);
  passed.set(tag);
  passed.set(search, tag.length);
  return passed;
}
