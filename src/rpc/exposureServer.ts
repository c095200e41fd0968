/**
 * One front end's connection, at the broker's end: its requests become calls of an Exposure, the
 * Exposure's news become notifications. A front end that does not read gets the newest when it does:
 * of snapshots, and of the updates of a monitor, only one is under way and one waits.
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
import type { Log } from '../base/log';
import type { Exposure, PvUpdate, Wish } from '../model/exposure';
import {
  type BrokerFacts,
  type HelloParams,
  type HelloResult,
  METHODS,
  NEWS,
  type UpdateNews,
} from './messages';
import { Params } from './params';
import { createRpcConnection } from './rpcConnection';

/** Who connects and says nothing sensible is sent away. */
const HELLO_TIMEOUT_MS = 5000;
const HELLO_MAX_BYTES = 64 * 1024;
/** A request that the core has not answered by then never will be. */
const REQUEST_TIMEOUT_MS = 60_000;

/** What the broker does for its connections. */
export interface FrontEndHost {
  readonly facts: BrokerFacts;
  readonly wishes: readonly Wish[];
  /** The exposure of that front end, its former one where it comes back within the grace. */
  attach(hello: HelloParams): AttachedFrontEnd;
  /** Resolves when no new front end can connect any more. */
  handOver(): Promise<void>;
  stop(): void;
}

/** `moved`: to a newer broker, where it wants what it wanted here. */
export type Leaving = 'vanished' | 'goodbye' | 'moved';

export interface AttachedFrontEnd {
  readonly exposure: Exposure;
  readonly wish: Wish | undefined;
  setWish(wish: Wish | undefined): Promise<void>;
  /** The connection ended. */
  detach(how: Leaving): void;
}

/** Serves one connection until it ends; disposing ends it. */
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
  #attached: AttachedFrontEnd | undefined;
  #name = 'a front end';
  #leaving: Leaving = 'vanished';

  constructor(stream: Duplex, host: FrontEndHost, clock: Clock, log: Log) {
    this.#stream = stream;
    this.#host = host;
    this.#clock = clock;
    this.#log = log;
    setMaxListeners(0, this.#abort.signal); // one for each request under way
    stream.on('error', () => this.end());
    stream.on('close', () => this.end());
    this.#connection = createRpcConnection(stream);
    this.#connection.onError(([error]) => {
      log('info', 'session', `${this.#name} is sent away: ${messageOf(error)}`);
      this.end();
    });
    this.#connection.onClose(() => this.end());
    this.#expectHello();
    this.#answer();
    this.#connection.listen();
  }

  /** Who says nothing, or too much before its hello, is no front end. */
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
    this.#on(METHODS.hello, (params) => this.#hello(params.hello()));
    this.#on(METHODS.setWish, async (params) => {
      const attached = this.#required();
      await attached.setWish(params.wish('wish'));
      // What is known now comes before the answer, so that the front end never sees an older state.
      void this.#send(NEWS.snapshot, { snapshot: attached.exposure.snapshot });
    });
    this.#on(METHODS.listPvs, (params, signal) => this.#exposure.listPvs(params.pvQuery(), signal));
    this.#on(METHODS.listBranch, (params, signal) =>
      this.#exposure.listBranch(params.branchQuery(), signal),
    );
    this.#on(METHODS.listContainers, (_params, signal) => this.#exposure.listContainers(signal));
    this.#on(METHODS.tellPv, (params, signal) =>
      this.#exposure.tellPv(params.text('name'), params.count('maxWaitMs'), signal),
    );
    this.#on(METHODS.readPv, (params, signal) =>
      this.#exposure.readPv(params.text('name'), params.protocol('protocol'), signal),
    );
    this.#on(METHODS.startMonitor, (params) => this.#startMonitor(params));
    this.#on(METHODS.stopMonitor, (params) => this.#stopMonitor(params.count('monitorId')));
    this.#on(METHODS.listWishes, () => this.#host.wishes);
    this.#on(METHODS.goodbye, () => {
      this.#leaving = 'goodbye';
      this.#detach();
    });
    this.#on(METHODS.handOver, () => {
      this.#leaving = 'moved';
      this.#detach();
      return this.#host.handOver();
    });
    // The answer goes out first.
    this.#on(METHODS.stop, () => void this.#clock.after(0, () => this.#host.stop()));
  }

  #on(method: string, handle: (params: Params, signal: AbortSignal) => unknown): void {
    this.#connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
      const abort = new AbortController();
      const store = new DisposableStore();
      store.add(token.onCancellationRequested(() => abort.abort()));
      store.add(this.#clock.after(REQUEST_TIMEOUT_MS, () => abort.abort()));
      const end = (): void => abort.abort();
      this.#abort.signal.addEventListener('abort', end);
      try {
        return (await handle(new Params(params), abort.signal)) ?? null;
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        const { code = 'internal' } = error as { code?: unknown };
        if (code === 'internal') this.#log('error', 'session', `${method}: ${stackOf(error)}`);
        throw new ResponseError(ErrorCodes.UnknownErrorCode, messageOf(error), { code });
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
    const { exposure, wish } = attached;
    const sender = new NewestOnly(() => this.#send(NEWS.snapshot, { snapshot: exposure.snapshot }));
    this.#store.add(exposure.onDidChange(() => sender.send()));
    return { broker: this.#host.facts, snapshot: exposure.snapshot, ...(wish && { wish }) };
  }

  #required(): AttachedFrontEnd {
    if (this.#attached) return this.#attached;
    throw new ResponseError(ErrorCodes.ServerNotInitialized, 'hello comes first');
  }

  get #exposure(): Exposure {
    return this.#required().exposure;
  }

  #startMonitor(params: Params): void {
    const monitorId = params.count('monitorId');
    if (this.#monitors.has(monitorId)) {
      throw new ResponseError(ErrorCodes.InvalidParams, `monitor ${monitorId} runs already`);
    }
    let newest: PvUpdate | undefined;
    const sender = new NewestOnly(async () => {
      if (newest) await this.#send(NEWS.update, { monitorId, update: newest } satisfies UpdateNews);
    });
    const monitor = this.#exposure.monitorPv(
      params.text('name'),
      params.protocol('protocol'),
      (update) => {
        newest = update;
        sender.send();
      },
    );
    this.#monitors.set(monitorId, this.#store.add(monitor));
  }

  #stopMonitor(monitorId: number): void {
    const monitor = this.#monitors.get(monitorId);
    this.#monitors.delete(monitorId);
    if (monitor) this.#store.release(monitor);
  }

  /** Resolves when the other side's system has taken it. */
  async #send(method: string, params: object): Promise<void> {
    try {
      if (!this.#store.isDisposed) await this.#connection.sendNotification(method, params);
    } catch {
      this.end(); // it went away meanwhile
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

/** Sends at most one at a time; what is asked for meanwhile is one more when that is done. */
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

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || messageOf(error);
}
