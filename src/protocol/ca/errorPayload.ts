/**
 * The payload of CA_PROTO_ERROR: the header of the request it is about (16 bytes, or 24 if that was
 * extended), then a NUL-terminated text (rsrv `camessage.c`, vsend_err).
 */
import { alignTo8, EXTENDED_HEADER_BYTES, EXTENDED_HEADER_MARK, HEADER_BYTES } from './constants';
import { encodeUtf8 } from '../bytes';
import { decodeText } from './text';

/** The header of the request that an error is about. */
export interface CaRequestHeader {
  readonly command: number;
  readonly payloadBytes: number;
  readonly dataType: number;
  readonly count: number;
  readonly parameter1: number;
  readonly parameter2: number;
}

/** What CA_PROTO_ERROR carries. */
export interface CaErrorPayload {
  /** Undefined when the payload is too short to hold it. */
  readonly about: CaRequestHeader | undefined;
  readonly text: string;
}

/** Reads the payload of CA_PROTO_ERROR; never throws. */
export function decodeErrorPayload(payload: Uint8Array): CaErrorPayload {
  if (payload.length < HEADER_BYTES) return { about: undefined, text: decodeText(payload) };
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let payloadBytes = view.getUint16(2);
  let count = view.getUint16(6);
  let headerBytes = HEADER_BYTES;
  if (payloadBytes === EXTENDED_HEADER_MARK && payload.length >= EXTENDED_HEADER_BYTES) {
    payloadBytes = view.getUint32(16);
    count = view.getUint32(20);
    headerBytes = EXTENDED_HEADER_BYTES;
  }
  return {
    about: {
      command: view.getUint16(0),
      payloadBytes,
      dataType: view.getUint16(4),
      count,
      parameter1: view.getUint32(8),
      parameter2: view.getUint32(12),
    },
    text: decodeText(payload.subarray(headerBytes)),
  };
}

/** The payload of CA_PROTO_ERROR about a request. */
export function encodeErrorPayload(about: CaRequestHeader, text: string): Uint8Array {
  const isExtended =
    about.payloadBytes >= EXTENDED_HEADER_MARK || about.count >= EXTENDED_HEADER_MARK;
  const headerBytes = isExtended ? EXTENDED_HEADER_BYTES : HEADER_BYTES;
  const textBytes = encodeUtf8(text);
  const payload = new Uint8Array(alignTo8(headerBytes + textBytes.length + 1));
  const view = new DataView(payload.buffer);
  view.setUint16(0, about.command);
  view.setUint16(2, isExtended ? EXTENDED_HEADER_MARK : about.payloadBytes);
  view.setUint16(4, about.dataType);
  view.setUint16(6, isExtended ? 0 : about.count);
  view.setUint32(8, about.parameter1);
  view.setUint32(12, about.parameter2);
  if (isExtended) {
    view.setUint32(16, about.payloadBytes);
    view.setUint32(20, about.count);
  }
  payload.set(textBytes, headerBytes);
  return payload;
}
