/**
 * The protocol between us and our agent in a container, over one pair of byte streams. Many
 * connections share the pair, so each has credits: a slow reader stops only its own sender. Ends
 * and resets travel as frames, because engines do not carry half-closed streams reliably.
 *
 * The agent begins with MAGIC (anything else is an error message of the engine or a shell's
 * banner), then both sides send frames:
 *
 *     type u8 | connection u32 | length u32 | payload[length]        (big endian)
 *
 * Pure: bytes in, calls out. src/agent/agent.py implements the same protocol and must follow every
 * change.
 */
import { RemoteProtocolError } from '../../base/errors';
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from '../bytes';

/**
 * What the agent sends first. Changes whenever the frames do; both ends always have the same
 * version, because we bring the agent.
 */
export const MAGIC = encodeUtf8('\0epics-expose-agent/1\n');

/** Type u8, connection u32, payload length u32. */
export const FRAME_HEADER_BYTES = 9;

export const FrameType = {
  /** From the agent, its first frame, on connection 0: its name as text. */
  HELLO: 1,
  /**
   * To the agent: connect. Payload: port u16, host as text. 0.0.0.0 or :: stands for a listener on
   * every address, which the agent reaches by an address of its own if it can.
   */
  OPEN: 2,
  /** From the agent: connected. Before it, nothing but RESET may be sent for this connection. */
  OPENED: 3,
  /** From the agent: could not connect; the connection is over. Payload: error code and text. */
  FAIL: 4,
  DATA: 5,
  /** No more DATA from this side. */
  EOF: 6,
  /** The connection broke, or its owner gave it up; no frame follows for it. */
  RESET: 7,
  /** Payload u32: that many bytes of DATA were consumed, so that many more may be sent. */
  CREDIT: 8,
  /** To the agent: we are still here. An agent that receives nothing for 30 s exits. */
  TICK: 9,
  /** To the agent: read /proc. `connection` numbers the question; the payload is a look command. */
  LOOK: 10,
  /** From the agent: a part of the answer. The part with an empty payload is the last. */
  REPORT: 11,
} as const;
/** A number of `FrameType`. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Bytes of DATA that each side may send before it gets credit. */
export const WINDOW_BYTES = 2 * 1024 * 1024;

/** The longest payload of any frame, in bytes. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** How often to send TICK. */
export const TICK_PERIOD_MS = 5_000;

/** The header of a frame whose payload of `lengthBytes` is sent separately. */
export function encodeFrameHeader(
  type: FrameType,
  connection: number,
  lengthBytes: number,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint8(0, type);
  view.setUint32(1, connection);
  view.setUint32(5, lengthBytes);
  return header;
}

/** A whole frame; the payload is copied. */
export function encodeFrame(
  type: FrameType,
  connection: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.byteLength);
  frame.set(encodeFrameHeader(type, connection, payload.byteLength));
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** The payload of OPEN: port u16, host in UTF-8. */
export function encodeOpen(host: string, port: number): Uint8Array {
  return new ByteWriter(false, 32).u16(port).utf8(host).take();
}

/** Reads the payload of OPEN. Throws RemoteProtocolError when it is cut. */
export function decodeOpen(payload: Uint8Array): { host: string; port: number } {
  const reader = new ByteReader(payload, false, 'OPEN frame');
  const port = reader.u16();
  return { host: reader.utf8(reader.remainingBytes), port };
}

/** The payload of CREDIT: bytes consumed, u32. */
export function encodeCredit(lengthBytes: number): Uint8Array {
  return new ByteWriter(false, 4).u32(lengthBytes).take();
}

/** Reads the payload of CREDIT. Throws RemoteProtocolError when it is cut. */
export function decodeCredit(payload: Uint8Array): number {
  return new ByteReader(payload, false, 'CREDIT frame').u32();
}

/** What a FrameDecoder calls. */
export interface FrameReceiver {
  /** A piece of a DATA frame, as soon as it arrives: a part of the chunk, not a copy. */
  onData(connection: number, piece: Uint8Array): void;
  /** Any other whole frame, also of types that this version does not know. */
  onFrame(type: number, connection: number, payload: Uint8Array): void;
}

/** Cuts a byte stream into frames, however TCP split it. DATA passes on without a copy. */
export class FrameDecoder {
  readonly #receiver: FrameReceiver;
  /** Bytes of MAGIC that are still to come. */
  #magicLeft: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFill = 0;
  #type = 0;
  #connection = 0;
  #payloadLeft = 0;
  #payload: Uint8Array | undefined;

  constructor(receiver: FrameReceiver, expectsMagic: boolean) {
    this.#receiver = receiver;
    this.#magicLeft = expectsMagic ? MAGIC.byteLength : 0;
  }

  /**
   * Takes the next chunk. Throws RemoteProtocolError when it is not from our agent or a frame is
   * too long; the stream is unusable then.
   */
  push(chunk: Uint8Array): void {
    let rest = this.#magicLeft > 0 ? this.#checkMagic(chunk) : chunk;
    while (rest.byteLength > 0) {
      rest = this.#payloadLeft > 0 ? this.#takePayload(rest) : this.#takeHeader(rest);
    }
  }

  #checkMagic(chunk: Uint8Array): Uint8Array {
    const lengthBytes = Math.min(this.#magicLeft, chunk.byteLength);
    const expected = MAGIC.subarray(MAGIC.byteLength - this.#magicLeft);
    for (let at = 0; at < lengthBytes; at++) {
      if (chunk[at] === expected[at]) continue;
      const text = decodeUtf8(chunk.subarray(0, 300)).trim();
      throw new RemoteProtocolError(`this is not our agent: ${JSON.stringify(text)}`);
    }
    this.#magicLeft -= lengthBytes;
    return chunk.subarray(lengthBytes);
  }

  #takeHeader(chunk: Uint8Array): Uint8Array {
    const lengthBytes = Math.min(FRAME_HEADER_BYTES - this.#headerFill, chunk.byteLength);
    this.#header.set(chunk.subarray(0, lengthBytes), this.#headerFill);
    this.#headerFill += lengthBytes;
    if (this.#headerFill === FRAME_HEADER_BYTES) {
      this.#headerFill = 0;
      this.#beginFrame();
    }
    return chunk.subarray(lengthBytes);
  }

  #beginFrame(): void {
    const reader = new ByteReader(this.#header, false, 'agent frame header');
    this.#type = reader.u8();
    this.#connection = reader.u32();
    this.#payloadLeft = reader.u32();
    if (this.#payloadLeft > MAX_PAYLOAD_BYTES) {
      throw new RemoteProtocolError(
        `agent frame of type ${this.#type} announces ${this.#payloadLeft} bytes, ` +
          `at most ${MAX_PAYLOAD_BYTES} are allowed`,
      );
    }
    if (this.#type === FrameType.DATA) return;
    if (this.#payloadLeft > 0) this.#payload = new Uint8Array(this.#payloadLeft);
    else this.#receiver.onFrame(this.#type, this.#connection, new Uint8Array(0));
  }

  #takePayload(chunk: Uint8Array): Uint8Array {
    const lengthBytes = Math.min(this.#payloadLeft, chunk.byteLength);
    const piece = chunk.subarray(0, lengthBytes);
    const payload = this.#payload;
    if (payload) payload.set(piece, payload.byteLength - this.#payloadLeft);
    this.#payloadLeft -= lengthBytes;
    if (!payload) {
      this.#receiver.onData(this.#connection, piece);
    } else if (this.#payloadLeft === 0) {
      this.#payload = undefined;
      this.#receiver.onFrame(this.#type, this.#connection, payload);
    }
    return chunk.subarray(lengthBytes);
  }
}
