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
} from '../base/errors';
import type { LiveUpdate, PvUpdate, ExposeRequest } from '../model/coreApi';
import type { PlotUpdate } from '../model/plotValue';
import { ProblemError } from '../model/problem';
import type { Snapshot } from '../model/snapshot';
import { versions } from './messageSchemas';
import { problem as problemSchema } from './problemSchemas';
import type { HelloParams, HelloResult } from './messages';
import {
  type MethodName,
  METHODS,
  NEWS,
  type ParamsOf,
  type ResultOf,
  type RpcMethod,
  type RpcNotification,
} from './methods';
import { createRpcConnection } from './rpcConnection';
import { check } from './schema';

/** The broker itself answers each request sooner, see coreServer. */
const REQUEST_TIMEOUT_MS = 65_000;
const HELLO_TIMEOUT_MS = 5000;

/** What a CoreClient reports. */
export interface CoreClientEvents {
  /** The state changed. */
  onSnapshot(snapshot: Snapshot): void;
  /** A monitor has an update. */
  onUpdate(monitorId: number, update: PvUpdate): void;
  /** PVs of a follower have news. */
  onFollowed(followerId: number, updates: readonly LiveUpdate[]): void;
  /** A plotted PV has an update; absent for those who plot none. */
  onPlot?(monitorId: number, update: PlotUpdate): void;
  /** The connection ended. Called once; not after `dispose`. */
  onEnd(reason: string): void;
}

/**
 * The front end's side of a connection to the broker: calls become requests. Everything that the
 * broker sends is checked on arrival; the connection ends if it makes no sense.
 */
export class CoreClient {
  readonly #stream: Duplex;
  readonly #connection: MessageConnection;
  readonly #clock: Clock;
  readonly #events: CoreClientEvents;
  #hasEnded = false;

  constructor(stream: Duplex, clock: Clock, events: CoreClientEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#events = events;
    stream.on('error', (error) => this.#end(error.message));
    stream.on('close', () => this.#end('it closed the connection'));
    this.#connection = createRpcConnection(stream);
    this.#connection.onError(([error]) => this.#end(error.message));
    this.#onNews(NEWS.snapshot, ({ snapshot }) => events.onSnapshot(snapshot));
    this.#onNews(NEWS.update, ({ monitorId, update }) => events.onUpdate(monitorId, update));
    this.#onNews(NEWS.followed, ({ followerId, updates }) =>
      events.onFollowed(followerId, updates),
    );
    this.#onNews(NEWS.plot, ({ monitorId, update }) => events.onPlot?.(monitorId, update));
    this.#connection.listen();
  }

  #onNews<P>({ type, params }: RpcNotification<P>, take: (news: P) => void): void {
    this.#connection.onNotification(type, (news) => {
      if (this.#hasEnded) return;
      try {
        check(params, news, 'news');
      } catch (error) {
        this.#end(nonsense(error));
        return;
      }
      take(news);
    });
  }

  /**
   * Introduces this front end; must come first. Of a broker with another protocol, only the version
   * is read.
   */
  hello(
    params: HelloParams,
    signal: AbortSignal,
    timeoutMs = HELLO_TIMEOUT_MS,
  ): Promise<HelloResult> {
    const { hello } = METHODS;
    return this.#send('hello', params, signal, timeoutMs, (result) => {
      const { broker } = (result ?? {}) as { readonly broker?: unknown };
      const { protocol } = check(versions, broker, 'hello.broker');
      if (protocol === params.protocol) check(hello.result, result, 'hello');
    });
  }

  /**
   * Replaces this front end's request; undefined: it wants nothing any more. Rejects as `ask` does.
   */
  setRequest(request: ExposeRequest | undefined, signal: AbortSignal): Promise<unknown> {
    return this.ask('setRequest', { request: request ?? null }, signal);
  }

  /**
   * Sends a request. Rejects with the broker's error, or with TransportError, TimeoutError,
   * CancelledError, or UsageError for an answer that makes no sense.
   */
  ask<M extends MethodName>(
    name: M,
    params: ParamsOf<M>,
    signal: AbortSignal,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<ResultOf<M>> {
    const { result } = METHODS[name];
    return this.#send(name, params, signal, timeoutMs, (answer) =>
      check<unknown>(result, answer, name),
    );
  }

  #send<M extends MethodName>(
    name: M,
    params: ParamsOf<M>,
    signal: AbortSignal,
    timeoutMs: number,
    believe: (result: unknown) => void,
  ): Promise<ResultOf<M>> {
    const method = METHODS[name] as unknown as RpcMethod<ParamsOf<M>, ResultOf<M>>;
    return withDeadline(
      this.#clock,
      timeoutMs,
      `the background process did not answer "${name}" within ${timeoutMs / 1000} s`,
      signal,
      async (inner) => {
        if (this.#hasEnded) throw new TransportError('the background process has ended');
        const cancelling = new CancellationTokenSource();
        const aborting = onAbort(inner, () => cancelling.cancel());
        try {
          const { token } = cancelling;
          const result = await this.#connection.sendRequest(method.type, params, token);
          this.#believe(result, believe);
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

  /** @throws ProblemError of code 'usage', because the broker would send the same again */
  #believe(result: unknown, believe: (result: unknown) => void): void {
    try {
      believe(result);
    } catch (error) {
      this.#end(nonsense(error));
      throw new ProblemError('usage', { code: 'broker-nonsense', detail: messageOf(error) });
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
  return `it sent a message that makes no sense (${messageOf(error)})`;
}

function toOurError(error: unknown): Error {
  if (isErrorCode(error, 'usage')) return error as Error;
  if (error instanceof ResponseError) {
    const { code, problem } = (error.data ?? {}) as { code?: ErrorCode; problem?: unknown };
    if (typeof code === 'string' && problem !== undefined) {
      return new ProblemError(code, check(problemSchema, problem, 'an error'));
    }
    if (typeof code === 'string') return new EpicsExposeError(code, error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError(`the background process did not answer: ${message}`, { cause: error });
}
