/**
 * Numbers of the Channel Access protocol, spelled as in EPICS Base `modules/ca/src/client/caProto.h`.
 * Major revision 4; the minor one is negotiated with CA_PROTO_VERSION.
 */

/** The minor revision that we speak. 13 lets a request ask for "all elements" with count 0. */
export const CA_MINOR_PROTOCOL_REVISION = 13;

/** rsrv refuses minor revisions below this one with ECA_DEFUNCT (`CA_VSUPPORTED`). */
export const CA_MINIMUM_SUPPORTED_VERSION = 4;

/** Both: the minor revision; from a client on TCP also the priority. */
export const CA_PROTO_VERSION = 0;
/** Client: subscribe. Server: an update, or (without payload) the confirmation of a cancel. */
export const CA_PROTO_EVENT_ADD = 1;
/** Client: end a subscription. */
export const CA_PROTO_EVENT_CANCEL = 2;
/** Both: the old read, whose reply carries no status. */
export const CA_PROTO_READ = 3;
/** Client: write without a reply. We decode it only to refuse it. */
export const CA_PROTO_WRITE = 4;
/** Client: who has this name? Server: it is at this address and port. */
export const CA_PROTO_SEARCH = 6;
/** Client: hold back events. */
export const CA_PROTO_EVENTS_OFF = 8;
/** Client: send events again. */
export const CA_PROTO_EVENTS_ON = 9;
/** Obsolete: a message that the server sends back. */
export const CA_PROTO_READ_SYNC = 10;
/** Server: an error about a request, see errorPayload.ts. */
export const CA_PROTO_ERROR = 11;
/** Client: end a channel. Server: confirmed. */
export const CA_PROTO_CLEAR_CHANNEL = 12;
/** Server, UDP: a beacon. */
export const CA_PROTO_RSRV_IS_UP = 13;
/** Server: it does not have the name (only if the search asked for that with DOREPLY). */
export const CA_PROTO_NOT_FOUND = 14;
/** Client: read once. Server: status and value. */
export const CA_PROTO_READ_NOTIFY = 15;
/** Repeater, UDP: registered. */
export const REPEATER_CONFIRM = 17;
/** Client: open a channel by name. Server: its sid, native type and element count. */
export const CA_PROTO_CREATE_CHAN = 18;
/** Client: write with a reply. We decode it only to refuse it. */
export const CA_PROTO_WRITE_NOTIFY = 19;
/** Client: its user name. */
export const CA_PROTO_CLIENT_NAME = 20;
/** Client: its host name. */
export const CA_PROTO_HOST_NAME = 21;
/** Server: which of read and write a channel allows; before CREATE_CHAN and at each change. */
export const CA_PROTO_ACCESS_RIGHTS = 22;
/** Both: a sign of life. */
export const CA_PROTO_ECHO = 23;
/** Client, UDP: register with the repeater. */
export const REPEATER_REGISTER = 24;
/** Server: no channel of that name. */
export const CA_PROTO_CREATE_CH_FAIL = 26;
/** Server: it deleted a channel. */
export const CA_PROTO_SERVER_DISCONN = 27;

/** Data type of a search: the server shall also answer when it does not have the name. */
export const DOREPLY = 10;
/** Data type of a search: only an answer that the name was found is wanted. */
export const DONTREPLY = 5;

/** Bit of CA_PROTO_ACCESS_RIGHTS: reading is allowed. */
export const CA_PROTO_ACCESS_RIGHT_READ = 1;
/** Bit of CA_PROTO_ACCESS_RIGHTS: writing is allowed. */
export const CA_PROTO_ACCESS_RIGHT_WRITE = 2;

/** Bit of an event mask (`caeventmask.h`): the value changed beyond MDEL. */
export const DBE_VALUE = 1;
/** Bit of an event mask: the value changed beyond ADEL. */
export const DBE_LOG = 2;
/** Bit of an event mask: the alarm state changed. */
export const DBE_ALARM = 4;
/** Bit of an event mask: metadata (limits, units, enum strings) changed. */
export const DBE_PROPERTY = 8;

/**
 * Address in a TCP search reply that means "the address that this circuit goes to" (rsrv, PCAS).
 */
export const CA_ADDRESS_OF_CIRCUIT = 0xffffffff;

/**
 * "mark", in a parameter that has no meaning in an ECHO. It says that everything that follows on
 * this circuit is for this server alone (a relay of ours does not answer its searches), and how the
 * server handles the parameters reveals its implementation.
 */
export const DIRECT_MARK = 0x6d61726b;

/** Highest dispatch priority of a circuit; 0 is the lowest, which tools use. */
export const CA_PROTO_PRIORITY_MAX = 99;

/** Length of a plain header; its layout is at FrameReader. */
export const HEADER_BYTES = 16;
/** Length of an extended header: two more words, payload size u32 and count u32. */
export const EXTENDED_HEADER_BYTES = 24;
/** In the size field of a plain header: an extended header follows. */
export const EXTENDED_HEADER_MARK = 0xffff;

/**
 * The length padded to a multiple of 8, as all payloads are; every implementation refuses anything
 * else.
 */
export function alignTo8(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 8) * 8;
}

/**
 * The largest payload we accept by default, in bytes. EPICS IOCs have no limit of their own by
 * default.
 */
export const DEFAULT_MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;
/** Limit in bytes for every message without values: names, texts, echoes. */
export const MAX_PLAIN_PAYLOAD_BYTES = 64 * 1024;
/** The longest name we ask for, in characters; what a server accepts is up to the server. */
export const MAX_NAME_LENGTH = MAX_PLAIN_PAYLOAD_BYTES / 4;
