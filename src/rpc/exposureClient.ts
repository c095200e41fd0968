/**
 * One front end's connection, at its own end: calls become requests to the broker. What the broker
 * says is checked as it comes; who says what makes no sense is left.
 */
import type { Duplex } from 'node:stream';
import {
  CancellationTokenSource,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { onAbort, withDeadline } from '../base/abort';
import type { Clock } from '../base/clock';
import {
  EpicsExposeError,
  type ErrorCode,
  isErrorCode,
  messageOf,
  TransportError,
  UsageError,
} from '../base/errors';
import type { PvUpdate, Wish } from '../model/exposure';
import type { Snapshot } from '../model/snapshot';
import {
  type BrokerFacts,
  type HelloParams,
  type HelloResult,
  METHODS,
  NEWS,
  type UpdateNews,
} from './messages';
import { checkHello, checkResult, checkSnapshotNews, checkUpdateNews } from './replies';
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
    this.#onNews(NEWS.snapshot, checkSnapshotNews, ({ snapshot }: { snapshot: Snapshot }) =>
      events.onSnapshot(snapshot),
    );
    this.#onNews(NEWS.update, checkUpdateNews, ({ monitorId, update }: UpdateNews) =>
      events.onUpdate(monitorId, update),
    );
    this.#connection.listen();
  }

  #onNews<T>(name: string, check: (news: unknown) => void, take: (news: T) => void): void {
    this.#connection.onNotification(name, (news: T) => {
      if (this.#hasEnded) return;
      try {
        check(news);
      } catch (error) {
        this.#end(nonsense(error));
        return;
      }
      take(news);
    });
  }

  async hello(params: HelloParams, signal: AbortSignal): Promise<HelloResult> {
    const isUnderstood = ({ protocol }: BrokerFacts): boolean => protocol === params.protocol;
    return this.request(METHODS.hello, params, signal, HELLO_TIMEOUT_MS, (result) =>
      checkHello(result, isUnderstood),
    );
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
    check = (result: unknown): void => checkResult(method, result),
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
          const result = await this.#connection.sendRequest<T>(method, params, cancelling.token);
          this.#believe(result, check);
          return result;
        } catch (error) {
          throw toOurError(error);
        } finally {
          aborting.dispose();
          cancelling.dispose();
        }
      },
    );
  }

  /** @throws UsageError: it would say the same again. */
  #believe(result: unknown, check: (result: unknown) => void): void {
    try {
      check(result);
    } catch (error) {
      this.#end(nonsense(error));
      throw new UsageError(
        `the background process cannot be used: ${nonsense(error)}. End it with \`epics-expose broker stop\`.`,
      );
    }
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

function nonsense(error: unknown): string {
  return `it said what makes no sense (${messageOf(error)})`;
}

function toOurError(error: unknown): Error {
  if (isErrorCode(error, 'usage')) return error as Error;
  if (error instanceof ResponseError) {
    const { code } = (error.data ?? {}) as { code?: ErrorCode };
    if (typeof code === 'string') return new EpicsExposeError(code, error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError(`the background process did not answer: ${message}`, { cause: error });
}
