/**
 * The broker's side of a front end's connection: requests become calls of a CoreApi, and changes of
 * the CoreApi become notifications. For a front end that does not read, one snapshot, one update per
 * monitor, and one batch per follower is in flight, and the newest one waits: of a follower, the
 * newest of each PV.
 */
import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import {
  type CancellationToken,
  ErrorCodes,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../base/disposable';
import { messageOf } from '../base/errors';
import type { ProblemError } from '../model/problem';
import type { Log } from '../base/log';
import type { CoreApi, LiveUpdate, PvFollower, ExposeRequest } from '../model/coreApi';
import type {
  BrokerFacts,
  FollowParams,
  HelloParams,
  HelloResult,
  MonitorParams,
  PlotParams,
} from './messages';
import {
  coreRequests,
  type Handlers,
  type MethodName,
  METHODS,
  NEWS,
  type ParamsOf,
  type ResultOf,
  type RpcMethod,
  type RpcNotification,
} from './methods';
import { createRpcConnection } from './rpcConnection';
import { check, type Schema } from './schema';

/** A connection without a valid hello by then is closed. */
const HELLO_TIMEOUT_MS = 5000;
const HELLO_MAX_BYTES = 64 * 1024;
/** A request that the core has not answered by then never will be. */
const REQUEST_TIMEOUT_MS = 60_000;

/** What the broker does for its connections. */
export interface FrontEndHost {
  readonly facts: BrokerFacts;
  readonly requests: readonly ExposeRequest[];
  /** The core of that front end; its former one if it returns within the grace period. */
  attach(hello: HelloParams): AttachedFrontEnd;
  /** Stops accepting front ends; resolves when no new one can connect. */
  handOver(): Promise<void>;
  stop(): void;
}

/** How a front end left. `moved`: to a newer broker, where it wants what it wanted here. */
export type Leaving = 'vanished' | 'goodbye' | 'moved';

/** A front end's core, while it is connected. */
export interface AttachedFrontEnd {
  readonly core: CoreApi;
  readonly request: ExposeRequest | undefined;
  setRequest(request: ExposeRequest | undefined): Promise<void>;
  /** Called when the connection has ended. */
  detach(how: Leaving): void;
}

/** Serves one connection until it ends. Disposing ends it. */
export function serveFrontEnd(
  stream: Duplex,
  host: FrontEndHost,
  clock: Clock,
  log: Log,
): Disposable {
  const served = new ServedFrontEnd(stream, host, clock, log);
  return toDisposable(() => served.end());
}

class ServedFrontEnd {
  readonly #stream: Duplex;
  readonly #host: FrontEndHost;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #store = new DisposableStore();
  readonly #abort = new AbortController();
  readonly #connection: MessageConnection;
  readonly #monitors = new Map<number, Disposable>();
  readonly #followers = new Map<number, PvFollower>();
  #attached: AttachedFrontEnd | undefined;
  #name = 'a front end';
  #leaving: Leaving = 'vanished';

  constructor(stream: Duplex, host: FrontEndHost, clock: Clock, log: Log) {
    this.#stream = stream;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    setMaxListeners(0, this.#abort.signal); // one for each open request
    stream.on('error', () => this.end());
    stream.on('close', () => this.end());
    this.#connection = createRpcConnection(stream);
    this.#connection.onError(([error]) => {
      log('info', 'session', `${this.#name} is disconnected: ${messageOf(error)}`);
      this.end();
    });
    this.#connection.onClose(() => this.end());
    this.#expectHello();
    this.#answer();
    this.#connection.listen();
  }

  /** A connection that sends nothing, or too much before its hello, is no front end. */
  #expectHello(): void {
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (this.#attached) this.#stream.off('data', count);
      else if (bytes > HELLO_MAX_BYTES) this.end();
    };
    this.#stream.on('data', count);
    this.#store.add(
      this.#clock.after(HELLO_TIMEOUT_MS, () => {
        if (!this.#attached) this.end();
      }),
    );
  }

  #answer(): void {
    const handlers: Handlers = {
      ...coreRequests((name, params, signal) => this.#core[name](params, signal)),
      hello: (params) => this.#hello(params),
      setRequest: async ({ request }) => {
        const attached = this.#required();
        await attached.setRequest(request ?? undefined);
        // The current state goes before the answer, so that the front end never sees an older one.
        void this.#send(NEWS.snapshot, { snapshot: attached.core.snapshot });
        return null;
      },
      startMonitor: (params) => this.#startMonitor(params),
      startPlot: (params) => this.#startPlot(params),
      stopMonitor: ({ monitorId }) => this.#stopMonitor(monitorId),
      changeFollowed: (params) => this.#changeFollowed(params),
      endFollower: (params) => this.#endFollower(params.followerId),
      listRequests: () => this.#host.requests,
      goodbye: () => {
        this.#leaving = 'goodbye';
        this.#detach();
        return null;
      },
      handOver: async () => {
        this.#leaving = 'moved';
        this.#detach();
        await this.#host.handOver();
        return null;
      },
      stop: () => {
        // The answer goes out first.
        this.#clock.after(0, () => this.#host.stop());
        return null;
      },
    };
    for (const name of Object.keys(handlers) as MethodName[]) this.#on(name, handlers[name]);
  }

  #on<M extends MethodName>(name: M, handle: Handlers[M]): void {
    const { type, params } = METHODS[name] as unknown as RpcMethod<ParamsOf<M>, ResultOf<M>>;
    this.#connection.onRequest(type, async (asked: unknown, token: CancellationToken) => {
      const abort = new AbortController();
      const store = new DisposableStore();
      store.add(token.onCancellationRequested(() => abort.abort()));
      store.add(this.#clock.after(REQUEST_TIMEOUT_MS, () => abort.abort()));
      const end = (): void => abort.abort();
      this.#abort.signal.addEventListener('abort', end);
      try {
        return await handle(checked(params, asked, name), abort.signal);
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        const { code = 'internal' } = error as { code?: unknown };
        if (code === 'internal') this.#log('error', 'session', `${name}: ${stackOf(error)}`);
        const { problem } = error as Partial<ProblemError>;
        throw new ResponseError<unknown>(ErrorCodes.UnknownErrorCode, messageOf(error), {
          code,
          ...(problem && { problem }),
        });
      } finally {
        this.#abort.signal.removeEventListener('abort', end);
        store.dispose();
      }
    });
  }

  #hello(hello: HelloParams): HelloResult {
    if (this.#attached) throw new ResponseError(ErrorCodes.InvalidRequest, 'a second hello');
    this.#name = hello.clientName;
    const attached = this.#host.attach(hello);
    this.#attached = attached;
    const { core, request } = attached;
    const sender = new NewestOnly(() => this.#send(NEWS.snapshot, { snapshot: core.snapshot }));
    this.#store.add(core.onDidChange(() => sender.send()));
    return { broker: this.#host.facts, snapshot: core.snapshot, ...(request && { request }) };
  }

  #required(): AttachedFrontEnd {
    if (this.#attached) return this.#attached;
    throw new ResponseError(ErrorCodes.ServerNotInitialized, 'hello comes first');
  }

  get #core(): CoreApi {
    return this.#required().core;
  }

  #startMonitor({ monitorId, ...address }: MonitorParams): null {
    return this.#start(monitorId, (send) => this.#core.monitorPv(address, send), NEWS.update);
  }

  #startPlot({ monitorId, ...request }: PlotParams): null {
    return this.#start(monitorId, (send) => this.#core.plotPv(request, send), NEWS.plot);
  }

  #start<U>(
    monitorId: number,
    follow: (send: (update: U) => void) => Disposable,
    news: RpcNotification<{ readonly monitorId: number; readonly update: U }>,
  ): null {
    if (this.#monitors.has(monitorId)) {
      throw new ResponseError(ErrorCodes.InvalidParams, `monitor ${monitorId} is already running`);
    }
    let newest: U | undefined;
    const sender = new NewestOnly(async () => {
      const update = newest;
      newest = undefined;
      if (update) await this.#send(news, { monitorId, update });
    });
    const monitor = follow((update) => {
      newest = update;
      sender.send();
    });
    this.#monitors.set(monitorId, this.#store.add(monitor));
    return null;
  }

  #stopMonitor(monitorId: number): null {
    const monitor = this.#monitors.get(monitorId);
    this.#monitors.delete(monitorId);
    if (monitor) this.#store.release(monitor);
    return null;
  }

  #changeFollowed({ followerId, add, remove }: FollowParams): null {
    const follower = this.#followers.get(followerId) ?? this.#openFollower(followerId);
    follower.change({ add, remove });
    return null;
  }

  #openFollower(followerId: number): PvFollower {
    const newest = new Map<number, LiveUpdate>();
    const sender = new NewestOnly(async () => {
      const updates = [...newest.values()];
      newest.clear();
      await this.#send(NEWS.followed, { followerId, updates });
    });
    const follower = this.#core.followPvs((updates) => {
      for (const update of updates) newest.set(update.id, update);
      sender.send();
    });
    this.#followers.set(followerId, this.#store.add(follower));
    return follower;
  }

  #endFollower(followerId: number): null {
    const follower = this.#followers.get(followerId);
    this.#followers.delete(followerId);
    if (follower) this.#store.release(follower);
    return null;
  }

  /** Resolves when the other side's operating system has taken it. */
  async #send<P>({ type }: RpcNotification<P>, news: P): Promise<void> {
    try {
      if (!this.#store.isDisposed) await this.#connection.sendNotification(type, news);
    } catch {
      this.end(); // it has left meanwhile
    }
  }

  #detach(): void {
    this.#store.dispose();
    this.#attached?.detach(this.#leaving);
    this.#attached = undefined;
  }

  end(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#detach();
    this.#connection.dispose();
    this.#stream.destroy();
  }
}

/**
 * Sends at most one at a time. Whatever is requested meanwhile becomes one more send afterwards.
 */
class NewestOnly {
  readonly #sendNow: () => Promise<void>;
  #isSending = false;
  #isDue = false;

  constructor(sendNow: () => Promise<void>) {
    this.#sendNow = sendNow;
  }

  send(): void {
    this.#isDue = true;
    if (!this.#isSending) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    while (this.#isDue) {
      this.#isDue = false;
      await this.#sendNow();
    }
    this.#isSending = false;
  }
}

/** Refuses a request that makes no sense instead of guessing. */
function checked<T>(schema: Schema<T>, params: unknown, method: string): T {
  try {
    return check(schema, params, method);
  } catch (error) {
    throw new ResponseError(ErrorCodes.InvalidParams, messageOf(error));
  }
}

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || messageOf(error);
}
