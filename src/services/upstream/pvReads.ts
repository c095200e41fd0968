import { onAbort } from '../../base/abort';
import { DisposableStore } from '../../base/disposable';
import { CancelledError, RemoteProtocolError } from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvReading } from '../../model/reading';
import type { Circuit } from './circuit';
import type { Channel, ProtocolAdapter } from './protocolAdapter';
import { readPv } from './readPv';
import type { ReceiveAllowance } from './receiveAllowance';
import { SharedCircuit, type SharedCircuitInput } from './sharedCircuit';

/** PVs whose values ended the circuit, so many at most. */
const MAX_HARMFUL = 1000;

interface HeldCircuit {
  readonly circuit: Circuit<ProtocolAdapter>;
  readonly allowance: ReceiveAllowance;
  /** Under way, also those that nobody waits for any more: their answers are still to come. */
  readonly reads: Set<Read>;
}

interface Read {
  readonly name: string;
  isGivenUp: boolean;
  fail(error: Error): void;
}

/**
 * Reads values of one server over the circuit that is held to it, so that a hover opens none. While that is
 * not ready, or is not fit for a read, it is done over a circuit that lasts as long as such reads.
 */
export class PvReads {
  readonly #input: Omit<SharedCircuitInput, 'onEnd'>;
  #held: HeldCircuit | undefined;
  #other: SharedCircuit | undefined;
  /** A value that is too long or broken ends a circuit: once, but not again and again. */
  readonly #harmful = new LruMap<string, true>(MAX_HARMFUL);

  constructor(input: Omit<SharedCircuitInput, 'onEnd'>) {
    this.#input = input;
  }

  /** That circuit is ready, and may be read over until it ends. */
  hold(circuit: Circuit<ProtocolAdapter>, allowance: ReceiveAllowance): void {
    this.#held = { circuit, allowance, reads: new Set() };
  }

  /** The held circuit ended. */
  release(error: Error): void {
    const reads = this.#held?.reads ?? [];
    this.#held = undefined;
    for (const read of reads) {
      if (error instanceof RemoteProtocolError) this.#harmful.set(read.name, true);
      read.fail(error);
    }
  }

  /**
   * Reads a PV once; `openChannel` is one of the held circuit. Rejects as SharedCircuit.read does; the
   * deadline is the caller's.
   */
  read(name: string, openChannel: Channel | undefined, signal: AbortSignal): Promise<PvReading> {
    const held = this.#held;
    const adapter = held?.circuit.adapter;
    if (!held || !adapter || this.#harmful.get(name) || isLate(held)) {
      return this.#readByOther(name, signal);
    }
    return new Promise((resolve, reject) => {
      const store = new DisposableStore();
      const fail = (error: Error): void => {
        store.dispose();
        reject(error);
      };
      const read: Read = { name, isGivenUp: false, fail };
      const end = (): void => {
        held.reads.delete(read);
        held.allowance.valueAnswered();
      };
      const settle = (result: PvReading | Error): void => {
        end();
        store.dispose();
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      held.reads.add(read);
      held.allowance.valueAsked();
      try {
        const giveUp = readPv(adapter, name, openChannel, settle);
        held.circuit.flush();
        store.add(
          onAbort(signal, () => {
            read.isGivenUp = true;
            if (giveUp()) end();
            reject(new CancelledError());
          }),
        );
      } catch (error) {
        settle(error as Error);
      }
    });
  }

  #readByOther(name: string, signal: AbortSignal): Promise<PvReading> {
    this.#other ??= new SharedCircuit({ ...this.#input, onEnd: () => (this.#other = undefined) });
    return this.#other.read(name, signal);
  }
}

/** A read was given up whose answer is still to come: other reads would wait behind it. */
function isLate({ reads }: HeldCircuit): boolean {
  return [...reads].some(({ isGivenUp }) => isGivenUp);
}
