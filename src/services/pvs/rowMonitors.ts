import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { type Disposable, toDisposable } from '../../base/disposable';
import { messageOf } from '../../base/errors';
import { Limit } from '../../base/limit';
import { bytesOf } from '../../model/liveReading';
import { type Problem, ProblemError } from '../../model/problem';
import type { PvReading } from '../../model/reading';
import type { PvProtocol } from '../../model/snapshot';
import type { ValueSink } from './valueSink';

/** Bytes of a value from which on it is read now and then instead of monitored. */
const BIG_BYTES = 64 * 1024;
const POLL_MS = 5000;
/** For all big values together: bytes in a millisecond. */
const BIG_BYTES_PER_MS = 5000;

/** What RowMonitors needs. */
export interface RowMonitorsInput {
  readonly follow: (name: string, protocol: PvProtocol, sink: ValueSink) => Disposable;
  readonly read: (name: string, protocol: PvProtocol, signal: AbortSignal) => Promise<PvReading>;
  readonly clock: Clock;
}

/**
 * Follows values that are shown in a row, of which there may be hundreds. Servers send all of a value
 * at each update, however little of it is shown, and an image of 10 MB a hundred times a second
 * would leave the core no time for anything else. So a value that turns out to be big is not
 * monitored any more, but read every few seconds, and all big values together take turns. (A
 * pvRequest for some of the fields does not help: the big one is the one that is shown. And what
 * fields a PV has is only known once it has answered.)
 */
export class RowMonitors {
  readonly #input: RowMonitorsInput;
  readonly #bigOnes = new Limit(1);

  constructor(input: RowMonitorsInput) {
    this.#input = input;
  }

  /** Follows a value until disposed. */
  follow(name: string, protocol: PvProtocol, sink: ValueSink): Disposable {
    const abort = new AbortController();
    this.#monitor(name, protocol, sink, abort.signal);
    return toDisposable(() => abort.abort());
  }

  #monitor(name: string, protocol: PvProtocol, sink: ValueSink, signal: AbortSignal): void {
    const end = (): void => {
      signal.removeEventListener('abort', end);
      monitor.dispose();
    };
    const monitor = this.#input.follow(name, protocol, {
      value: (reading) => {
        sink.value(reading);
        if (bytesOf(reading.value) < BIG_BYTES) return;
        end();
        void this.#poll(name, protocol, sink, signal);
      },
      interrupted: (problem) => sink.interrupted(problem),
    });
    signal.addEventListener('abort', end, { once: true });
  }

  /** Reads a big value again and again, and monitors it when it is no longer big. */
  async #poll(
    name: string,
    protocol: PvProtocol,
    sink: ValueSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, read } = this.#input;
    let isBig = true;
    const readOnce = async (): Promise<void> => {
      try {
        const reading = await read(name, protocol, signal);
        const bytes = bytesOf(reading.value);
        isBig = bytes >= BIG_BYTES;
        if (!signal.aborted) sink.value(reading);
        // Whoever is next waits, too.
        await delay(clock, bytes / BIG_BYTES_PER_MS, signal);
      } catch (error) {
        if (!signal.aborted) sink.interrupted(problemOf(error));
      }
    };
    try {
      while (isBig) {
        await delay(clock, POLL_MS, signal);
        await this.#bigOnes.run(signal, readOnce);
      }
    } catch {
      return; // aborted
    }
    if (!signal.aborted) this.#monitor(name, protocol, sink, signal);
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { code: 'not-read', detail: messageOf(error) };
}
