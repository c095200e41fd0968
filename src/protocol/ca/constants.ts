/**
 * Numbers of the Channel Access protocol, spelled as in EPICS Base `modules/ca/src/client/caProto.h`.
 * Major revision 4; the minor one is negotiated with CA_PROTO_VERSION.
 */

/** The minor revision we speak: 13 lets a request ask for "all elements" with count 0. */
export const CA_MINOR_PROTOCOL_REVISION = 13;

/** Minor revisions below this one are refused by rsrv with ECA_DEFUNCT (`CA_VSUPPORTED`). */
export const CA_MINIMUM_SUPPORTED_VERSION = 4;

export const CA_PROTO_VERSION = 0;
export const CA_PROTO_EVENT_ADD = 1;
export const CA_PROTO_EVENT_CANCEL = 2;
export const CA_PROTO_READ = 3;
export const CA_PROTO_WRITE = 4;
export const CA_PROTO_SEARCH = 6;
export const CA_PROTO_EVENTS_OFF = 8;
export const CA_PROTO_EVENTS_ON = 9;
export const CA_PROTO_READ_SYNC = 10;
export const CA_PROTO_ERROR = 11;
export const CA_PROTO_CLEAR_CHANNEL = 12;
export const CA_PROTO_RSRV_IS_UP = 13;
export const CA_PROTO_NOT_FOUND = 14;
export const CA_PROTO_READ_NOTIFY = 15;
export const REPEATER_CONFIRM = 17;
export const CA_PROTO_CREATE_CHAN = 18;
export const CA_PROTO_WRITE_NOTIFY = 19;
export const CA_PROTO_CLIENT_NAME = 20;
export const CA_PROTO_HOST_NAME = 21;
export const CA_PROTO_ACCESS_RIGHTS = 22;
export const CA_PROTO_ECHO = 23;
export const REPEATER_REGISTER = 24;
export const CA_PROTO_CREATE_CH_FAIL = 26;
export const CA_PROTO_SERVER_DISCONN = 27;

/** In the dataType field of a search: whether the server shall also say that it has no such name. */
export const DOREPLY = 10;
export const DONTREPLY = 5;

/** Bits of CA_PROTO_ACCESS_RIGHTS. */
export const CA_PROTO_ACCESS_RIGHT_READ = 1;
export const CA_PROTO_ACCESS_RIGHT_WRITE = 2;

/** Bits of an event mask (`caeventmask.h`). */
export const DBE_VALUE = 1;
export const DBE_LOG = 2;
export const DBE_ALARM = 4;
export const DBE_PROPERTY = 8;

/** cid of a TCP search reply that means "the address this circuit goes to" (rsrv, PCAS). */
export const CA_ADDRESS_OF_CIRCUIT = 0xffffffff;

/**
 * "mark", in a parameter that has no meaning in an ECHO: what follows on this circuit is for this
 * server alone (a relay of ours does not answer its searches), and what the server makes of the
 * parameters tells its implementation.
 */
export const DIRECT_MARK = 0x6d61726b;

/** Dispatch priority of a circuit: 0 (lowest, what tools use) to 99. */
export const CA_PROTO_PRIORITY_MAX = 99;

export const HEADER_BYTES = 16;
/** A header whose size field is 0xffff is followed by two more words: payload size and count. */
export const EXTENDED_HEADER_BYTES = 24;
export const EXTENDED_HEADER_MARK = 0xffff;

/** CA circuits are padded to 8; both sides of every implementation refuse anything else. */
export function alignTo8(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 8) * 8;
}

/** The largest payload we accept unless told otherwise; EPICS IOCs default to no limit of their own. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
/** Cap for every message that carries no values: names, texts, echoes. */
export const MAX_PLAIN_PAYLOAD_BYTES = 64 * 1024;
/** Characters of a name that can be asked for; what a server takes is for it to say. */
export const MAX_NAME_LENGTH = MAX_PLAIN_PAYLOAD_BYTES / 4;
