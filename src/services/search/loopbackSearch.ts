/** The UDP ports on which this machine's clients search, open while there is something to find. */
import { schedule } from '../../base/schedule';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore } from '../../base/disposable';
import type { Log } from '../../base/log';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import type { Problem, PvProtocol, SearchPort, SearchState } from '../../model/snapshot';
import { describeHolder, type PortHolder } from '../localPorts';
import type { NameService } from './nameService';
import { UdpResponder } from './udpResponder';

export interface SearchSocket extends Disposable {
  readonly local: Endpoint;
  /** Loses what cannot be sent now. */
  send(datagram: Uint8Array, to: Endpoint): void;
  /** PVA: to those of this machine who share the port. */
  passOn(datagram: Uint8Array): void;
}

export interface SearchSocketEvents {
  /** The bytes are valid during the call only. */
  received(datagram: Uint8Array, from: Endpoint): void;
  /** It has closed by itself. */
  ended(reason: string): void;
}

/** The port cannot be had now, or belongs to somebody else. */
export interface SearchPortTaken {
  readonly endpoint: Endpoint;
  /** Of the system. */
  readonly reason: string;
  readonly holder?: PortHolder;
}

export type OpenSearchSocket = (
  protocol: PvProtocol,
  events: SearchSocketEvents,
) => Promise<SearchSocket | SearchPortTaken>;

export interface LoopbackSearchInput {
  readonly openSocket: OpenSearchSocket;
  readonly names: Readonly<Record<PvProtocol, Pick<NameService, 'ask'>>>;
  /** `state` is another now. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A port that somebody else has is tried again so often. */
const RETRY_MS = 10_000;
const PROTOCOLS = ['ca', 'pva'] as const;

export class LoopbackSearch implements Disposable {
  readonly #input: LoopbackSearchInput;
  readonly #ports = new Map<PvProtocol, SearchPort>();
  /** While it is open; undefined: closed. */
  #store: DisposableStore | undefined;
  #isDisposed = false;

  constructor(input: LoopbackSearchInput) {
    this.#input = input;
  }

  /** What is open, and why something is not. */
  get state(): SearchState {
    return Object.fromEntries(this.#ports);
  }

  setOpen(isOpen: boolean): void {
    if (isOpen === (this.#store !== undefined) || this.#isDisposed) return;
    if (!isOpen) {
      this.#close();
      this.#input.onChange();
      return;
    }
    const store = new DisposableStore();
    this.#store = store;
    for (const protocol of PROTOCOLS) void this.#open(protocol, store);
  }

  async #open(protocol: PvProtocol, store: DisposableStore): Promise<void> {
    const { names, clock, log } = this.#input;
    const its = store.add(new DisposableStore());
    let socket = undefined as SearchSocket | undefined;
    const responder = its.add(
      new UdpResponder({
        ...{ protocol, names: names[protocol], clock, log },
        send: (datagram, to) => socket?.send(datagram, to),
        passOn: (datagram) => socket?.passOn(datagram),
      }),
    );
    const failed = (problem: Problem): void => {
      if (store.isDisposed) return;
      store.release(its);
      this.#set(protocol, { problem });
      schedule(store, clock, RETRY_MS, () => void this.#open(protocol, store));
    };
    const opened = await this.#input.openSocket(protocol, {
      received: (datagram, from) => responder.receive(datagram, from),
      ended: (reason) => failed(endedProblem(protocol, reason)),
    });
    if (!('local' in opened)) {
      failed(takenProblem(protocol, opened));
      return;
    }
    socket = its.add(opened);
    if (!its.isDisposed) this.#set(protocol, { local: opened.local });
  }

  #set(protocol: PvProtocol, port: SearchPort): void {
    const former = this.#ports.get(protocol);
    if (JSON.stringify(former) === JSON.stringify(port)) return;
    this.#ports.set(protocol, port);
    const what = port.local ? `answers at ${formatEndpoint(port.local)}` : port.problem?.message;
    this.#input.log('info', 'search', `UDP ${protocol}: ${what ?? 'closed'}`);
    this.#input.onChange();
  }

  #close(): void {
    this.#store?.dispose();
    this.#store = undefined;
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
    message: `UDP ${formatEndpoint(endpoint)} ${how}: who searches there (${prefix}_ADDR_LIST) does not find PVs in containers`,
    advice: `Clients with ${prefix}_NAME_SERVERS do; it is tried again.`,
  };
}
