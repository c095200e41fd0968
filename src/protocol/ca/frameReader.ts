import { LocalProtocolError, RemoteProtocolError } from '../../base/errors';
import { EXTENDED_HEADER_BYTES, EXTENDED_HEADER_MARK, HEADER_BYTES } from './constants';

const noBytes = new Uint8Array(0);
const SMALL_BUFFER_BYTES = 64 * 1024;
const LARGE_BUFFER_BYTES = 1024 * 1024;

/**
 * Cuts the byte stream of one CA circuit into messages.
 *
 * Header, big endian, 16 bytes: command u16, payload size u16, data type u16, data count u16,
 * parameter 1 u32, parameter 2 u32. If the payload size is 0xffff (and the count 0), two more words
 * follow: payload size u32, data count u32. (EPICS "Channel Access Protocol Specification", section
 * "Message Structure"; `struct ca_hdr` in caProto.h.)
 *
 * The reader is its own cursor: after `next()` returned true, its fields describe one message.
 * Nothing is allocated for messages without payload, so one circuit can carry the replies for
 * 100,000 channels.
 */
export class FrameReader {
  command = 0;
  dataType = 0;
  /** 16 bits, or 32 bits from an extended header. */
  count = 0;
  /** Header bytes 8..11: cid, sid or status, depending on the command. */
  parameter1 = 0;
  /** Header bytes 12..15: sid, ioid, subscription id, minor revision..., depending on the command. */
  parameter2 = 0;
  /** As in the header, padding included; `payload` has as many bytes unless `isOversize`. */
  payloadBytes = 0;
  /** Header and payload together. */
  frameBytes = 0;
  /** Valid until the next call of `next` or `push`. */
  payload: Uint8Array = noBytes;
  /** Whether the payload exceeds its limit: it is dropped unread. */
  isOversize = false;

  #chunk: Uint8Array = noBytes;
  #view: DataView = new DataView(noBytes.buffer);
  #at = 0;
  /** A message cut by the end of a chunk: its first #have bytes, of #need known so far. */
  #partial: Uint8Array = noBytes;
  #partialView: DataView = new DataView(noBytes.buffer);
  #have = 0;
  #need = HEADER_BYTES;
  #skipBytes = 0;

  /**
   * @param peer who sent the bytes, for messages
   * @param maxPayloadBytes the limit for the payload of a command
   */
  constructor(
    readonly peer: string,
    readonly maxPayloadBytes: (command: number) => number,
  ) {}

  /** Bytes held for a message that is not complete yet. */
  get pendingBytes(): number {
    return this.#have;
  }

  /** Lends a chunk, which is no longer referenced once `next` has returned false. */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunk.length) {
      throw new LocalProtocolError('FrameReader: push before next() returned false');
    }
    this.#chunk = chunk;
    this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }

  /**
   * Moves to the next whole message; false when there is none yet.
   * @throws RemoteProtocolError when a payload is not padded to 8 bytes
   */
  next(): boolean {
    if (this.#skipBytes > 0) {
      const skipped = Math.min(this.#skipBytes, this.#chunk.length - this.#at);
      this.#skipBytes -= skipped;
      this.#at += skipped;
      if (this.#skipBytes > 0) return this.#drained();
    }
    if (this.#have > 0) return this.#resume();
    const left = this.#chunk.length - this.#at;
    if (left < HEADER_BYTES) return this.#stash(HEADER_BYTES);
    const start = this.#at;
    const headerBytes = this.#parseHeader(this.#view, start, left);
    if (headerBytes === 0) return this.#stash(EXTENDED_HEADER_BYTES);
    if (this.isOversize) {
      this.payload = noBytes;
      this.#at = start + headerBytes;
      this.#skipBytes = this.payloadBytes;
      return true;
    }
    const frameBytes = this.frameBytes;
    if (frameBytes > left) return this.#stash(frameBytes);
    this.#at = start + frameBytes;
    this.payload =
      this.payloadBytes === 0
        ? noBytes
        : this.#chunk.subarray(start + headerBytes, start + frameBytes);
    return true;
  }

  /** Reads a header into the fields. Returns its length, or 0 when an extended one is cut. */
  #parseHeader(view: DataView, at: number, left: number): number {
    let payloadBytes = view.getUint16(at + 2);
    let headerBytes = HEADER_BYTES;
    let count = view.getUint16(at + 6);
    if (payloadBytes === EXTENDED_HEADER_MARK) {
      if (left < EXTENDED_HEADER_BYTES) return 0;
      payloadBytes = view.getUint32(at + 16);
      count = view.getUint32(at + 20);
      headerBytes = EXTENDED_HEADER_BYTES;
    }
    const command = view.getUint16(at);
    if ((payloadBytes & 7) !== 0) {
      throw new RemoteProtocolError(
        `${this.peer} sent a message (command ${command}) with a payload of ${payloadBytes} bytes, ` +
          'which is not a multiple of 8: these are not Channel Access messages, or they are damaged',
      );
    }
    this.command = command;
    this.payloadBytes = payloadBytes;
    this.dataType = view.getUint16(at + 4);
    this.count = count;
    this.parameter1 = view.getUint32(at + 8);
    this.parameter2 = view.getUint32(at + 12);
    this.frameBytes = headerBytes + payloadBytes;
    this.isOversize = payloadBytes > this.maxPayloadBytes(command);
    return headerBytes;
  }

  /** Keeps the rest of the chunk as the beginning of a message of at least `need` bytes. */
  #stash(need: number): false {
    const left = this.#chunk.length - this.#at;
    if (left > 0) {
      this.#need = need;
      this.#append(left);
    }
    return this.#drained();
  }

  #drained(): false {
    this.#chunk = noBytes;
    this.#at = 0;
    this.payload = noBytes;
    return false;
  }

  /** Completes the message that began in an earlier chunk. */
  #resume(): boolean {
    for (;;) {
      const missing = this.#need - this.#have;
      const left = this.#chunk.length - this.#at;
      if (left < missing) {
        if (left > 0) this.#append(left);
        return this.#drained();
      }
      this.#append(missing);
      const headerBytes = this.#parseHeader(this.#partialView, 0, this.#have);
      if (headerBytes === 0) {
        this.#need = EXTENDED_HEADER_BYTES;
        continue;
      }
      if (this.isOversize) {
        this.#have = 0;
        this.payload = noBytes;
        this.#skipBytes = this.payloadBytes;
        return true;
      }
      const frameBytes = this.frameBytes;
      if (this.#have < frameBytes) {
        this.#need = frameBytes;
        continue;
      }
      this.payload = this.#partial.subarray(headerBytes, frameBytes);
      this.#have = 0;
      // One huge array must not cost its memory for the life of the circuit.
      if (this.#partial.length > LARGE_BUFFER_BYTES && frameBytes * 8 < this.#partial.length) {
        this.#replacePartial(noBytes);
      }
      return true;
    }
  }

  /** Appends bytes of the chunk to the partial message, growing towards its known size. */
  #append(lengthBytes: number): void {
    const end = this.#have + lengthBytes;
    if (end > this.#partial.length) {
      // Doubling, so that a peer whose header lies about the size must send the bytes first.
      const grown = new Uint8Array(
        Math.max(end, Math.min(this.#need, Math.max(SMALL_BUFFER_BYTES, end * 2))),
      );
      grown.set(this.#partial.subarray(0, this.#have));
      this.#replacePartial(grown);
    }
    this.#partial.set(this.#chunk.subarray(this.#at, this.#at + lengthBytes), this.#have);
    this.#have = end;
    this.#at += lengthBytes;
  }

  #replacePartial(bytes: Uint8Array): void {
    this.#partial = bytes;
    this.#partialView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
