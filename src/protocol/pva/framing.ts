/**
 * The framing of pvAccess (specification, "Message Header"). A header has eight bytes: magic 0xCA,
 * version, flags, command, payload size (for control messages: their data). The flags say which
 * byte order the message has.
 */
import { RemoteProtocolError } from '../../base/errors';
import { ByteReader, ByteWriter } from '../bytes';
import { ReceiveBuffer } from '../receiveBuffer';
import {
  COMMAND_NAMES,
  FLAG_BIG_ENDIAN,
  FLAG_CONTROL,
  FLAG_FROM_SERVER,
  FLAG_SEGMENT_LAST,
  FLAG_SEGMENT_MASK,
  PVA_HEADER_BYTES,
  PVA_MAGIC,
  PVA_PROTOCOL_REVISION,
} from './constants';

/** Which side of a circuit sends. */
export type PeerRole = 'server' | 'client';

/** What a FrameReader calls. */
export interface FrameHandler {
  /**
   * A whole application message, with its segments joined. Its bytes are valid during the call
   * only.
   */
  onMessage(command: number, payload: ByteReader, version: number): void;
  /** A control message. */
  onControl(command: number, data: number, isLittleEndian: boolean): void;
}

/**
 * Cuts a byte stream into messages and joins segments. After an error it stays unusable, because
 * nothing that follows on the stream has a meaning.
 */
export class FrameReader {
  readonly #buffer = new ReceiveBuffer();
  /** Copied payloads of a segmented message that is not complete yet. */
  #segments: Uint8Array[] = [];
  #segmentsBytes = 0;
  #segmentedCommand: number | undefined;
  #failure: RemoteProtocolError | undefined;

  constructor(
    readonly peer: PeerRole,
    readonly maxMessageBytes: number,
  ) {}

  /**
   * Takes bytes as they arrive; calls back for each whole message. The chunk must not be reused by
   * its owner. Throws RemoteProtocolError on anything that is not pvAccess, and the same error on
   * later calls.
   */
  receive(chunk: Uint8Array, handler: FrameHandler): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#buffer.push(chunk);
    const bytes = this.#buffer.view();
    let at = 0;
    try {
      while (bytes.byteLength - at >= PVA_HEADER_BYTES) {
        const lengthBytes = this.#frameBytes(bytes, at);
        if (bytes.byteLength - at < lengthBytes) break;
        const frame = bytes.subarray(at, at + lengthBytes);
        at += lengthBytes;
        this.#deliver(frame, handler);
      }
    } catch (error) {
      if (error instanceof RemoteProtocolError) this.#failure = error;
      throw error;
    } finally {
      this.#buffer.consume(at);
    }
  }

  #fail(how: string): never {
    throw new RemoteProtocolError(`pvAccess ${this.peer}: ${how}`);
  }

  /** Checks the header at `at` and returns the length of its frame. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const version = bytes[at + 1];
    const flags = bytes[at + 2] as number;
    if (bytes[at] !== PVA_MAGIC || version === 0) {
      this.#fail(`does not speak pvAccess (begins with ${hex(bytes.subarray(at, at + 4))})`);
    }
    if (((flags & FLAG_FROM_SERVER) !== 0) !== (this.peer === 'server')) {
      this.#fail(`sends a message of the wrong direction (flags 0x${flags.toString(16)})`);
    }
    if ((flags & FLAG_CONTROL) !== 0) return PVA_HEADER_BYTES;
    const lengthBytes = headerSize(bytes, at);
    if (lengthBytes + this.#segmentsBytes > this.maxMessageBytes) {
      this.#fail(
        `announces a message of ${lengthBytes + this.#segmentsBytes} bytes, ` +
          `more than the ${this.maxMessageBytes} that we take`,
      );
    }
    return PVA_HEADER_BYTES + lengthBytes;
  }

  #deliver(frame: Uint8Array, handler: FrameHandler): void {
    const version = frame[1] as number;
    const flags = frame[2] as number;
    const command = frame[3] as number;
    const isLittleEndian = (flags & FLAG_BIG_ENDIAN) === 0;
    // Control messages may stand between the segments of a message.
    if ((flags & FLAG_CONTROL) !== 0) {
      handler.onControl(command, headerSize(frame, 0), isLittleEndian);
      return;
    }
    let payload = frame.subarray(PVA_HEADER_BYTES);
    const segment = flags & FLAG_SEGMENT_MASK;
    const isContinuation = (segment & FLAG_SEGMENT_LAST) !== 0;
    if (isContinuation !== (this.#segmentedCommand !== undefined)) {
      this.#fail('sends the segments of a message in the wrong order');
    }
    if (isContinuation && command !== this.#segmentedCommand) {
      this.#fail('mixes the segments of two messages');
    }
    if (segment !== 0) {
      if (payload.byteLength > 0) this.#segments.push(Uint8Array.from(payload));
      this.#segmentsBytes += payload.byteLength;
      this.#segmentedCommand = command;
      if (segment !== FLAG_SEGMENT_LAST) return;
      payload = this.#joinSegments();
    }
    const what = `pvAccess ${this.peer}, ${COMMAND_NAMES[command] ?? `command ${command}`}`;
    handler.onMessage(command, new ByteReader(payload, isLittleEndian, what), version);
  }

  #joinSegments(): Uint8Array {
    const joined = new Uint8Array(this.#segmentsBytes);
    let at = 0;
    for (const part of this.#segments) {
      joined.set(part, at);
      at += part.byteLength;
    }
    this.#segments = [];
    this.#segmentsBytes = 0;
    this.#segmentedCommand = undefined;
    return joined;
  }
}

/** Bytes 4..7 of a header as a number, without creating a DataView for each of 100,000 messages. */
export function headerSize(bytes: Uint8Array, at: number): number {
  const a = bytes[at + 4] as number;
  const b = bytes[at + 5] as number;
  const c = bytes[at + 6] as number;
  const d = bytes[at + 7] as number;
  const isBigEndian = ((bytes[at + 2] as number) & FLAG_BIG_ENDIAN) !== 0;
  return isBigEndian ? toU32(a, b, c, d) : toU32(d, c, b, a);
}

function toU32(a: number, b: number, c: number, d: number): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Bytes as lower-case hex digits, two each. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Collects messages to send, unsegmented and in one byte order. */
export class FrameWriter {
  readonly #body: ByteWriter;

  constructor(
    readonly role: PeerRole,
    isLittleEndian: boolean,
  ) {
    this.#body = new ByteWriter(isLittleEndian);
  }

  get lengthBytes(): number {
    return this.#body.lengthBytes;
  }

  set isLittleEndian(isLittleEndian: boolean) {
    this.#body.littleEndian = isLittleEndian;
  }

  #header(flags: number, command: number): void {
    const direction = this.role === 'server' ? FLAG_FROM_SERVER : 0;
    const order = this.#body.littleEndian ? 0 : FLAG_BIG_ENDIAN;
    this.#body
      .u8(PVA_MAGIC)
      .u8(PVA_PROTOCOL_REVISION)
      .u8(flags | direction | order)
      .u8(command);
  }

  /** Appends a control message. */
  control(command: number, data: number): void {
    this.#header(FLAG_CONTROL, command);
    this.#body.u32(data);
  }

  /**
   * Appends one application message; `write` writes its payload. If that throws, nothing is sent.
   */
  message(command: number, write: (body: ByteWriter) => void): void {
    const start = this.#body.lengthBytes;
    this.#header(0, command);
    this.#body.u32(0);
    const payloadStart = this.#body.lengthBytes;
    try {
      write(this.#body);
    } catch (error) {
      this.#body.bytes(this.#body.take().subarray(0, start));
      throw error;
    }
    this.#body.patchU32(payloadStart - 4, this.#body.lengthBytes - payloadStart);
  }

  /** Everything written since the last call; the array belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> {
    // Called after every chunk that arrives, mostly with nothing to take.
    return this.#body.lengthBytes === 0 ? new Uint8Array(0) : this.#body.take();
  }
}
