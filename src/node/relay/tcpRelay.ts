import { setMaxListeners } from 'node:events';
import { createServer, type OnReadOpts, type Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CancelledError, TransportError, messageOf } from '../../base/errors';
import { EventEmitter } from '../../base/event';
import type { Log } from '../../base/log';
import { formatEndpoint, unmapped, type Endpoint } from '../../model/endpoint';
import type {
  CircuitSearches,
  Relay,
  RelayResult,
  InterceptCircuit,
} from '../../services/host/connection';
import type { Carrier } from './carrier';
import type { HandOver } from './carrierProcess';
import { pipeBoth, reset } from './pipeBoth';
import { FixedBufferReader } from './fixedBufferReader';

/**
 * Connects to the other end. The stream is paused and has allowHalfOpen; its destroy(error) resets.
 * A dialler that creates sockets passes them `onread`, and then they emit no 'data'.
 */
export type Dial = (signal: AbortSignal, onread?: OnReadOpts) => Promise<DialledStream>;

/** What a Dial returns. `usesOnread`: the stream was created with `onread` and emits no 'data'. */
export interface DialledStream {
  readonly stream: Duplex;
  readonly usesOnread: boolean;
}

/** Bytes that may wait for a client that is slower than its IOC. */
export const WRITE_BUFFER_BYTES = 512 * 1024;
const BACKLOG = 128;
/**
 * Beyond this the oldest client that has never sent anything is dropped, otherwise the new one:
 * whoever opens thousands is not reading PVs.
 */
const MAX_CONNECTIONS = 1000;

/** Options of a relay. */
export interface TcpRelayOptions {
  readonly log?: Log;
  /** What sees the bytes; without it, and without `searches`, all pass unseen. */
  readonly intercept?: InterceptCircuit;
  /** In place of `intercept`: how searches are answered, wherever circuits are carried. */
  readonly searches?: CircuitSearches;
  /** Carries circuits between two sockets elsewhere; absent: here. */
  readonly carrier?: Pick<Carrier, 'claim'>;
  /** Whether that address is still where connections lead; undefined: not known. */
  readonly hasAddress?: (address: string) => boolean | undefined;
  /** Maximum number of clients at the same time; default MAX_CONNECTIONS. */
  readonly maxConnections?: number;
}

/**
 * Opens a listener on this machine whose connections are carried elsewhere, byte by byte; resolves
 * when it listens. It knows nothing about containers: the dialler knows how to reach the other end.
 * A port that is taken is a value, not an error; rejects with TransportError when it cannot listen
 * for another reason.
 */
export function openTcpRelay(
  local: Endpoint,
  dial: Dial,
  options: TcpRelayOptions = {},
): Promise<RelayResult> {
  return new Promise((resolve, reject) => {
    // Paused: nothing is read before there is a reader.
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      highWaterMark: WRITE_BUFFER_BYTES,
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve({ kind: 'port-taken' });
      else if (isAddressProblem(error.code)) {
        resolve({ kind: 'address-unavailable', reason: messageOf(error) });
      } else {
        const message = `cannot listen on ${formatEndpoint(local)}: ${messageOf(error)}`;
        reject(new TransportError(message, { cause: error }));
      }
    });
    server.listen({ host: local.host, port: local.port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : local.port;
      const relay = new TcpRelay(server, { host: local.host, port }, dial, options);
      resolve({ kind: 'listening', relay });
    });
  });
}

function isAddressProblem(code: string | undefined): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'EAFNOSUPPORT';
}

/** A client that is connected. */
interface Client {
  /** Whether it has sent something. */
  readonly isUsed: () => boolean;
  readonly reset: () => void;
  /** Where its connection leads, if that address was there. */
  far?: string | undefined;
}

class TcpRelay implements Relay {
  readonly #ended = new EventEmitter<Error | undefined>();
  readonly onDidEnd = this.#ended.event;
  readonly #ending = new AbortController();
  readonly #streams = new Set<Duplex>();
  /** Oldest first. */
  readonly #clients = new Set<Client>();
  #failure: Error | undefined;
  #isRetired = false;
  #isAside = false;
  #comingBack: Promise<boolean> | undefined;
  /** Set while it tries to listen again. */
  #failListening: (() => void) | undefined;

  constructor(
    readonly server: Server,
    readonly local: Endpoint,
    readonly dial: Dial,
    readonly options: TcpRelayOptions,
  ) {
    setMaxListeners(0, this.#ending.signal); // one for each open dial
    server.on('error', (error) => {
      // The port was taken while we stood aside; open connections go on.
      if (this.#failListening) this.#failListening();
      else this.#end(new TransportError(messageOf(error), { cause: error }));
    });
    server.on('connection', (client) => void this.#accept(client));
  }

  get connectionCount(): number {
    return this.#clients.size;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async #accept(client: Socket): Promise<void> {
    // A client may reset before anything else listens, and that must not end the process.
    client.on('error', () => undefined);
    if (!this.#makeRoom()) {
      reset(client);
      return;
    }
    const own: Client = { isUsed: () => client.bytesRead > 0, reset: () => reset(client) };
    this.#clients.add(own);
    client.once('close', () => this.#remove(own));
    this.#own(client);
    const { carrier, searches, intercept = searches?.intercept } = this.options;
    // What is carried elsewhere is read there.
    const reader = carrier ? undefined : new FixedBufferReader();
    try {
      const { stream, usesOnread } = await this.dial(this.#ending.signal, reader?.onread);
      this.#failure = undefined;
      this.#own(stream);
      own.far = this.#farAddress(stream);
      const handOver = stream instanceof Socket ? await carrier?.claim() : undefined;
      if (client.destroyed || stream.destroyed || this.#ending.signal.aborted) {
        handOver?.dispose();
        stream.on('error', () => undefined);
        reset(stream);
        reset(client);
        return;
      }
      if (handOver && stream instanceof Socket && this.#carry(handOver, client, stream, own.far)) {
        this.#clients.delete(own);
        return;
      }
      pipeBoth(client, stream, usesOnread ? reader : undefined, intercept);
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.#failure = error as Error;
        this.options.log?.('warn', 'relay', `${formatEndpoint(this.local)}: ${messageOf(error)}`);
      }
      reset(client);
    }
  }

  /** Whether another process carries it now: then both sockets are closed here. */
  #carry(handOver: HandOver, client: Socket, server: Socket, far: string | undefined): boolean {
    const { searches } = this.options;
    const carried = handOver.carry(client, server, searches, () => this.#remove(own));
    const own: Client = {
      isUsed: () => carried?.isUsed === true,
      reset: () => carried?.dispose(),
      far,
    };
    if (carried) this.#clients.add(own);
    return carried !== undefined;
  }

  #farAddress(stream: Duplex): string | undefined {
    const address = stream instanceof Socket ? stream.remoteAddress : undefined;
    if (address === undefined) return undefined;
    const plain = unmapped(address);
    return this.options.hasAddress?.(plain) === true ? plain : undefined;
  }

  dropStale(): void {
    for (const client of [...this.#clients]) {
      // Nothing would tell either side: what is sent there is lost.
      if (client.far !== undefined && this.options.hasAddress?.(client.far) === false)
        client.reset();
    }
  }

  #remove(client: Client): void {
    this.#clients.delete(client);
    this.#endWhenIdle();
  }

  /** Whether there is room for one more. */
  #makeRoom(): boolean {
    const { maxConnections = MAX_CONNECTIONS } = this.options;
    if (this.#clients.size < maxConnections) return true;
    for (const client of this.#clients) {
      if (client.isUsed()) continue;
      this.#clients.delete(client);
      client.reset();
      return true;
    }
    return false;
  }

  #own(stream: Duplex): void {
    if (this.#ending.signal.aborted) {
      stream.destroy();
      return;
    }
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
  }

  retire(): void {
    this.#isRetired = true;
    this.server.close();
    this.#endWhenIdle();
  }

  standAside(): void {
    this.#isAside = true;
    this.server.close();
  }

  comeBack(): Promise<boolean> {
    this.#isAside = false;
    this.#comingBack ??= this.#listenAgain().finally(() => (this.#comingBack = undefined));
    return this.#comingBack;
  }

  #listenAgain(): Promise<boolean> {
    const { server, local } = this;
    if (this.#isRetired || this.#ending.signal.aborted || server.listening) {
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const listening = (): void => {
        this.#failListening = undefined;
        // It has to end, or to stand aside, meanwhile.
        if (this.#isAside || this.#isRetired || this.#ending.signal.aborted) server.close();
        resolve(true);
      };
      this.#failListening = () => {
        this.#failListening = undefined;
        server.removeListener('listening', listening);
        resolve(false);
      };
      server.once('listening', listening);
      server.listen({ host: local.host, port: local.port, backlog: BACKLOG });
    });
  }

  #endWhenIdle(): void {
    if (this.#isRetired && this.#clients.size === 0) this.#end(undefined);
  }

  dispose(): void {
    this.#end(undefined);
  }

  #end(reason: Error | undefined): void {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.server.close();
    for (const client of [...this.#clients]) client.reset();
    for (const stream of this.#streams) reset(stream);
    // A reset waits for what is still to be written, for which nobody waits any more.
    for (const stream of this.#streams) stream.destroy();
    this.#ended.fire(reason);
    this.#ended.dispose();
  }
}
