import { backoffMs } from '../../base/backoff';
import type { Disposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import type { Log } from '../../base/log';
import { programPath } from '../programFiles';
import { CarrierProcess, type HandOver } from './carrierProcess';

/** How long it runs without a circuit. */
const IDLE_MS = 10_000;
/** After it failed without having carried anything, circuits are carried here for so long. */
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 3_600_000;

/**
 * Carries the circuits of relays in a process of its own, so that they do not wait for our other
 * work: both ends of a circuit are sockets, which are handed over. Searches are taken out there and
 * answered here. The process starts with the first circuit and ends with us, or some time after the
 * last; if it fails, its circuits are reset. For Linux, where it is tried.
 */
export class Carrier implements Disposable {
  readonly #log: Log;
  readonly #program: string | undefined;
  #process: CarrierProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #failures = 0;
  /** By `performance.now()`: it is not started before. */
  #notBeforeMs = 0;
  #isDisposed = false;

  /** `program` is a path; default: the built carrier. */
  constructor(log: Log, program?: string) {
    this.#log = log;
    this.#program = program;
  }

  /**
   * Resolves when a circuit can be handed over, soon; undefined: it is to be carried here.
   */
  async claim(): Promise<HandOver | undefined> {
    if (this.#isDisposed) return undefined;
    if (!this.#process && performance.now() < this.#notBeforeMs) return undefined;
    clearTimeout(this.#idle);
    this.#process ??= this.#start();
    return this.#process?.claim();
  }

  #start(): CarrierProcess | undefined {
    try {
      const started = new CarrierProcess(this.#program ?? programPath('carrier.js'), {
        onIdle: () => {
          clearTimeout(this.#idle);
          this.#idle = setTimeout(() => this.#end(started), IDLE_MS).unref();
        },
        onEnd: (reason) => {
          if (this.#process === started) this.#process = undefined;
          if (started.hasCarried) this.#failures = 0;
          else this.#pause();
          this.#log('warn', 'relay', `the carrier of circuits ended: ${reason}`);
        },
      });
      return started;
    } catch (error) {
      this.#pause();
      this.#log('warn', 'relay', `the carrier of circuits did not start: ${messageOf(error)}`);
      return undefined;
    }
  }

  #pause(): void {
    const pauseMs = backoffMs(this.#failures++, FIRST_PAUSE_MS, MAX_PAUSE_MS);
    this.#notBeforeMs = performance.now() + pauseMs;
  }

  #end(one: CarrierProcess | undefined): void {
    if (this.#process === one) this.#process = undefined;
    one?.dispose();
  }

  dispose(): void {
    clearTimeout(this.#idle);
    this.#isDisposed = true;
    this.#end(this.#process);
  }
}
