import { backoffMs } from '../../base/backoff';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { PvUpdate } from '../../model/coreApi';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { MonitorCircuit } from '../upstream/monitorCircuit';
import type { MonitorIdentity } from '../upstream/monitorDialect';
import { UpdatePacer } from './updatePacer';

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5000;

/** The server that has a PV now, or the reason why there is none. */
export type FoundServer =
  | {
      readonly key: string;
      readonly dial: (signal: AbortSignal) => Promise<Connection>;
      /** Records what a read showed of the access rights. */
      readonly noteRead?: (isPermitted: boolean) => void;
    }
  /** `isHere`: an IOC has it, and something is in the way; `isDenied`: its access security. */
  | { readonly reason: string; readonly isHere: boolean; readonly isDenied?: boolean };

/** What PvMonitors needs. */
export interface PvMonitorsInput {
  readonly find: (name: string, protocol: PvProtocol) => FoundServer;
  /** `find` may have another result now. */
  readonly onDidChange: Event<void>;
  readonly identity: MonitorIdentity;
  readonly clock: Clock;
}

/**
 * Follows values as long as somebody wants them, while IOCs end and come back. However much an IOC
 * sends, the updates are bounded in number and size (updatePacer).
 */
export class PvMonitors {
  readonly #input: PvMonitorsInput;
  readonly #circuits = new Map<string, MonitorCircuit>();

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
    let lastReason: string | undefined;
    const interrupt = (reason: string): void => {
      if (signal.aborted || reason === lastReason) return;
      lastReason = reason;
      pacer.interrupted(reason);
    };
    for (let failures = 0; !signal.aborted; failures++) {
      const found = this.#input.find(name, protocol);
      if ('reason' in found) {
        interrupt(found.reason);
        await this.#nextChange(signal);
        continue;
      }
      await new Promise<void>((resolve) => {
        const watch = this.#circuitTo(found, protocol).watch(name, {
          onValue(reading) {
            failures = 0;
            lastReason = undefined;
            if (!signal.aborted) pacer.value(reading);
          },
          onStall: interrupt,
          onEnd(reason) {
            aborting.dispose();
            interrupt(reason);
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

  #circuitTo(
    { key, dial }: Exclude<FoundServer, { reason: string }>,
    protocol: PvProtocol,
  ): MonitorCircuit {
    const known = this.#circuits.get(key);
    if (known) return known;
    const circuit = new MonitorCircuit({
      protocol,
      dial,
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
