import { Duplex } from 'node:stream';
import { RemoteProtocolError, TransportError, messageOf } from '../../base/errors';

const headerBytes = 8;
const stdoutStream = 1;
const stderrStream = 2;
const stderrKeptBytes = 4096;
/**
 * Our programs print a line or two to stderr; a program that never stops is not ours, and nothing
 * slows it down.
 */
const stderrMaxBytes = 8 * 1024 * 1024;

/** Docker writes this to *stdout* if there is no such program; Podman writes it to stderr. */
const runtimeFailure = Buffer.from('OCI runtime exec failed');

/**
 * The hijacked stream of an exec without tty, as a Duplex: writes go to the program's stdin, reads
 * come from its stdout, and the end of stderr is kept. docker-modem's own demuxStream has no
 * back-pressure (it ignores the result of write()), so a slow reader would let memory grow without
 * end.
 *
 * Frames from the engine: stream u8 (0 stdin, 1 stdout, 2 stderr), 3 zero bytes, length u32 big
 * endian, payload (Docker Engine API, "ContainerAttach", stream format). Payloads are passed on
 * piece by piece and never collected, so their length needs no limit.
 */
export class ExecStream extends Duplex {
  readonly #socket: Duplex;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFill = 0;
  #payloadLeft = 0;
  #stream = stdoutStream;
  #isFirstStdout = true;
  #stderr = Buffer.alloc(0);
  #stderrBytes = 0;

  constructor(socket: Duplex) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024 });
    this.#socket = socket;
    socket.on('error', (error) => {
      this.destroy(new TransportError(`exec stream: ${messageOf(error)}`, { cause: error }));
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#finish());
    socket.on('close', () => {
      this.#finish();
      // The other side no longer reads: end the writing side as well.
      if (!this.writableEnded) this.end();
    });
  }

  /** The last few kilobytes of stderr. */
  get stderrText(): string {
    return this.#stderr.toString('utf8');
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#socket.write(chunk, (error) => done(error ?? undefined));
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #finish(): void {
    if (this.#payloadLeft === 0 && this.#headerFill === 0) this.push(null);
    else
      this.destroy(new TransportError('exec stream: the engine ended it in the middle of a frame'));
  }

  #receive(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.destroyed) {
      if (this.#payloadLeft === 0) {
        at = this.#receiveHeader(chunk, at);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#payloadLeft);
      this.#payloadLeft -= end - at;
      this.#deliver(chunk.subarray(at, end));
      at = end;
    }
  }

  #receiveHeader(chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + headerBytes - this.#headerFill);
    chunk.copy(this.#header, this.#headerFill, start, end);
    this.#headerFill += end - start;
    if (this.#headerFill < headerBytes) return end;
    this.#headerFill = 0;
    this.#stream = this.#header.readUInt8(0);
    this.#payloadLeft = this.#header.readUInt32BE(4);
    if (this.#stream > stderrStream || this.#header.readUIntBE(1, 3) !== 0) {
      const bytes = this.#header.toString('hex');
      this.destroy(new RemoteProtocolError(`the engine sent a bad stream frame header ${bytes}`));
    }
    return end;
  }

  #deliver(payload: Buffer): void {
    if (this.#stream === stderrStream) return this.#keepStderr(payload);
    if (this.#isFirstStdout) {
      this.#isFirstStdout = false;
      if (payload.subarray(0, runtimeFailure.length).equals(runtimeFailure)) {
        return this.#keepStderr(payload);
      }
    }
    if (!this.push(payload)) this.#socket.pause();
  }

  #keepStderr(payload: Buffer): void {
    // A copy, which is small; a subarray would keep the whole.
    const kept = payload.subarray(-stderrKeptBytes);
    this.#stderr = Buffer.from(Buffer.concat([this.#stderr, kept]).subarray(-stderrKeptBytes));
    this.#stderrBytes += payload.length;
    if (this.#stderrBytes <= stderrMaxBytes) return;
    this.destroy(new RemoteProtocolError('the program in the container prints errors without end'));
  }
}
