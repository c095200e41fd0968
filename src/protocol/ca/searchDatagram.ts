import { ipv4Number } from '../ipv4';
import { CA_MINOR_PROTOCOL_REVISION, CA_PROTO_SEARCH, CA_PROTO_VERSION } from './constants';
import { decodeDatagram } from './datagram';
import { FrameWriter } from './frameWriter';
import { type CaQuestion, MAX_SEARCHED_NAME_BYTES } from './relayInterceptor';
import { decodeText } from './text';

/** The searches of one UDP datagram. */
export interface CaSearchDatagram {
  /**
   * The datagram's number, by which libca measures round trips; undefined for clients that do not
   * number them.
   */
  readonly sequence: number | undefined;
  readonly questions: readonly CaQuestion[];
}

/** One answer to a search: where the PV is. */
export interface CaFound {
  readonly cid: number;
  /** IPv4. */
  readonly host: string;
  readonly port: number;
}

/** In the dataType field of a VERSION over UDP: parameter 1 is the datagram's number. */
const HAS_SEQUENCE = 1;

/**
 * Reads the searches of a UDP datagram; other messages are skipped.
 * @throws RemoteProtocolError when the datagram does not end where its last message does
 */
export function readCaSearches(datagram: Uint8Array, peer: string): CaSearchDatagram {
  const questions: CaQuestion[] = [];
  let sequence: number | undefined;
  for (const frame of decodeDatagram(datagram, peer)) {
    const { command, dataType, count, parameter1, parameter2, payload } = frame;
    if (command === CA_PROTO_VERSION && (dataType & HAS_SEQUENCE) !== 0) sequence = parameter1;
    const isSearch = command === CA_PROTO_SEARCH && payload.length <= MAX_SEARCHED_NAME_BYTES;
    if (!isSearch || payload.length === 0) continue;
    const name = decodeText(payload);
    questions.push({ cid: parameter2, name, replyFlag: dataType, minor: count });
  }
  return { sequence, questions };
}

/**
 * The datagram that answers searches, as rsrv sends it (`cast_server.c`), except that the address
 * is always given and never left to be the sender's.
 */
export function writeCaFound(sequence: number | undefined, found: readonly CaFound[]): Uint8Array {
  const writer = new FrameWriter();
  const minor = CA_MINOR_PROTOCOL_REVISION;
  const flags = sequence === undefined ? 0 : HAS_SEQUENCE;
  writer.message(CA_PROTO_VERSION, flags, minor, sequence ?? 0, 0);
  for (const { cid, host, port } of found) {
    const payload = Uint8Array.of(minor >> 8, minor & 0xff, 0, 0, 0, 0, 0, 0);
    writer.message(CA_PROTO_SEARCH, port, 0, ipv4Number(host), cid, payload);
  }
  return writer.take();
}
