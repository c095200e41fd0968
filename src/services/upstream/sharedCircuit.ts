import { onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import { CancelledError, messageOf, TransportError } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { Circuit } from './circuit';
import { createAdapter } from './createAdapter';
import type { Channel, ClientIdentity, ProtocolAdapter, ReadingSource } from './protocolAdapter';
import { readPv } from './readPv';

const CONNECT_TIMEOUT_MS = 5000;

/** How to connect, and as which client. */
export interface SharedCircuitInput {
  readonly protocol: PvProtocol;
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  readonly identity: ClientIdentity;
  /** What the server was recognised as, see AdapterOptions. */
  readonly software?: () => string;
  readonly isGateway?: boolean;
  readonly clock: Clock;
  /** Called once, when it takes no more users. */
  readonly onEnd?: () => void;
}

/** Receives the value of a PV. */
export interface Watcher {
  onValue(reading: PvReading, source: ReadingSource): void;
  /** No values arrive at present. */
  onStall(reason: string): void;
  /** Called once, unless disposed before: this watch ended. */
  onEnd(reason: string): void;
}

interface User {
  /** The circuit is ready. May throw, which ends this user alone. */
  begin(adapter: ProtocolAdapter): void;
  /** Called once, unless the user left before. */
  fail(error: Error): void;
}

/**
 * One circuit to one server for several users: opened at once for the first of them, closed after the
 * last. It does not connect again; whoever wants that takes a new one.
 */
export class SharedCircuit {
  readonly #input: SharedCircuitInput;
  readonly #users = new Set<User>();
  readonly #circuit: Circuit<ProtocolAdapter>;
  #hasEnded = false;

  constructor(input: SharedCircuitInput) {
    this.#input = input;
    const { clock, dial, identity, protocol, software } = input;
    const options = { ...identity, ...(software && { software }) };
    this.#circuit = new Circuit<ProtocolAdapter>({
      dial,
      createAdapter: (ready) => createAdapter(protocol, options, { ready, searched: nothing }),
      onReady: () => {
        for (const user of this.#users) this.#begin(user);
      },
      dialTimeoutMs: CONNECT_TIMEOUT_MS,
      handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
      clock,
    });
    void this.#run();
  }

  /** Follows a value until disposed, or until `onEnd`. */
  watch(name: string, watcher: Watcher): Disposable {
    let channel: Channel | undefined;
    const fail = (reason: string): void => this.#fail(user, new TransportError(reason));
    const user: User = {
      begin(adapter) {
        const opened = adapter.openChannel(name, {
          opened: () =>
            opened.monitor({
              value: (reading, source) => watcher.onValue(reading, source),
              stalled: (reason) => watcher.onStall(reason),
              failed: fail,
            }),
          refused: (_refusal, message) =>
            fail(`the IOC does not have it, or refuses it${message === '' ? '' : `: ${message}`}`),
          lost: () => fail('the IOC ended the channel'),
        });
        channel = opened;
      },
      fail: (error) => watcher.onEnd(messageOf(error)),
    };
    this.#join(user);
    return toDisposable(() => {
      if (!this.#users.delete(user)) return;
      channel?.close();
      this.#circuit.flush();
      this.#endWhenIdle();
    });
  }

  /**
   * Reads a value, or a part of it, once. Rejects with a sentence for the user, NoReadAccessError if the server
   * denies reading it, and CancelledError; the caller sets the deadline.
   */
  read(name: string, signal: AbortSignal, part?: readonly string[]): Promise<PvReading> {
    return new Promise((resolve, reject) => {
      const store = new DisposableStore();
      let giveUp: (() => boolean) | undefined;
      const user: User = {
        begin: (adapter) => {
          giveUp = readPv(
            adapter,
            name,
            undefined,
            (result) => {
              if (result instanceof Error) this.#fail(user, result);
              else leave(() => resolve(result));
            },
            { ...this.#input, ...(part && { part }) },
          );
        },
        fail(error) {
          store.dispose();
          reject(error);
        },
      };
      const leave = (settle: () => void): void => {
        if (!this.#users.delete(user)) return;
        store.dispose();
        settle();
        this.#endWhenIdle();
      };
      this.#join(user);
      store.add(
        onAbort(signal, () => {
          giveUp?.();
          leave(() => reject(new CancelledError()));
        }),
      );
    });
  }

  async #run(): Promise<void> {
    try {
      const error = await this.#circuit.run();
      this.#end(error ?? new TransportError('the server closed the circuit'));
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #join(user: User): void {
    this.#users.add(user);
    if (this.#circuit.isReady) this.#begin(user);
    this.#circuit.flush();
  }

  #begin(user: User): void {
    const { adapter } = this.#circuit;
    try {
      if (adapter) user.begin(adapter);
    } catch (error) {
      void Promise.resolve().then(() => this.#fail(user, error as Error));
    }
  }

  #fail(user: User, error: Error): void {
    if (!this.#users.delete(user)) return;
    user.fail(error);
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#users.size === 0) this.#end(new TransportError('it is no longer used'));
  }

  #end(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#circuit.dispose();
    this.#input.onEnd?.();
    const users = [...this.#users];
    this.#users.clear();
    for (const user of users) user.fail(error);
  }
}

function nothing(): void {
  // There are no searches on this circuit.
}
