import { LocalProtocolError } from '../../base/errors';
import { encodeUtf8 } from '../bytes';
import { alignTo8, EXTENDED_HEADER_BYTES, EXTENDED_HEADER_MARK, HEADER_BYTES } from './constants';

const INITIAL_BYTES = 512;
const noBytes = new Uint8Array(0);

/**
 * Appends CA messages to one growing buffer. The layout of the header is at FrameReader. The
 * extended header is used only when a number does not fit the plain one, as in every
 * implementation.
 */
export class FrameWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  get lengthBytes(): number {
    return this.#end;
  }

  /**
   * Appends a message; the payload is padded with zeros to a multiple of 8. Throws
   * LocalProtocolError if it needs an extended header and must not have one.
   */
  message(
    command: number,
    dataType: number,
    count: number,
    parameter1: number,
    parameter2: number,
    payload: Uint8Array = noBytes,
    isExtendedAllowed = true,
  ): void {
    const at = this.#header(
      command,
      alignTo8(payload.length),
      dataType,
      count,
      parameter1,
      parameter2,
      isExtendedAllowed,
    );
    this.#bytes.set(payload, at);
  }

  /**
   * Appends a message whose payload is a NUL-terminated text: a name, a host, a user. Throws
   * LocalProtocolError if the text contains NUL.
   */
  textMessage(
    command: number,
    dataType: number,
    count: number,
    parameter1: number,
    parameter2: number,
    text: string,
  ): void {
    // Names are nearly always ASCII: written in place, without an array of their own.
    let isAscii = true;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0) throw new LocalProtocolError(`a text for CA must not hold NUL: ${text}`);
      if (code >= 0x80) isAscii = false;
    }
    const bytes = isAscii ? undefined : encodeUtf8(text);
    const payloadBytes = alignTo8((bytes?.length ?? text.length) + 1);
    const at = this.#header(command, payloadBytes, dataType, count, parameter1, parameter2, false);
    if (bytes === undefined) {
      for (let i = 0; i < text.length; i++) this.#bytes[at + i] = text.charCodeAt(i);
    } else {
      this.#bytes.set(bytes, at);
    }
  }

  /** Writes a header and zeros for its payload; returns the offset where the payload begins. */
  #header(
    command: number,
    payloadBytes: number,
    dataType: number,
    count: number,
    parameter1: number,
    parameter2: number,
    isExtendedAllowed: boolean,
  ): number {
    const isExtended = payloadBytes >= EXTENDED_HEADER_MARK || count >= EXTENDED_HEADER_MARK;
    if (isExtended && !isExtendedAllowed) {
      throw new LocalProtocolError(
        `CA command ${command}: ${payloadBytes} bytes, count ${count} do not fit a plain header`,
      );
    }
    const headerBytes = isExtended ? EXTENDED_HEADER_BYTES : HEADER_BYTES;
    const start = this.#end;
    this.#reserve(headerBytes + payloadBytes);
    const view = this.#view;
    view.setUint16(start, command);
    view.setUint16(start + 2, isExtended ? EXTENDED_HEADER_MARK : payloadBytes);
    view.setUint16(start + 4, dataType);
    view.setUint16(start + 6, isExtended ? 0 : count);
    view.setUint32(start + 8, parameter1);
    view.setUint32(start + 12, parameter2);
    if (isExtended) {
      view.setUint32(start + 16, payloadBytes);
      view.setUint32(start + 20, count);
    }
    return start + headerBytes;
  }

  #reserve(lengthBytes: number): void {
    const end = this.#end + lengthBytes;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#end = end;
  }

  /** Returns the bytes written so far and starts over; the array belongs to the caller. */
  take(): Uint8Array {
    if (this.#end === 0) return noBytes;
    const taken = this.#bytes.subarray(0, this.#end);
    this.#bytes = new Uint8Array(INITIAL_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#end = 0;
    return taken;
  }
}
