import type { Disposable } from '../../base/disposable';
import { RemoteProtocolError } from '../../base/errors';
import type { Connection } from '../host/connection';

/**
 * What we ask is paced by `flush`, so more than that waits only if the peer makes us answer and does not
 * read: it would fill the memory.
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** One end of a protocol, without a socket. */
export interface ProtocolObject {
  /** Throws RemoteProtocolError if the peer breaks the rules. */
  receive(chunk: Uint8Array): void;
  takeOutput(): Uint8Array;
}

/** What happens to the connection. */
export interface LinkEvents {
  /** Called once: closed by the peer (undefined), by an error, or by bytes that break the rules. */
  onEnd(error: Error | undefined): void;
  /** The peer accepts bytes again after `flush` returned false. */
  onDrain?(): void;
  /** Bytes arrived and are not decoded yet; may throw to end the connection. */
  onBytes?(lengthBytes: number): void;
}

/**
 * Joins a connection with a sans-I/O protocol object: received bytes in, waiting bytes out, and one
 * end. Its creator disposes it; disposing closes the connection.
 */
export class ProtocolLink implements Disposable {
  readonly #connection: Connection;
  readonly #protocol: ProtocolObject;
  readonly #events: LinkEvents;
  #hasEnded = false;
  #hasReceived = false;
  /** Written since the peer last read all; an upper limit of what waits. */
  #waitingBytes = 0;

  constructor(connection: Connection, protocol: ProtocolObject, events: LinkEvents) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#events = events;
    connection.on('error', (error) => this.#end(error));
    connection.on('close', () => this.#end(undefined));
    connection.on('end', () => this.#end(undefined));
    connection.on('drain', () => {
      this.#waitingBytes = 0;
      if (!this.#hasEnded) events.onDrain?.();
    });
    connection.on('data', (bytes) => this.#receive(bytes));
    connection.resume();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    try {
      this.#events.onBytes?.(bytes.byteLength);
      this.#protocol.receive(bytes);
      this.#hasReceived = true;
      this.flush();
      if (this.#waitingBytes > MAX_WAITING_BYTES) {
        throw new RemoteProtocolError('it makes us answer, and does not read the answers');
      }
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Sends what waits. False if the peer is slow: wait for onDrain before producing more. */
  flush(): boolean {
    if (this.#hasEnded) return false;
    const bytes = this.#protocol.takeOutput();
    if (bytes.byteLength === 0) return true;
    const isAccepted = this.#connection.write(bytes);
    this.#waitingBytes = isAccepted ? 0 : this.#waitingBytes + bytes.byteLength;
    return isAccepted;
  }

  /** Whether valid bytes arrived since the last call. */
  takeReceived(): boolean {
    const hasReceived = this.#hasReceived;
    this.#hasReceived = false;
    return hasReceived;
  }

  #end(error: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#connection.destroy();
    this.#events.onEnd(error);
  }

  /** Closes without calling onEnd. */
  dispose(): void {
    this.#hasEnded = true;
    this.#connection.destroy();
  }
}
