import { onAbort } from '../../base/abort';
import { DisposableStore } from '../../base/disposable';
import { CancelledError, messageOf, RemoteProtocolError, TransportError } from '../../base/errors';
import { LruMap } from '../../base/lruMap';
import type { PvReading } from '../../model/reading';
import type { Circuit } from './circuit';
import { fitsName, longestName, requireName } from './nameLimits';
import type { Channel, ProtocolAdapter } from './protocolAdapter';
import { readPv } from './readPv';
import type { ReceiveAllowance } from './receiveAllowance';
import { SharedCircuit, type SharedCircuitInput } from './sharedCircuit';

/** How many PVs whose values ended the circuit are remembered. */
const MAX_HARMFUL = 1000;
/** An answer that is later than that does not come. */
const LATE_MS = 30_000;

interface HeldCircuit {
  readonly circuit: Circuit<ProtocolAdapter>;
  readonly allowance: ReceiveAllowance;
  /**
   * Reads under way, even those that nothing waits for any more: their answers are still to come.
   */
  readonly reads: Set<Read>;
}

interface Read {
  readonly name: string;
  /** Nobody waits for it any more since then. */
  givenUpAtMs: number | undefined;
  fail(error: Error): void;
}

/**
 * Reads values of one server over the circuit that is held to it, so that a hover opens none. While
 * that circuit is not ready, or not fit for a read, a shared one is opened, which lasts as long as
 * such reads.
 */
export class PvReads {
  readonly #input: Omit<SharedCircuitInput, 'onEnd'>;
  #held: HeldCircuit | undefined;
  #other: SharedCircuit | undefined;
  /**
   * PVs whose value was too long or broken, which ends a circuit: once, but not again and again.
   */
  readonly #harmful = new LruMap<string, true>(MAX_HARMFUL);

  constructor(input: Omit<SharedCircuitInput, 'onEnd'>) {
    this.#input = input;
  }

  /** The circuit is ready, and can be used for reads until it ends. */
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
   * Reads a PV, or a part of it, once; `openChannel` is a channel of the held circuit. Rejects as
   * SharedCircuit.read does; the caller sets the deadline.
   */
  async read(
    name: string,
    openChannel: Channel | undefined,
    signal: AbortSignal,
    part?: readonly string[],
  ): Promise<PvReading> {
    const { protocol, software } = this.#input;
    requireName(name, longestName(protocol, software?.()), software?.());
    const held = this.#held;
    const adapter = held?.circuit.adapter;
    if (!held || !adapter || this.#isRisky(name) || isLate(held, this.#input.clock.nowMs())) {
      return this.#readByOther(name, signal, part);
    }
    return new Promise((resolve, reject) => {
      const store = new DisposableStore();
      const fail = (error: Error): void => {
        store.dispose();
        reject(error);
      };
      const read: Read = { name, givenUpAtMs: undefined, fail };
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
        const giveUp = readPv(adapter, name, openChannel, settle, {
          ...this.#input,
          ...(part && { part }),
        });
        held.circuit.flush();
        store.add(
          onAbort(signal, () => {
            read.givenUpAtMs = this.#input.clock.nowMs();
            if (giveUp()) end();
            reject(new CancelledError());
          }),
        );
      } catch (error) {
        settle(error as Error);
        // It left too many questions without an answer: with the circuit they are forgotten.
        if (error instanceof RemoteProtocolError) {
          held.circuit.end(new TransportError(messageOf(error)));
        }
      }
    });
  }

  /** Whether reading it ended a circuit, or its name might. */
  #isRisky(name: string): boolean {
    const safe = longestName(this.#input.protocol, undefined);
    return this.#harmful.get(name) === true || !fitsName(name, safe);
  }

  async #readByOther(
    name: string,
    signal: AbortSignal,
    part?: readonly string[],
  ): Promise<PvReading> {
    if (this.#isRisky(name)) {
      // Alone, so that it harms no other read; one that succeeds was marked because of its neighbour.
      const reading = await new SharedCircuit(this.#input).read(name, signal, part);
      this.#harmful.delete(name);
      return reading;
    }
    this.#other ??= new SharedCircuit({ ...this.#input, onEnd: () => (this.#other = undefined) });
    return this.#other.read(name, signal, part);
  }
}

/**
 * Whether a read was given up whose answer may still come: other reads would wait behind it. One that is
 * never answered does not count for ever.
 */
function isLate({ reads }: HeldCircuit, nowMs: number): boolean {
  return [...reads].some(
    ({ givenUpAtMs }) => givenUpAtMs !== undefined && nowMs - givenUpAtMs < LATE_MS,
  );
}
