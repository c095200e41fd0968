/** The name servers of this machine that belong to no IOC, one for each protocol. */
import { type Disposable, DisposableStore } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { type Endpoint, formatEndpoint } from '../../model/endpoint';
import type { PvProtocol } from '../../model/snapshot';
import type { CircuitSifter } from '../connection';
import type { SearchSockets } from './searchSockets';

export interface NameServersInput {
  readonly sockets: Pick<SearchSockets, 'openNameServer'>;
  readonly sift: (protocol: PvProtocol, onAnswer: () => void) => CircuitSifter;
  /** `state` is another now. */
  readonly onChange: () => void;
  readonly log: Log;
}

const PROTOCOLS = ['ca', 'pva'] as const;

export class NameServers implements Disposable {
  readonly #input: NameServersInput;
  /** While open. */
  #store: DisposableStore | undefined;
  #isDisposed = false;
  #state: Partial<Record<PvProtocol, Endpoint>> = {};

  constructor(input: NameServersInput) {
    this.#input = input;
  }

  /** Where they listen. */
  get state(): Readonly<Partial<Record<PvProtocol, Endpoint>>> {
    return this.#state;
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
    const { sockets, sift, onChange, log } = this.#input;
    try {
      const relay = await sockets.openNameServer(protocol, (onAnswer) => sift(protocol, onAnswer));
      if (!relay) {
        log('info', 'search', `no port is left for a name server of ${protocol}`);
        return;
      }
      store.add(relay);
      if (store.isDisposed) return;
      this.#state = { ...this.#state, [protocol]: relay.local };
      log('info', 'search', `name server of ${protocol} at ${formatEndpoint(relay.local)}`);
      onChange();
    } catch (error) {
      log('warn', 'search', `no name server of ${protocol}: ${messageOf(error)}`);
    }
  }

  #close(): void {
    this.#store?.dispose();
    this.#store = undefined;
    this.#state = {};
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#close();
  }
}
