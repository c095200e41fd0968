/**
 * One circuit to one server for all values of it that somebody follows: opened for the first watch,
 * closed after the last. It does not connect again; whoever watches does that by a new one.
 */
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { Connection } from '../host/connection';
import { createCaMonitorDialect } from './caMonitorDialect';
import type { MonitorDialect, MonitorIdentity } from './monitorDialect';
import { keepAlive } from './keepAlive';
import { ProtocolLink } from './protocolLink';
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
  readonly #abort = new AbortController();
  readonly #watchers = new Map<number, { readonly name: string; readonly watcher: Watcher }>();
  #nextId = 0;
  #link: ProtocolLink | undefined;
  #dialect: MonitorDialect | undefined;
  #isReady = false;

  constructor(input: MonitorCircuitInput) {
    this.#input = input;
    void this.#run();
  }

  watch(name: string, watcher: Watcher): Disposable {
    const id = this.#nextId++;
    this.#watchers.set(id, { name, watcher });
    if (this.#isReady) this.#begin(id, name);
    this.#link?.flush();
    return toDisposable(() => {
      if (!this.#watchers.delete(id)) return;
      if (this.#isReady) this.#dialect?.unwatch(id);
      this.#link?.flush();
      this.#endWhenIdle();
    });
  }

  async #run(): Promise<void> {
    const { clock, identity, protocol, dial } = this.#input;
    const { signal } = this.#abort;
    const createDialect = protocol === 'ca' ? createCaMonitorDialect : createPvaMonitorDialect;
    try {
      await withDeadline(
        clock,
        CONNECT_TIMEOUT_MS,
        `the server did not answer within ${CONNECT_TIMEOUT_MS / 1000} s`,
        signal,
        async (inner) => {
          const connection = await dial(inner);
          if (inner.aborted) {
            connection.destroy();
            return;
          }
          await new Promise<void>((resolve) => {
            const dialect = createDialect(identity, {
              ready: () => {
                this.#beginAll();
                resolve();
              },
              value: (id, reading) => this.#watchers.get(id)?.watcher.onValue(reading),
              stalled: (id, reason) => this.#watchers.get(id)?.watcher.onStall(reason),
              failed: (id, reason) => this.#failed(id, reason),
            });
            this.#dialect = dialect;
            this.#link = new ProtocolLink(connection, dialect, {
              onEnd: (error) => {
                this.#end(error ? messageOf(error) : 'the server closed the circuit');
                resolve();
              },
            });
            this.#link.flush();
          });
        },
      );
      const link = this.#link;
      if (link) await keepAlive(clock, link, () => this.#dialect?.ping(), signal);
    } catch (error) {
      this.#end(messageOf(error));
    }
  }

  #beginAll(): void {
    this.#isReady = true;
    for (const [id, { name }] of this.#watchers) this.#begin(id, name);
  }

  /** A name that cannot be asked for ends its own watch, not those of others. */
  #begin(id: number, name: string): void {
    try {
      this.#dialect?.watch(id, name);
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
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#link?.dispose();
    this.#input.onEnd();
    const watchers = [...this.#watchers.values()];
    this.#watchers.clear();
    for (const { watcher } of watchers) watcher.onEnd(reason);
  }
}
