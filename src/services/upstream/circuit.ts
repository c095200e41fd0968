import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { TimeoutError } from '../../base/errors';
import type { Connection } from '../host/connection';
import { StateMachine } from '../../base/stateMachine';
import { CIRCUIT_TRANSITIONS } from './circuitStates';
import { keepAlive } from './keepAlive';
import { ProtocolLink, type ProtocolObject } from './protocolLink';

/** What one protocol does on a circuit: bytes in, bytes out, and the request for a sign of life. */
export interface CircuitAdapter extends ProtocolObject {
  ping(): void;
}

/**
 * How to connect, and with which adapter. Both timeouts are in milliseconds, stretched on a busy
 * machine.
 */
export interface CircuitInput<A extends CircuitAdapter> {
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  /** Called once connected; it calls `ready` when the handshake is done. */
  readonly createAdapter: (ready: () => void) => A;
  readonly onReady: () => void;
  /** The server accepts bytes again after `flush` returned false. */
  readonly onDrain?: () => void;
  /** Bytes arrived and are not decoded yet; may throw to end the circuit. */
  readonly onBytes?: (lengthBytes: number) => void;
  readonly dialTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly clock: Clock;
}

/**
 * One circuit to one server, for any purpose: connects, waits for the handshake, keeps it alive,
 * and ends once. To connect again, create another one.
 */
export class Circuit<A extends CircuitAdapter> implements Disposable {
  readonly #input: CircuitInput<A>;
  readonly #abort = new AbortController();
  #adapter: A | undefined;
  #link: ProtocolLink | undefined;
  readonly #state = new StateMachine(CIRCUIT_TRANSITIONS, 'connecting');
  /** Runs while the handshake is under way. */
  #handshakeTimer: Disposable | undefined;
  #hasBeenReady = false;
  #resolve: (error: Error | undefined) => void = () => undefined;

  constructor(input: CircuitInput<A>) {
    this.#input = input;
  }

  /** Set from the connection to the end. */
  get adapter(): A | undefined {
    return this.#adapter;
  }

  get isReady(): boolean {
    return this.#state.state === 'ready';
  }

  /** Whether the handshake was done; still true after the end. */
  get hasBeenReady(): boolean {
    return this.#hasBeenReady;
  }

  /** Aborts when the circuit ends. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Sends what waits. False if the server is slow: wait for onDrain before producing more. */
  flush(): boolean {
    return this.#link?.flush() ?? false;
  }

  /** Ends it for an external reason, which `run` resolves to. */
  end(reason: Error): void {
    this.#resolve(reason);
  }

  /**
   * Call once. Resolves at the end with the reason: undefined if the server closed it, or it was
   * disposed. Rejects if there is no connection (TimeoutError, or the error of `dial`), and with
   * CancelledError.
   */
  async run(): Promise<Error | undefined> {
    const { clock, dialTimeoutMs } = this.#input;
    const message = `no connection within ${dialTimeoutMs / 1000} s`;
    try {
      const connection = await withDeadline(clock, dialTimeoutMs, message, this.signal, (inner) =>
        this.#dial(inner),
      );
      return await this.#converse(connection);
    } finally {
      this.dispose();
    }
  }

  /** Closes a connection that arrives too late. */
  async #dial(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#input.dial(signal);
    if (signal.aborted) connection.destroy();
    return connection;
  }

  #converse(connection: Connection): Promise<Error | undefined> {
    const { createAdapter, onDrain, onBytes } = this.#input;
    return new Promise((resolve) => {
      this.#state.take('connected');
      this.#resolve = resolve;
      const adapter = createAdapter(() => this.#ready());
      const link = new ProtocolLink(connection, adapter, {
        onEnd: resolve,
        ...(onDrain && { onDrain }),
        ...(onBytes && { onBytes }),
      });
      this.#adapter = adapter;
      this.#link = link;
      this.#limitHandshake();
      link.flush();
      if (this.signal.aborted) resolve(undefined);
    });
  }

  #ready(): void {
    if (!this.#state.take('ready')) return;
    this.#hasBeenReady = true;
    this.#handshakeTimer?.dispose();
    void this.#keepAlive();
    this.#input.onReady();
  }

  #limitHandshake(): void {
    const { clock, handshakeTimeoutMs } = this.#input;
    const late = new TimeoutError(`no handshake within ${handshakeTimeoutMs / 1000} s`);
    const timeoutMs = clock.stretch(handshakeTimeoutMs);
    this.#handshakeTimer = clock.after(timeoutMs, () => this.#resolve(late));
  }

  /** From the handshake on, so that the server hears us in time however long others may take. */
  async #keepAlive(): Promise<void> {
    const [link, adapter] = [this.#link, this.#adapter];
    if (!link || !adapter) return;
    try {
      await keepAlive(this.#input.clock, link, () => adapter.ping(), this.signal);
    } catch (error) {
      if (!this.signal.aborted) this.#resolve(error as Error);
    }
  }

  dispose(): void {
    this.#state.take('ended');
    this.#handshakeTimer?.dispose();
    this.#abort.abort();
    this.#link?.dispose();
    this.#link = undefined;
    this.#adapter = undefined;
    this.#resolve(undefined);
  }
}
