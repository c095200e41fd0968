import { Duplex, type Readable, type Writable } from 'node:stream';
import { EventEmitter } from '../../base/event';
import { RemoteProtocolError, TransportError } from '../../base/errors';
import {
  FrameDecoder,
  FrameType,
  WINDOW_BYTES,
  decodeCredit,
  encodeCredit,
  encodeFrame,
  encodeFrameHeader,
} from '../../protocol/agent/frames';

/** A frame that is not about an open connection. */
export interface LinkFrame {
  readonly type: number;
  readonly connection: number;
  readonly payload: Uint8Array;
}

/**
 * Bytes that wait to be written, apart from what connections may have in flight. With more than
 * this, the far end is stuck.
 */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/**
 * Many connections over one pair of byte streams, in frames (src/protocol/agent/frames.ts). Both
 * ends use it: we, and the agent that Node runs in a container. The far end may be a hostile
 * program, so what it sends is limited here: DATA by its credit, and DATA for connections that are
 * over by what may still have been in flight.
 */
export class MuxLink {
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #streams = new Map<number, MuxStream>();
  readonly #frames = new EventEmitter<LinkFrame>();
  readonly #closed = new EventEmitter<Error>();
  #closeReason: Error | undefined;
  /** Bytes of DATA that may still come for connections that ended here. */
  #strayBytes = 0;

  /** HELLO, OPEN, OPENED, FAIL, TICK, LOOK, REPORT, and what a later version may add. */
  readonly onFrame = this.#frames.event;
  /** Fires once, after all connections have been reset. */
  readonly onDidClose = this.#closed.event;

  constructor(input: Readable, output: Writable, expectsMagic: boolean) {
    this.#input = input;
    this.#output = output;
    const decoder = new FrameDecoder(
      {
        onData: (connection, piece) => this.#receiveData(connection, piece),
        onFrame: (type, connection, payload) => this.#receive(type, connection, payload),
      },
      expectsMagic,
    );
    const fail = (error: Error): void => this.close(error);
    output.on('error', fail);
    input.on('error', fail);
    input.on('close', () => this.close(new TransportError('the connection to the agent ended')));
    input.on('end', () => this.close(new TransportError('the agent ended')));
    input.on('data', (chunk: Buffer) => {
      if (this.#closeReason) return;
      try {
        decoder.push(chunk);
      } catch (error) {
        this.close(error as Error);
      }
    });
  }

  /** Why the link was closed; undefined while it is open. */
  get closeReason(): Error | undefined {
    return this.#closeReason;
  }

  /** Returns the stream for a connection that the far end already knows by this number. */
  attach(connection: number): MuxStream {
    const stream = new MuxStream(this, connection);
    stream.once('close', () => {
      this.#strayBytes += WINDOW_BYTES;
      this.#streams.delete(connection);
    });
    if (this.#closeReason) stream.fail(this.#closeReason);
    else this.#streams.set(connection, stream);
    return stream;
  }

  /** Sends a frame other than DATA. */
  send(type: FrameType, connection: number, payload?: Uint8Array): void {
    if (this.#closeReason) return;
    if (type === FrameType.RESET) this.#strayBytes += WINDOW_BYTES;
    this.#output.write(encodeFrame(type, connection, payload));
    const allowedBytes = MAX_WAITING_BYTES + this.#streams.size * WINDOW_BYTES;
    if (this.#output.writableLength <= allowedBytes) return;
    this.close(new RemoteProtocolError('the agent does not read what it is sent'));
  }

  /** Sends pieces as one DATA frame; calls back when the operating system has them. */
  sendData(
    connection: number,
    pieces: readonly Uint8Array[],
    lengthBytes: number,
    done: (error?: Error | null) => void,
  ): void {
    if (this.#closeReason) return done(this.#closeReason);
    this.#output.cork();
    this.#output.write(encodeFrameHeader(FrameType.DATA, connection, lengthBytes));
    for (const [index, piece] of pieces.entries()) {
      if (index === pieces.length - 1) this.#output.write(piece, done);
      else this.#output.write(piece);
    }
    this.#output.uncork();
  }

  /** Closes the link and resets all connections. */
  close(error: Error): void {
    if (this.#closeReason) return;
    this.#closeReason = error;
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#streams.clear();
    this.#input.destroy();
    this.#output.destroy();
    this.#closed.fire(error);
  }

  #receiveData(connection: number, piece: Uint8Array): void {
    const stream = this.#streams.get(connection);
    if (!stream) {
      this.#strayBytes -= piece.byteLength;
      if (this.#strayBytes >= 0) return;
      throw new RemoteProtocolError('the agent sends data for connections that do not exist');
    }
    if (!stream.receive(piece)) {
      throw new RemoteProtocolError('the agent sends more data than it has credit for');
    }
  }

  #receive(type: number, connection: number, payload: Uint8Array): void {
    const stream = this.#streams.get(connection);
    switch (type) {
      case FrameType.EOF:
        stream?.receiveEnd();
        break;
      case FrameType.RESET:
        stream?.fail(new TransportError('connection reset by the peer'));
        break;
      case FrameType.CREDIT:
        stream?.receiveCredit(decodeCredit(payload));
        break;
      default:
        this.#frames.fire({ type, connection, payload });
    }
  }
}

/** Bytes that may wait here before the writer must pause. */
const WRITE_BUFFER_BYTES = 512 * 1024;
const DATA_FRAME_BYTES = 256 * 1024;
const CREDIT_STEP_BYTES = WINDOW_BYTES / 8;

/**
 * One connection of a link. It keeps its writing side open when the peer ends; destroying it resets
 * the connection.
 */
export class MuxStream extends Duplex {
  readonly #link: MuxLink;
  readonly #connection: number;
  #sendWindow = WINDOW_BYTES;
  /** What `_write` got and has no credit for yet. */
  #waiting: { pieces: Uint8Array[]; done: (error?: Error | null) => void } | undefined;
  /** Bytes that the peer may send before it gets more credit. */
  #receiveWindow = WINDOW_BYTES;
  /** Bytes received and passed on for which the peer has no credit yet. */
  #uncreditedBytes = 0;
  #isPeerGone = false;

  constructor(link: MuxLink, connection: number) {
    super({ allowHalfOpen: true, writableHighWaterMark: WRITE_BUFFER_BYTES, decodeStrings: true });
    this.#link = link;
    this.#connection = connection;
    // A reset must never be fatal, even when nothing listens yet or any more.
    this.on('error', () => undefined);
  }

  /** False when that was more than the peer may send. */
  receive(piece: Uint8Array): boolean {
    this.#receiveWindow -= piece.byteLength;
    if (this.#receiveWindow < 0) return false;
    if (this.destroyed) return true;
    this.#uncreditedBytes += piece.byteLength;
    if (this.push(piece)) this.#giveCredit();
    return true;
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  receiveCredit(lengthBytes: number): void {
    this.#sendWindow = Math.min(this.#sendWindow + lengthBytes, WINDOW_BYTES);
    this.#sendWaiting();
  }

  /** The peer reset the connection, or the link broke. */
  fail(error: Error): void {
    this.#isPeerGone = true;
    this.destroy(error);
  }

  override _read(): void {
    this.#giveCredit();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#waiting = { pieces: [chunk], done };
    this.#sendWaiting();
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#waiting = { pieces: chunks.map(({ chunk }) => chunk), done };
    this.#sendWaiting();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#link.send(FrameType.EOF, this.#connection);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isComplete = this.readableEnded && this.writableFinished;
    if (!isComplete && !this.#isPeerGone) this.#link.send(FrameType.RESET, this.#connection);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    done(error);
    waiting?.done(error ?? new TransportError('connection closed'));
  }

  #giveCredit(): void {
    if (this.#uncreditedBytes < CREDIT_STEP_BYTES || this.destroyed) return;
    const creditBytes = this.#uncreditedBytes;
    this.#uncreditedBytes = 0;
    this.#receiveWindow += creditBytes;
    this.#link.send(FrameType.CREDIT, this.#connection, encodeCredit(creditBytes));
  }

  #sendWaiting(): void {
    const waiting = this.#waiting;
    if (!waiting || this.destroyed) return;
    const pieces: Uint8Array[] = [];
    let lengthBytes = 0;
    const limit = Math.min(this.#sendWindow, DATA_FRAME_BYTES);
    while (lengthBytes < limit && waiting.pieces.length > 0) {
      const piece = waiting.pieces[0]!;
      const part = piece.subarray(0, limit - lengthBytes);
      pieces.push(part);
      lengthBytes += part.byteLength;
      if (part.byteLength === piece.byteLength) waiting.pieces.shift();
      else waiting.pieces[0] = piece.subarray(part.byteLength);
    }
    if (lengthBytes === 0) return; // until credit comes
    this.#sendWindow -= lengthBytes;
    this.#link.sendData(this.#connection, pieces, lengthBytes, (error) => {
      if (this.#waiting !== waiting) return;
      if (error || waiting.pieces.length === 0) {
        this.#waiting = undefined;
        waiting.done(error);
      } else this.#sendWaiting();
    });
  }
}
