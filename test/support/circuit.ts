/** A Channel Access circuit of a client that stays: 16-byte headers, written by hand. */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../src/model/endpoint';

const HEADER_BYTES = 16;
const CA_PROTO_VERSION = 0;
const CA_PROTO_ECHO = 23;
const MINOR_VERSION = 13;

export class Circuit {
  #received = Buffer.alloc(0);
  #heard: () => void = () => undefined;
  #ended: string | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#heard();
    });
    const end = (reason: string) => (): void => {
      this.#ended ??= reason;
      this.#heard();
    };
    socket.on('error', end('reset')).on('end', end('ended')).on('close', end('closed'));
  }

  static async open({ host, port }: Endpoint): Promise<Circuit> {
    const circuit = new Circuit(connect({ host, port }));
    circuit.socket.write(header(CA_PROTO_VERSION, MINOR_VERSION));
    await circuit.echo();
    return circuit;
  }

  /** Rejects when the circuit has ended. The test's own timeout bounds the wait. */
  async echo(): Promise<void> {
    this.#received = Buffer.alloc(0);
    this.socket.write(header(CA_PROTO_ECHO, 0));
    for (;;) {
      for (let at = 0; at + HEADER_BYTES <= this.#received.length; at += HEADER_BYTES) {
        if (this.#received.readUInt16BE(at) === CA_PROTO_ECHO) return;
      }
      if (this.#ended !== undefined) throw new Error(`the circuit ${this.#ended}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

function header(command: number, count: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeUInt16BE(command, 0);
  bytes.writeUInt16BE(count, 6);
  return bytes;
}
