import { LocalProtocolError } from '../../base/errors';
import * as ca from './constants';
import { encodeErrorPayload } from './errorPayload';
import type { FrameWriter } from './frameWriter';
import type { CaClientMessage, CaServerMessage } from './message';

/** A client message that we may send. Writes have no encoder: this program never puts a value. */
export type CaClientRequest = Exclude<
  CaClientMessage,
  { readonly command: 'WRITE' | 'WRITE_NOTIFY' | 'UNKNOWN' }
>;

/** Appends a client's message. */
export function encodeClientMessage(writer: FrameWriter, message: CaClientRequest): void {
  switch (message.command) {
    case 'VERSION': {
      const { priority, minor, sequence } = message;
      return writer.message(ca.CA_PROTO_VERSION, priority, minor, sequence, 0);
    }
    case 'SEARCH': {
      const { cid, minor, name } = message;
      const flag = message.isReplyRequired ? ca.DOREPLY : ca.DONTREPLY;
      return writer.textMessage(ca.CA_PROTO_SEARCH, flag, minor, cid, cid, name);
    }
    case 'CREATE_CHAN':
      return writer.textMessage(
        ca.CA_PROTO_CREATE_CHAN,
        0,
        0,
        message.cid,
        message.minor,
        message.name,
      );
    case 'CLEAR_CHANNEL':
      return writer.message(ca.CA_PROTO_CLEAR_CHANNEL, 0, 0, message.sid, message.cid);
    case 'EVENT_ADD': {
      const { dbrType, count, sid, subscriptionId, mask } = message;
      const monInfo = encodeMonInfo(mask);
      return writer.message(ca.CA_PROTO_EVENT_ADD, dbrType, count, sid, subscriptionId, monInfo);
    }
    case 'EVENT_CANCEL': {
      const { dbrType, count, sid, subscriptionId } = message;
      return writer.message(ca.CA_PROTO_EVENT_CANCEL, dbrType, count, sid, subscriptionId);
    }
    case 'READ':
    case 'READ_NOTIFY': {
      const { dbrType, count, sid, ioid } = message;
      const code = message.command === 'READ' ? ca.CA_PROTO_READ : ca.CA_PROTO_READ_NOTIFY;
      return writer.message(code, dbrType, count, sid, ioid);
    }
    case 'CLIENT_NAME':
      return writer.textMessage(ca.CA_PROTO_CLIENT_NAME, 0, 0, 0, 0, message.name);
    case 'HOST_NAME':
      return writer.textMessage(ca.CA_PROTO_HOST_NAME, 0, 0, 0, 0, message.name);
    case 'ECHO':
      return writer.message(ca.CA_PROTO_ECHO, 0, 0, 0, 0);
    case 'EVENTS_OFF':
      return writer.message(ca.CA_PROTO_EVENTS_OFF, 0, 0, 0, 0);
    case 'EVENTS_ON':
      return writer.message(ca.CA_PROTO_EVENTS_ON, 0, 0, 0, 0);
    case 'READ_SYNC':
      return writer.message(ca.CA_PROTO_READ_SYNC, 0, 0, 0, 0);
    case 'REPEATER_REGISTER':
      return writer.message(ca.REPEATER_REGISTER, 0, 0, 0, message.address);
  }
}

/**
 * The payload of EVENT_ADD, 16 bytes: low, high and timeout f32 (never used), mask u16, padding
 * u16.
 */
export function encodeMonInfo(mask: number): Uint8Array {
  const monInfo = new Uint8Array(16);
  new DataView(monInfo.buffer).setUint16(12, mask);
  return monInfo;
}

/**
 * Appends a server's message.
 * @param isExtendedAllowed false for a client of minor revision below 9
 * @throws LocalProtocolError for what cannot be encoded: UNKNOWN, an ERROR about no request, a size
 *   that needs an extended header where none is allowed
 */
export function encodeServerMessage(
  writer: FrameWriter,
  message: CaServerMessage,
  isExtendedAllowed = true,
): void {
  switch (message.command) {
    case 'VERSION': {
      const { minor, sequence } = message;
      const isSequenced = sequence === undefined ? 0 : 1;
      return writer.message(ca.CA_PROTO_VERSION, isSequenced, minor, sequence ?? 0, 0);
    }
    case 'SEARCH': {
      const { port, address, cid, minor } = message;
      const payload = minor === undefined ? undefined : Uint8Array.of(minor >> 8, minor);
      return writer.message(ca.CA_PROTO_SEARCH, port, 0, address, cid, payload);
    }
    case 'NOT_FOUND': {
      const { replyFlag, minor, cid } = message;
      return writer.message(ca.CA_PROTO_NOT_FOUND, replyFlag, minor, cid, cid);
    }
    case 'CREATE_CHAN': {
      const { nativeType, count, cid, sid } = message;
      return writer.message(
        ca.CA_PROTO_CREATE_CHAN,
        nativeType,
        count,
        cid,
        sid,
        undefined,
        isExtendedAllowed,
      );
    }
    case 'CREATE_CH_FAIL':
      return writer.message(ca.CA_PROTO_CREATE_CH_FAIL, 0, 0, message.cid, 0);
    case 'SERVER_DISCONN':
      return writer.message(ca.CA_PROTO_SERVER_DISCONN, 0, 0, message.cid, 0);
    case 'CLEAR_CHANNEL':
      return writer.message(ca.CA_PROTO_CLEAR_CHANNEL, 0, 0, message.sid, message.cid);
    case 'ACCESS_RIGHTS': {
      const rights =
        (message.isReadable ? ca.CA_PROTO_ACCESS_RIGHT_READ : 0) |
        (message.isWritable ? ca.CA_PROTO_ACCESS_RIGHT_WRITE : 0);
      return writer.message(ca.CA_PROTO_ACCESS_RIGHTS, 0, 0, message.cid, rights);
    }
    case 'EVENT_ADD': {
      const { dbrType, count, eca, subscriptionId, payload } = message;
      return writer.message(
        ca.CA_PROTO_EVENT_ADD,
        dbrType,
        count,
        eca,
        subscriptionId,
        payload,
        isExtendedAllowed,
      );
    }
    case 'READ_NOTIFY':
    case 'READ': {
      const { dbrType, count, ioid, payload } = message;
      const isNotify = message.command === 'READ_NOTIFY';
      return writer.message(
        isNotify ? ca.CA_PROTO_READ_NOTIFY : ca.CA_PROTO_READ,
        dbrType,
        count,
        isNotify ? message.eca : message.cid,
        ioid,
        payload,
        isExtendedAllowed,
      );
    }
    case 'WRITE_NOTIFY': {
      const { dbrType, count, eca, ioid } = message;
      return writer.message(ca.CA_PROTO_WRITE_NOTIFY, dbrType, count, eca, ioid);
    }
    case 'ERROR': {
      if (message.about === undefined) {
        throw new LocalProtocolError('a CA error must name the request it is about');
      }
      const payload = encodeErrorPayload(message.about, message.text);
      return writer.message(ca.CA_PROTO_ERROR, 0, 0, message.cid, message.eca, payload);
    }
    case 'ECHO':
      return writer.message(ca.CA_PROTO_ECHO, 0, 0, 0, 0);
    case 'READ_SYNC':
      return writer.message(ca.CA_PROTO_READ_SYNC, 0, 0, 0, 0);
    case 'RSRV_IS_UP': {
      const { minor, port, beaconId, address } = message;
      return writer.message(ca.CA_PROTO_RSRV_IS_UP, minor, port, beaconId, address);
    }
    case 'REPEATER_CONFIRM':
      return writer.message(ca.REPEATER_CONFIRM, 0, 0, 0, message.address);
    case 'UNKNOWN':
      throw new LocalProtocolError(`CA command ${message.code} cannot be sent`);
  }
}
