import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import { EventEmitter } from '../../base/event';
import type { Undecided } from '../discovery/detect/candidates';
import {
  NO_SIGNS,
  readSigns,
  type ProcessSigns,
  type SignsSource,
} from '../discovery/detect/processSigns';
import type { ProcessInfo } from '../host/socketReport';

/** Reading from a container that hangs ends after that; its process then shows nothing. */
const EXAMINE_TIMEOUT_MS = 10_000;

/** Processes of one container that are examined; further ones show nothing. */
const MAX_EXAMINED = 500;

/** What a ProcessExaminer needs. */
export interface ProcessExaminerInput extends SignsSource {
  readonly clock: Clock;
}

/** Reads the signs of processes, one after another, each process once for what it listens on. */
export class ProcessExaminer implements Disposable {
  readonly #input: ProcessExaminerInput;
  readonly #abort = new AbortController();
  readonly #examined = new EventEmitter<void>();
  /** By the keys of `Undecided`. */
  readonly #signs = new Map<string, ProcessSigns>();
  #waiting: readonly Undecided[] = [];
  #isWorking = false;

  /** The signs of one more process are known. */
  readonly onDidExamine = this.#examined.event;

  constructor(input: ProcessExaminerInput) {
    this.#input = input;
  }

  /** Whether there are processes whose signs are not known yet. */
  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  /** The signs of a process, by the key of an `Undecided`; undefined when it was not examined. */
  signsOf(key: string): ProcessSigns | undefined {
    return this.#signs.get(key);
  }

  /**
   * Examines these processes now, in place of those that still wait, and forgets all that are not
   * among `present`, keys of `Undecided`.
   */
  examine(processes: readonly Undecided[], present: ReadonlySet<string>): void {
    for (const key of this.#signs.keys()) if (!present.has(key)) this.#signs.delete(key);
    this.#waiting = this.#signs.size < MAX_EXAMINED ? processes : [];
    if (!this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let [next] = this.#waiting; next; [next] = this.#waiting) {
      const { key, process } = next;
      const signs = await this.#read(process);
      if (this.#abort.signal.aborted) return;
      this.#signs.set(key, signs);
      this.#waiting = this.#waiting.filter((one) => one.key !== key);
      this.#examined.fire();
    }
    this.#isWorking = false;
  }

  async #read(process: ProcessInfo): Promise<ProcessSigns> {
    try {
      return await withDeadline(
        this.#input.clock,
        EXAMINE_TIMEOUT_MS,
        'reading the signs of a process took too long',
        this.#abort.signal,
        (signal) => readSigns(process, this.#input, signal),
      );
    } catch {
      return NO_SIGNS;
    }
  }

  dispose(): void {
    this.#abort.abort();
    this.#examined.dispose();
  }
}
