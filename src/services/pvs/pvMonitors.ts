import { backoffMs } from '../../base/backoff';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { PvUpdate } from '../../model/coreApi';
import { isSameProblem, type Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import { SharedCircuit } from '../upstream/sharedCircuit';
import { UpdatePacer } from './updatePacer';

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5000;

/** The server that has a PV now, or the reason why there is none. */
export type FoundServer =
  | UsableServer
  /** `isHere`: an IOC has it, and something is in the way. */
  | { readonly problem: Problem; readonly isHere: boolean };

/** A server that can be asked for the PV now. */
export interface UsableServer {
  readonly key: string;
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  /** What it was recognised as, see AdapterOptions. */
  readonly software?: () => string;
  readonly read: (signal: AbortSignal) => Promise<PvReading>;
  /** Records what a read showed of the access rights. */
  readonly noteRead?: (isPermitted: boolean) => void;
}

/** What PvMonitors needs. */
export interface PvMonitorsInput {
  readonly find: (name: string, protocol: PvProtocol, signal: AbortSignal) => Promise<FoundServer>;
  /** `find` may have another result now. */
  readonly onDidChange: Event<void>;
  readonly identity: ClientIdentity;
  readonly clock: Clock;
}

/**
 * Follows values as long as somebody wants them, while IOCs end and come back. However much an IOC
 * sends, the updates are bounded in number and size (updatePacer).
 */
export class PvMonitors {
  readonly #input: PvMonitorsInput;
  /** By server, and for monitors alone: what nobody reads fast enough must hold up nothing else. */
  readonly #circuits = new Map<string, SharedCircuit>();

  constructor(input: PvMonitorsInput) {
    this.#input = input;
  }

  /** Follows a value until disposed. */
  monitor(name: string, protocol: PvProtocol, onUpdate: (update: PvUpdate) => void): Disposable {
    const abort = new AbortController();
    const pacer = new UpdatePacer(this.#input.clock, onUpdate);
    void this.#follow(name, protocol, pacer, abort.signal);
    return toDisposable(() => {
      pacer.dispose();
      abort.abort();
    });
  }

  async #follow(
    name: string,
    protocol: PvProtocol,
    pacer: UpdatePacer,
    signal: AbortSignal,
  ): Promise<void> {
    let last: Problem | undefined;
    const interrupt = (problem: Problem): void => {
      if (signal.aborted || isSameProblem(problem, last)) return;
      last = problem;
      pacer.interrupted(problem);
    };
    for (let failures = 0; !signal.aborted; failures++) {
      const found = await this.#input.find(name, protocol, signal).catch(() => undefined);
      if (!found || signal.aborted) return;
      if ('problem' in found) {
        interrupt(found.problem);
        await this.#nextChange(signal);
        continue;
      }
      await new Promise<void>((resolve) => {
        const watch = this.#circuitTo(found, protocol).watch(name, {
          onValue(reading) {
            failures = 0;
            last = undefined;
            if (!signal.aborted) pacer.value(reading);
          },
          onStall: (detail) => interrupt({ code: 'not-read', detail }),
          onEnd(detail) {
            aborting.dispose();
            interrupt({ code: 'not-read', detail });
            resolve();
          },
        });
        const aborting = onAbort(signal, () => {
          watch.dispose();
          resolve();
        });
      });
      const pauseMs = backoffMs(failures, RETRY_FIRST_MS, RETRY_MAX_MS);
      await delay(this.#input.clock, pauseMs, signal).catch(() => undefined);
    }
  }

  #circuitTo({ key, dial, software }: UsableServer, protocol: PvProtocol): SharedCircuit {
    const known = this.#circuits.get(key);
    if (known) return known;
    const circuit = new SharedCircuit({
      protocol,
      dial,
      ...(software && { software }),
      identity: this.#input.identity,
      clock: this.#input.clock,
      onEnd: () => {
        if (this.#circuits.get(key) === circuit) this.#circuits.delete(key);
      },
    });
    this.#circuits.set(key, circuit);
    return circuit;
  }

  /** Resolves at the next change, or after a short while without one. */
  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        change.dispose();
        timer.dispose();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const change = this.#input.onDidChange(done);
      const timer = this.#input.clock.after(RETRY_MAX_MS, done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}
