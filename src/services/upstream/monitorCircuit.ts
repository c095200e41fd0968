/**
 * One circuit to one server for all values of it that somebody follows: opened for the first watch,
 * closed after the last. It does not connect again; whoever watches does that by a new one.
 */
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { Circuit } from './circuit';
import { createCaMonitorDialect } from './caMonitorDialect';
import type { MonitorDialect, MonitorIdentity } from './monitorDialect';
import { createPvaMonitorDialect } from './pvaMonitorDialect';

const CONNECT_TIMEOUT_MS = 5000;

export interface MonitorCircuitInput {
  readonly protocol: PvProtocol;
  readonly dial: (signal: AbortSignal) => Promise<Connection>;
  readonly identity: MonitorIdentity;
  readonly clock: Clock;
  /** Once: it takes no more watches. */
  readonly onEnd: () => void;
}

export interface Watcher {
  onValue(reading: PvReading): void;
  /** No values come at present. */
  onStall(reason: string): void;
  /** Once, unless disposed before: this watch is over. */
  onEnd(reason: string): void;
}

export class MonitorCircuit {
  readonly #input: MonitorCircuitInput;
  readonly #watchers = new Map<number, { readonly name: string; readonly watcher: Watcher }>();
  readonly #circuit: Circuit<MonitorDialect>;
  #nextId = 0;
  #hasEnded = false;

  constructor(input: MonitorCircuitInput) {
    this.#input = input;
    const { clock, dial, identity, protocol } = input;
    const createDialect = protocol === 'ca' ? createCaMonitorDialect : createPvaMonitorDialect;
    this.#circuit = new Circuit<MonitorDialect>({
      dial,
      createAdapter: (ready) =>
        createDialect(identity, {
          ready,
          value: (id, reading) => this.#watchers.get(id)?.watcher.onValue(reading),
          stalled: (id, reason) => this.#watchers.get(id)?.watcher.onStall(reason),
          failed: (id, reason) => this.#failed(id, reason),
        }),
      onReady: () => this.#beginAll(),
      dialTimeoutMs: CONNECT_TIMEOUT_MS,
      handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
      clock,
    });
    void this.#run();
  }

  watch(name: string, watcher: Watcher): Disposable {
    const id = this.#nextId++;
    this.#watchers.set(id, { name, watcher });
    if (this.#circuit.isReady) this.#begin(id, name);
    this.#circuit.flush();
    return toDisposable(() => {
      if (!this.#watchers.delete(id)) return;
      if (this.#circuit.isReady) this.#circuit.adapter?.unwatch(id);
      this.#circuit.flush();
      this.#endWhenIdle();
    });
  }

  async #run(): Promise<void> {
    try {
      const error = await this.#circuit.run();
      this.#end(error ? messageOf(error) : 'the server closed the circuit');
    } catch (error) {
      this.#end(messageOf(error));
    }
  }

  #beginAll(): void {
    for (const [id, { name }] of this.#watchers) this.#begin(id, name);
  }

  /** A name that cannot be asked for ends its own watch, not those of others. */
  #begin(id: number, name: string): void {
    try {
      this.#circuit.adapter?.watch(id, name);
    } catch (error) {
      void Promise.resolve().then(() => this.#failed(id, messageOf(error)));
    }
  }

  #failed(id: number, reason: string): void {
    const known = this.#watchers.get(id);
    this.#watchers.delete(id);
    known?.watcher.onEnd(reason);
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#watchers.size === 0) this.#end('nobody watches');
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#circuit.dispose();
    this.#input.onEnd();
    const watchers = [...this.#watchers.values()];
    this.#watchers.clear();
    for (const { watcher } of watchers) watcher.onEnd(reason);
  }
}
