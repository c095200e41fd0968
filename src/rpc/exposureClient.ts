/** One front end's connection, at its own end: calls become requests to the broker. */
import type { Duplex } from 'node:stream';
import {
  CancellationTokenSource,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { onAbort, withDeadline } from '../base/abort';
import type { Clock } from '../base/clock';
import { EpicsExposeError, type ErrorCode, TransportError } from '../base/errors';
import type { PvUpdate, Wish } from '../model/exposure';
import type { Snapshot } from '../model/snapshot';
import { type HelloParams, type HelloResult, METHODS, NEWS, type UpdateNews } from './messages';
import { createRpcConnection } from './rpcConnection';

/** The broker answers each request sooner by itself: see exposureServer. */
const REQUEST_TIMEOUT_MS = 65_000;
const HELLO_TIMEOUT_MS = 5000;

export interface ExposureClientEvents {
  onSnapshot(snapshot: Snapshot): void;
  onUpdate(monitorId: number, update: PvUpdate): void;
  /** Once; not after dispose. */
  onEnd(reason: string): void;
}

export class ExposureClient {
  readonly #stream: Duplex;
  readonly #connection: MessageConnection;
  readonly #clock: Clock;
  readonly #events: ExposureClientEvents;
  #hasEnded = false;

  constructor(stream: Duplex, clock: Clock, events: ExposureClientEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#events = events;
    stream.on('error', (error) => this.#end(error.message));
    stream.on('close', () => this.#end('it closed the connection'));
    this.#connection = createRpcConnection(stream);
    this.#connection.onError(([error]) => this.#end(error.message));
    this.#connection.onNotification(NEWS.snapshot, ({ snapshot }: { snapshot: Snapshot }) => {
      if (!this.#hasEnded) events.onSnapshot(snapshot);
    });
    this.#connection.onNotification(NEWS.update, ({ monitorId, update }: UpdateNews) => {
      if (!this.#hasEnded) events.onUpdate(monitorId, update);
    });
    this.#connection.listen();
  }

  hello(params: HelloParams, signal: AbortSignal): Promise<HelloResult> {
    return this.request(METHODS.hello, params, signal, HELLO_TIMEOUT_MS);
  }

  setWish(wish: Wish | undefined, signal: AbortSignal): Promise<void> {
    return this.request(METHODS.setWish, { wish: wish ?? null }, signal);
  }

  /** Rejects with the broker's error, with TransportError, TimeoutError or CancelledError. */
  request<T>(
    method: string,
    params: object,
    signal: AbortSignal,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<T> {
    return withDeadline(
      this.#clock,
      timeoutMs,
      `the background process did not answer "${method}" within ${timeoutMs / 1000} s`,
      signal,
      async (inner) => {
        if (this.#hasEnded) throw new TransportError('the background process has ended');
        const cancelling = new CancellationTokenSource();
        const aborting = onAbort(inner, () => cancelling.cancel());
        try {
          return await this.#connection.sendRequest<T>(method, params, cancelling.token);
        } catch (error) {
          throw toOurError(error);
        } finally {
          aborting.dispose();
          cancelling.dispose();
        }
      },
    );
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.dispose();
    this.#events.onEnd(reason);
  }

  dispose(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#connection.dispose();
    this.#stream.destroy();
  }
}

function toOurError(error: unknown): Error {
  if (error instanceof ResponseError) {
    const { code } = (error.data ?? {}) as { code?: ErrorCode };
    if (typeof code === 'string') return new EpicsExposeError(code, error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError(`the background process did not answer: ${message}`, { cause: error });
}
