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
export const PVA_HEADER_BYTES = 8;
/**
 * Servers close a circuit when the client was silent for 40 s; an ECHO this often keeps it open.
 */
export const PVA_ECHO_INTERVAL_MS = 15_000;

export const FLAG_CONTROL = 0x01;
export const FLAG_SEGMENT_FIRST = 0x10;
export const FLAG_SEGMENT_LAST = 0x20;
export const FLAG_SEGMENT_MASK = 0x30;
export const FLAG_FROM_SERVER = 0x40;
export const FLAG_BIG_ENDIAN = 0x80;

export const CONTROL_SET_MARKER = 0;
export const CONTROL_ACKNOWLEDGE_MARKER = 1;
export const CONTROL_SET_BYTE_ORDER = 2;
export const CONTROL_ECHO_REQUEST = 3;
export const CONTROL_ECHO_RESPONSE = 4;

export const CMD_BEACON = 0;
export const CMD_CONNECTION_VALIDATION = 1;
export const CMD_ECHO = 2;
export const CMD_SEARCH = 3;
export const CMD_SEARCH_RESPONSE = 4;
export const CMD_AUTHNZ = 5;
export const CMD_ACL_CHANGE = 6;
export const CMD_CREATE_CHANNEL = 7;
export const CMD_DESTROY_CHANNEL = 8;
export const CMD_CONNECTION_VALIDATED = 9;
export const CMD_GET = 10;
export const CMD_PUT = 11;
export const CMD_PUT_GET = 12;
export const CMD_MONITOR = 13;
export const CMD_ARRAY = 14;
export const CMD_DESTROY_REQUEST = 15;
export const CMD_PROCESS = 16;
export const CMD_GET_FIELD = 17;
export const CMD_MESSAGE = 18;
export const CMD_MULTIPLE_DATA = 19;
export const CMD_RPC = 20;
export const CMD_CANCEL_REQUEST = 21;
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

/** Sub-command bits of GET, PUT, MONITOR, RPC, ... (pvAccessCPP `QOS_*`). */
export const SUBCOMMAND_PROCESS = 0x04;
export const SUBCOMMAND_INIT = 0x08;
export const SUBCOMMAND_DESTROY = 0x10;
export const SUBCOMMAND_GET = 0x40;
/** MONITOR only: pipelined; with INIT the initial window follows, without it an acknowledgement. */
export const SUBCOMMAND_PIPELINE = 0x80;
export const SUBCOMMAND_MONITOR_START = 0x44;
export const SUBCOMMAND_MONITOR_STOP = 0x04;

export const SEARCH_MUST_REPLY = 0x01;
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
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/**
 * The longest channel name of pvAccessCPP (MAX_CHANNEL_NAME_LENGTH), which closes the circuit for
 * longer ones.
 */
export const MAX_CHANNEL_NAME_BYTES = 500;
