import { backoffMs } from '../../base/backoff';
import { delay, onAbort } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, DisposableStore, toDisposable } from '../../base/disposable';
import type { Event } from '../../base/event';
import type { PvUpdate } from '../../model/coreApi';
import type { PlotRequest, PlotUpdate } from '../../model/plotValue';
import type { Problem } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import type { ClientIdentity } from '../upstream/protocolAdapter';
import { SharedCircuit } from '../upstream/sharedCircuit';
import { Interruptions } from './interruptions';
import { type Pacer, plotPacer, previewPacer } from './updatePacer';
import type { ValueSink } from './valueSink';

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
  /** Whether it stands still: its circuits stay, and nothing comes by them. */
  readonly isHalted?: () => boolean;
}

/** What PvMonitors needs. */
export interface PvMonitorsInput {
  readonly find: (name: string, protocol: PvProtocol, signal: AbortSignal) => Promise<FoundServer>;
  /** `find` may have another result now. */
  readonly onDidChange: Event<void>;
  readonly identity: ClientIdentity;
  /**
   * How long a value stays as it is when only its circuit is lost; default 0. A plot has a gap there,
   * because what happened meanwhile is not known.
   */
  readonly graceMs?: number;
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

  /** Follows a value until disposed, with paced updates. */
  monitor(name: string, protocol: PvProtocol, onUpdate: (update: PvUpdate) => void): Disposable {
    return this.#paced(name, protocol, previewPacer(this.#input.clock, onUpdate));
  }

  /** Follows, until disposed, what a panel can draw of a value. */
  plot(request: PlotRequest, onUpdate: (update: PlotUpdate) => void): Disposable {
    const { name, protocol } = request;
    return this.#paced(name, protocol, plotPacer(this.#input.clock, request, onUpdate));
  }

  #paced(name: string, protocol: PvProtocol, pacer: Pacer): Disposable {
    const following = this.follow(name, protocol, pacer);
    return toDisposable(() => {
      pacer.dispose();
      following.dispose();
    });
  }

  /** Follows a value until disposed, as fast as it comes. */
  follow(name: string, protocol: PvProtocol, sink: ValueSink): Disposable {
    const abort = new AbortController();
    const { clock, graceMs = 0 } = this.#input;
    const told = new Interruptions(sink, clock, graceMs);
    void this.#follow(name, protocol, told, abort.signal);
    return toDisposable(() => {
      abort.abort();
      told.dispose();
    });
  }

  async #follow(
    name: string,
    protocol: PvProtocol,
    told: Interruptions,
    signal: AbortSignal,
  ): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      const found = await this.#input.find(name, protocol, signal).catch(() => undefined);
      if (!found || signal.aborted) return;
      if ('problem' in found) {
        // The circuit that we hold for all PVs of the server.
        if (isCircuitLost(found.problem)) told.circuitLost(found.problem);
        else told.interrupted(found.problem);
        await this.#nextChange(signal);
        continue;
      }
      await new Promise<void>((resolve) => {
        let hasValue = false;
        const watch = this.#circuitTo(found, protocol).watch(name, {
          onValue(reading, source) {
            failures = 0;
            hasValue = true;
            told.value(reading, source);
          },
          onStall: (detail) => told.interrupted({ code: 'not-read', detail }),
          onEnd(detail) {
            leaving.dispose();
            const problem: Problem = { code: 'not-read', detail };
            // Another circuit that brings nothing either is more than the loss of one.
            if (hasValue) told.circuitLost(problem);
            else told.interrupted(problem);
            resolve();
          },
        });
        const leaving = new DisposableStore();
        const leave = (): void => {
          leaving.dispose();
          watch.dispose();
          resolve();
        };
        leaving.add(
          this.#input.onDidChange(() => {
            if (found.isHalted?.()) leave();
          }),
        );
        leaving.add(onAbort(signal, leave));
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

function isCircuitLost(problem: Problem): boolean {
  return problem.code === 'no-channel' && problem.step === 'disconnected';
}
