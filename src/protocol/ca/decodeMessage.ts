import { RemoteProtocolError } from '../../base/errors';
import {
  CA_PROTO_ACCESS_RIGHTS,
  CA_PROTO_ACCESS_RIGHT_READ,
  CA_PROTO_ACCESS_RIGHT_WRITE,
  CA_PROTO_CLEAR_CHANNEL,
  CA_PROTO_CLIENT_NAME,
  CA_PROTO_CREATE_CHAN,
  CA_PROTO_CREATE_CH_FAIL,
  CA_PROTO_ECHO,
  CA_PROTO_ERROR,
  CA_PROTO_EVENTS_OFF,
  CA_PROTO_EVENTS_ON,
  CA_PROTO_EVENT_ADD,
  CA_PROTO_EVENT_CANCEL,
  CA_PROTO_HOST_NAME,
  CA_PROTO_NOT_FOUND,
  CA_PROTO_READ,
  CA_PROTO_READ_NOTIFY,
  CA_PROTO_READ_SYNC,
  CA_PROTO_RSRV_IS_UP,
  CA_PROTO_SEARCH,
  CA_PROTO_SERVER_DISCONN,
  CA_PROTO_VERSION,
  CA_PROTO_WRITE,
  CA_PROTO_WRITE_NOTIFY,
  DOREPLY,
  REPEATER_CONFIRM,
  REPEATER_REGISTER,
} from './constants';
import { decodeErrorPayload } from './errorPayload';
import type { CaClientMessage, CaFrame, CaServerMessage } from './message';
import { decodeText } from './text';

/** Bytes of struct mon_info: low, high, timeout f32, mask u16, padding u16. */
const MON_INFO_BYTES = 16;
const MON_INFO_MASK_OFFSET = 12;

/**
 * Decodes a message of a client. Unknown commands become UNKNOWN.
 * @throws RemoteProtocolError for an EVENT_ADD without its event mask
 */
export function decodeClientMessage(frame: CaFrame): CaClientMessage {
  const { dataType, count, parameter1, parameter2 } = frame;
  switch (frame.command) {
    case CA_PROTO_VERSION:
      return { command: 'VERSION', priority: dataType, minor: count, sequence: parameter1 };
    case CA_PROTO_SEARCH:
      return {
        command: 'SEARCH',
        cid: parameter1,
        name: decodeText(frame.payload),
        minor: count,
        isReplyRequired: dataType === DOREPLY,
      };
    case CA_PROTO_CREATE_CHAN:
      return {
        command: 'CREATE_CHAN',
        cid: parameter1,
        minor: parameter2,
        name: decodeText(frame.payload),
      };
    case CA_PROTO_CLEAR_CHANNEL:
      return { command: 'CLEAR_CHANNEL', sid: parameter1, cid: parameter2 };
    case CA_PROTO_EVENT_ADD:
      return {
        command: 'EVENT_ADD',
        dbrType: dataType,
        count,
        sid: parameter1,
        subscriptionId: parameter2,
        mask: decodeMask(frame.payload),
      };
    case CA_PROTO_EVENT_CANCEL:
      return {
        command: 'EVENT_CANCEL',
        dbrType: dataType,
        count,
        sid: parameter1,
        subscriptionId: parameter2,
      };
    case CA_PROTO_READ:
      return { command: 'READ', dbrType: dataType, count, sid: parameter1, ioid: parameter2 };
    case CA_PROTO_READ_NOTIFY:
      return {
        command: 'READ_NOTIFY',
        dbrType: dataType,
        count,
        sid: parameter1,
        ioid: parameter2,
      };
    case CA_PROTO_WRITE:
      return { command: 'WRITE', dbrType: dataType, count, sid: parameter1, ioid: parameter2 };
    case CA_PROTO_WRITE_NOTIFY:
      return {
        command: 'WRITE_NOTIFY',
        dbrType: dataType,
        count,
        sid: parameter1,
        ioid: parameter2,
      };
    case CA_PROTO_CLIENT_NAME:
      return { command: 'CLIENT_NAME', name: decodeText(frame.payload) };
    case CA_PROTO_HOST_NAME:
      return { command: 'HOST_NAME', name: decodeText(frame.payload) };
    case CA_PROTO_ECHO:
      return { command: 'ECHO' };
    case CA_PROTO_EVENTS_OFF:
      return { command: 'EVENTS_OFF' };
    case CA_PROTO_EVENTS_ON:
      return { command: 'EVENTS_ON' };
    case CA_PROTO_READ_SYNC:
      return { command: 'READ_SYNC' };
    case REPEATER_REGISTER:
      return { command: 'REPEATER_REGISTER', address: parameter2 };
    default:
      return { command: 'UNKNOWN', code: frame.command };
  }
}

function decodeMask(payload: Uint8Array): number {
  if (payload.length < MON_INFO_BYTES) {
    throw new RemoteProtocolError(
      `a CA client's EVENT_ADD has ${payload.length} bytes instead of ${MON_INFO_BYTES}`,
    );
  }
  return (payload[MON_INFO_MASK_OFFSET]! << 8) | payload[MON_INFO_MASK_OFFSET + 1]!;
}

/**
 * Decodes a message of a server or the repeater. Unknown commands become UNKNOWN. A `payload` in
 * the result is the frame's own: lent, not copied.
 */
export function decodeServerMessage(frame: CaFrame): CaServerMessage {
  const { dataType, count, parameter1, parameter2, payload } = frame;
  switch (frame.command) {
    case CA_PROTO_VERSION:
      // sequenceNoIsValid (caProto.h): the reply to a datagram repeats its number.
      return {
        command: 'VERSION',
        minor: count,
        sequence: dataType === 1 ? parameter1 : undefined,
      };
    case CA_PROTO_SEARCH:
      return {
        command: 'SEARCH',
        cid: parameter2,
        port: dataType,
        address: parameter1,
        minor: payload.length >= 2 ? (payload[0]! << 8) | payload[1]! : undefined,
      };
    case CA_PROTO_NOT_FOUND:
      return { command: 'NOT_FOUND', cid: parameter2, replyFlag: dataType, minor: count };
    case CA_PROTO_CREATE_CHAN:
      return {
        command: 'CREATE_CHAN',
        cid: parameter1,
        sid: parameter2,
        nativeType: dataType,
        count,
      };
    case CA_PROTO_CREATE_CH_FAIL:
      return { command: 'CREATE_CH_FAIL', cid: parameter1 };
    case CA_PROTO_SERVER_DISCONN:
      return { command: 'SERVER_DISCONN', cid: parameter1 };
    case CA_PROTO_CLEAR_CHANNEL:
      return { command: 'CLEAR_CHANNEL', sid: parameter1, cid: parameter2 };
    case CA_PROTO_ACCESS_RIGHTS:
      return {
        command: 'ACCESS_RIGHTS',
        cid: parameter1,
        isReadable: (parameter2 & CA_PROTO_ACCESS_RIGHT_READ) !== 0,
        isWritable: (parameter2 & CA_PROTO_ACCESS_RIGHT_WRITE) !== 0,
      };
    case CA_PROTO_EVENT_ADD:
      return {
        command: 'EVENT_ADD',
        dbrType: dataType,
        count,
        eca: parameter1,
        subscriptionId: parameter2,
        payload,
      };
    case CA_PROTO_READ_NOTIFY:
      return {
        command: 'READ_NOTIFY',
        dbrType: dataType,
        count,
        eca: parameter1,
        ioid: parameter2,
        payload,
      };
    case CA_PROTO_READ:
      return {
        command: 'READ',
        dbrType: dataType,
        count,
        cid: parameter1,
        ioid: parameter2,
        payload,
      };
    case CA_PROTO_WRITE_NOTIFY:
      return {
        command: 'WRITE_NOTIFY',
        dbrType: dataType,
        count,
        eca: parameter1,
        ioid: parameter2,
      };
    case CA_PROTO_ERROR:
      return {
        command: 'ERROR',
        cid: parameter1,
        eca: parameter2,
        ...decodeErrorPayload(payload),
      };
    case CA_PROTO_ECHO:
      return { command: 'ECHO' };
    case CA_PROTO_READ_SYNC:
      return { command: 'READ_SYNC' };
    case CA_PROTO_RSRV_IS_UP:
      return {
        command: 'RSRV_IS_UP',
        minor: dataType,
        port: count,
        beaconId: parameter1,
        address: parameter2,
      };
    case REPEATER_CONFIRM:
      return { command: 'REPEATER_CONFIRM', address: parameter2 };
    default:
      return { command: 'UNKNOWN', code: frame.command };
  }
}
