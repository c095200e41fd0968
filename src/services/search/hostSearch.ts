/**
 * The UDP ports on which this machine's clients search, open while there is something to find: on
 * 127.0.0.1, and where that is wanted on the broadcast addresses of this machine.
 */
import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { formatEndpoint, isLoopback } from '../../model/endpoint';
import type { SearchWish } from '../../model/exposure';
import type { Problem, PvProtocol, SearchPort, SearchState } from '../../model/snapshot';
import { describeHolder } from '../localPorts';
import type { NameService } from './nameService';
import type { SearchPortTaken, SearchSocket, SearchSockets } from './searchSockets';
import { UdpResponder } from './udpResponder';

export interface HostSearchInput {
  readonly sockets: SearchSockets;
  readonly names: Readonly<Record<PvProtocol, Pick<NameService, 'ask'>>>;
  /** `state` is another now. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A port that somebody else has is tried again so often. */
const RETRY_MS = 10_000;
/** Networks come and go: of containers, of a laptop. */
const LOOK_MS = 5000;
const PROTOCOLS = ['ca', 'pva'] as const;

export class HostSearch implements Disposable {
  readonly #input: HostSearchInput;
  readonly #ports = new Map<PvProtocol, SearchPort>();
  #wish: SearchWish = 'off';
  /** While open. */
  #store = new DisposableStore();
  #own: ReadonlySet<string> = new Set();
  /** What leaves a port on 127.0.0.1 to somebody who has it too. */
  readonly #giveWay = new Map<PvProtocol, () => void>();
  #isDisposed = false;

  constructor(input: HostSearchInput) {
    this.#input = input;
  }

  /** What is open, and why something is not. */
  get state(): SearchState {
    return Object.fromEntries(this.#ports);
  }

  setWish(wish: SearchWish): void {
    if (wish === this.#wish || this.#isDisposed) return;
    this.#close();
    this.#wish = wish;
    if (wish === 'off') {
      this.#input.onChange();
      return;
    }
    const store = new DisposableStore();
    this.#store = store;
    const followers = PROTOCOLS.map((protocol) => this.#open(protocol, store));
    const look = (): void => {
      for (const giveWay of [...this.#giveWay.values()]) giveWay();
      const { own, broadcasts } = this.#input.sockets.addresses();
      this.#own = new Set(own);
      for (const follow of followers) follow(broadcasts[wish]);
      schedule(store, this.#input.clock, LOOK_MS, look);
    };
    look();
  }

  /** Returns what takes the broadcast addresses that there are now. */
  #open(protocol: PvProtocol, store: DisposableStore): (broadcasts: readonly string[]) => void {
    const { names, clock, log } = this.#input;
    const responder = store.add(
      new UdpResponder({
        ...{ protocol, names: names[protocol], clock, log },
        // Also who shares these ports by mistake: answers go to this machine alone.
        isOwnAddress: (host) => isLoopback(host) || this.#own.has(host),
      }),
    );
    void this.#openLoopback(protocol, responder, store);
    return this.#followBroadcasts(protocol, responder, store);
  }

  async #openLoopback(
    protocol: PvProtocol,
    responder: UdpResponder,
    store: DisposableStore,
  ): Promise<void> {
    const its = store.add(new DisposableStore());
    let socket = undefined as SearchSocket | undefined;
    const failed = (problem: Problem): void => {
      if (store.isDisposed) return;
      store.release(its);
      this.#giveWay.delete(protocol);
      this.#set(protocol, { problem });
      const again = (): void => void this.#openLoopback(protocol, responder, store);
      schedule(store, this.#input.clock, RETRY_MS, again);
    };
    const opened = await this.#input.sockets.open(protocol, {
      received: (datagram, from, isBroadcast) =>
        socket && responder.receive(datagram, from, isBroadcast, socket),
      ended: (reason) => failed(endedProblem(protocol, reason)),
    });
    if (!('local' in opened)) {
      failed(takenProblem(protocol, opened));
      return;
    }
    socket = its.add(opened);
    if (its.isDisposed) return;
    this.#giveWay.set(protocol, () => {
      // An IOC of this machine that came later: it is the one who was meant.
      const holder = opened.findRival();
      if (holder) failed(takenProblem(protocol, { endpoint: opened.local, holder, reason: '' }));
    });
    this.#set(protocol, { local: opened.local });
  }

  #followBroadcasts(
    protocol: PvProtocol,
    responder: UdpResponder,
    store: DisposableStore,
  ): (broadcasts: readonly string[]) => void {
    /** 'opening' and 'failed' until the address goes and comes again. */
    const sockets = new Map<string, SearchSocket | 'opening' | 'failed'>();
    const tell = (): void => {
      const heard = [...sockets].flatMap(([address, socket]) =>
        typeof socket === 'string' ? [] : [address],
      );
      this.#set(protocol, { broadcasts: heard.sort() });
    };
    const open = async (address: string): Promise<void> => {
      let socket: SearchSocket | undefined;
      try {
        socket = await this.#input.sockets.openBroadcast(protocol, address, {
          received: (datagram, from, isBroadcast) =>
            socket && responder.receive(datagram, from, isBroadcast, socket),
          ended: () => {
            if (socket) store.release(socket);
            sockets.delete(address);
          },
        });
        if (sockets.get(address) !== 'opening') {
          socket.dispose();
          return;
        }
        sockets.set(address, store.add(socket));
      } catch (error) {
        sockets.set(address, 'failed');
        this.#input.log('info', 'search', `broadcasts to ${address}: ${messageOf(error)}`);
      }
    };
    return (broadcasts) => {
      for (const [address, socket] of sockets) {
        if (broadcasts.includes(address)) continue;
        sockets.delete(address);
        if (typeof socket === 'string') continue;
        store.release(socket);
        tell();
      }
      const arrived = broadcasts.filter((address) => !sockets.has(address));
      for (const address of arrived) sockets.set(address, 'opening');
      if (arrived.length === 0) return;
      void Promise.all(arrived.map(open)).then(() => {
        if (!store.isDisposed) tell();
      });
    };
  }

  /** Takes what is new of the port on 127.0.0.1, or of broadcasts. */
  #set(protocol: PvProtocol, news: SearchPort): void {
    const former = this.#ports.get(protocol);
    const { broadcasts = former?.broadcasts } = news;
    const { local, problem } = news.broadcasts ? (former ?? {}) : news;
    const port = {
      ...(local && { local }),
      ...(broadcasts && broadcasts.length > 0 && { broadcasts }),
      ...(problem && { problem }),
    };
    if (JSON.stringify(former) === JSON.stringify(port)) return;
    this.#ports.set(protocol, port);
    const parts = [
      ...(local ? [`answers at ${formatEndpoint(local)}`] : []),
      ...(broadcasts?.length ? [`hears broadcasts to ${broadcasts.join(', ')}`] : []),
      ...(problem ? [problem.message] : []),
    ];
    this.#input.log('info', 'search', `UDP ${protocol}: ${parts.join('; ')}`);
    this.#input.onChange();
  }

  #close(): void {
    this.#store.dispose();
    this.#giveWay.clear();
    this.#ports.clear();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#close();
  }
}

function endedProblem(protocol: PvProtocol, reason: string): Problem {
  return {
    code: 'search-port-failed',
    message: `searches by UDP for ${protocol.toUpperCase()} are not answered now: ${reason}`,
    advice: 'It is tried again.',
  };
}

function takenProblem(
  protocol: PvProtocol,
  { endpoint, reason, holder }: SearchPortTaken,
): Problem {
  const prefix = `EPICS_${protocol.toUpperCase()}`;
  const how = holder ? `is held by ${describeHolder(holder)}` : `cannot be opened (${reason})`;
  return {
    code: 'search-port-taken',
    message: `UDP ${formatEndpoint(endpoint)} ${how}: who searches there (${prefix}_ADDR_LIST=127.0.0.1) is not heard by us`,
    advice: `Clients with ${prefix}_NAME_SERVERS find all PVs; it is tried again.`,
  };
}
