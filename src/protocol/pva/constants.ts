/**
 * Numbers of the pvAccess protocol, named as the specification names them (epics-docs,
 * pvAccess-Protocol-Specification, chapters "Message Header" and "Application Messages").
 */

export const PVA_MAGIC = 0xca;
/**
 * The revision that we speak. From 2 on, an ECHO reply carries the request's payload, and peers
 * close circuits that stay silent (pvAccessCPP codec.cpp `setRxTimeout`, pvxs `tcpTimeout`).
 */
export const PVA_PROTOCOL_REVISION = 2;
/** Length of every header; its layout is in framing.ts. */
export const PVA_HEADER_BYTES = 8;
/**
 * Servers close a circuit when the client was silent for 40 s; an ECHO this often keeps it open.
 */
export const PVA_ECHO_INTERVAL_MS = 15_000;

/** Header flag: a control message. */
export const FLAG_CONTROL = 0x01;
/** Header flags: the first segment of a message. */
export const FLAG_SEGMENT_FIRST = 0x10;
/** Header flags: the last segment of a message. */
export const FLAG_SEGMENT_LAST = 0x20;
/** Both segment flags; set together they mean a middle segment. */
export const FLAG_SEGMENT_MASK = 0x30;
/** Header flag: a server sent it. */
export const FLAG_FROM_SERVER = 0x40;
/** Header flag: the message is big-endian. */
export const FLAG_BIG_ENDIAN = 0x80;

/** Control: a marker in the stream, which the peer acknowledges. */
export const CONTROL_SET_MARKER = 0;
/** Control: acknowledges a marker. */
export const CONTROL_ACKNOWLEDGE_MARKER = 1;
/** Control, server: the byte order of all messages on this circuit. */
export const CONTROL_SET_BYTE_ORDER = 2;
/** Control: a sign of life is wanted. */
export const CONTROL_ECHO_REQUEST = 3;
/** Control: the sign of life. */
export const CONTROL_ECHO_RESPONSE = 4;

/** Server, UDP: a beacon. */
export const CMD_BEACON = 0;
/** Server: its buffer and authentication methods. Client: its buffer and choice. */
export const CMD_CONNECTION_VALIDATION = 1;
/** Both: a sign of life. */
export const CMD_ECHO = 2;
/** Client: who has these names, or: which servers are there? */
export const CMD_SEARCH = 3;
/** Server: it has these names, at this address and port. */
export const CMD_SEARCH_RESPONSE = 4;
/** Both: further steps of authentication; not used here. */
export const CMD_AUTHNZ = 5;
/** Server: access rights of a channel. */
export const CMD_ACL_CHANGE = 6;
/** Client: open a channel by name. Server: its sid, or why not. */
export const CMD_CREATE_CHANNEL = 7;
/** Both: the channel ends. */
export const CMD_DESTROY_CHANNEL = 8;
/** Server: whether it accepts the client. */
export const CMD_CONNECTION_VALIDATED = 9;
/** Both: a get and its values. */
export const CMD_GET = 10;
/** Both: a put; refused here. */
export const CMD_PUT = 11;
/** Both: a put and a get in one; refused here. */
export const CMD_PUT_GET = 12;
/** Both: a monitor and its updates. */
export const CMD_MONITOR = 13;
/** Both: access to a part of an array; refused here. */
export const CMD_ARRAY = 14;
/** Client: end a request. */
export const CMD_DESTROY_REQUEST = 15;
/** Both: process a record; refused here. */
export const CMD_PROCESS = 16;
/** Both: the type of a field. */
export const CMD_GET_FIELD = 17;
/** Server: a message for users about a request. */
export const CMD_MESSAGE = 18;
/** Server: several updates in one message; not used here. */
export const CMD_MULTIPLE_DATA = 19;
/** Both: a call of a service and its result. */
export const CMD_RPC = 20;
/** Client: stop working on a request, which stays open. */
export const CMD_CANCEL_REQUEST = 21;
/** UDP: marks a search that was passed on. */
export const CMD_ORIGIN_TAG = 22;

/** Names of the commands by their numbers, for messages. */
export const COMMAND_NAMES: readonly string[] = [
  'BEACON',
  'CONNECTION_VALIDATION',
  'ECHO',
  'SEARCH',
  'SEARCH_RESPONSE',
  'AUTHNZ',
  'ACL_CHANGE',
  'CREATE_CHANNEL',
  'DESTROY_CHANNEL',
  'CONNECTION_VALIDATED',
  'GET',
  'PUT',
  'PUT_GET',
  'MONITOR',
  'ARRAY',
  'DESTROY_REQUEST',
  'PROCESS',
  'GET_FIELD',
  'MESSAGE',
  'MULTIPLE_DATA',
  'RPC',
  'CANCEL_REQUEST',
  'ORIGIN_TAG',
];

/** Sub-command bit of GET, PUT, MONITOR, RPC, ... (pvAccessCPP `QOS_*`): process the record. */
export const SUBCOMMAND_PROCESS = 0x04;
/** Sub-command bit: begins the request. */
export const SUBCOMMAND_INIT = 0x08;
/** Sub-command bit: the request ends with this command. */
export const SUBCOMMAND_DESTROY = 0x10;
/** Sub-command bit: get the value; for MONITOR see SUBCOMMAND_MONITOR_START. */
export const SUBCOMMAND_GET = 0x40;
/** MONITOR only: pipelined; with INIT the initial window follows, without it an acknowledgement. */
export const SUBCOMMAND_PIPELINE = 0x80;
/** MONITOR only: updates begin, or go on. */
export const SUBCOMMAND_MONITOR_START = 0x44;
/** MONITOR only: updates pause. */
export const SUBCOMMAND_MONITOR_STOP = 0x04;

/** SEARCH flag: the server shall also answer when it has none of the names. */
export const SEARCH_MUST_REPLY = 0x01;
/**
 * SEARCH flag: sent to one address; the receiver passes it on to the other servers of its machine.
 */
export const SEARCH_UNICAST = 0x80;

/** The sid of a channel that was not created. */
export const NO_SID = 0xffffffff;

/**
 * How deep types may be nested. This and the next limits bound what a peer can make us allocate;
 * real servers stay far below them.
 */
export const MAX_TYPE_DEPTH = 32;
/** Fields of one type, when every nested and cached type is written out. */
export const MAX_TYPE_FIELDS = 65_536;
/** Types inside values of variant unions inside values of variant unions ... */
export const MAX_VALUE_DEPTH = 64;
/** Values created while decoding one message, not counting numbers and strings in arrays. */
export const MAX_VALUES_PER_MESSAGE = 250_000;
/** Strings in all arrays of one message. */
export const MAX_STRINGS_PER_MESSAGE = 100_000;
/** Strings of one array that are only skipped over, not created yet. */
export const MAX_ENCODED_STRINGS = 2_000_000;
/** The longest message, all segments together, unless an option says otherwise. */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** The longest channel name we ask for; what a server accepts is up to the server. */
export const MAX_CHANNEL_NAME_BYTES = 4000;
