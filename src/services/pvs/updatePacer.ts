import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/disposable';
import type { PvUpdate } from '../../model/coreApi';
import type { PlotUpdate } from '../../model/plotValue';
import type { Problem } from '../../model/problem';
import { previewOf } from '../../model/preview';
import type { PvReading } from '../../model/reading';
import type { ReadingSource } from '../upstream/protocolAdapter';
import { type PanelSize, plotReading, sizeOf } from './plotValue';
import type { ValueSink } from './valueSink';

/** More than ten updates a second are just a blur. */
const UPDATE_MS = 100;
/** What one PV may send to a window; bigger updates come less often. */
const BYTES_PER_MS = 4000;

/** Takes what a PV sends, and passes on as much of it as is shown. */
export interface Pacer extends ValueSink, Disposable {}

/** What a pacer makes of the newest value, and its size in bytes if that may be considerable. */
interface Shown<U> {
  readonly update: U;
  readonly bytes?: number;
}

type Show<U> = (
  reading: PvReading,
  source: ReadingSource,
  range: readonly [number, number] | undefined,
) => Shown<U>;

/** A pacer whose updates are previews (model/preview). */
export function previewPacer(clock: Clock, notify: (update: PvUpdate) => void): Pacer {
  return new UpdatePacer<PvUpdate>(clock, notify, (reading, _source, range) => ({
    update: { kind: 'value', reading: previewOf(reading), ...(range && { range }) },
  }));
}

/** A pacer whose updates are what a panel of that size can draw. */
export function plotPacer(
  clock: Clock,
  size: PanelSize,
  notify: (update: PlotUpdate) => void,
): Pacer {
  return new UpdatePacer<PlotUpdate>(clock, notify, (reading, source, range) => {
    const update = plotReading(reading, source, size, range);
    return { update, bytes: sizeOf(update.value) };
  });
}

interface Interruption {
  readonly kind: 'interrupted';
  readonly problem: Problem;
}

/**
 * Paces the updates of a PV: its newest value, at most ten times a second, and only as much of it
 * as is shown. For numbers that are skipped, the lowest and the highest are reported, so that a
 * plot hides no spike.
 */
class UpdatePacer<U> implements Pacer {
  readonly #clock: Clock;
  readonly #notify: (update: U | Interruption) => void;
  readonly #show: Show<U>;
  /** Running since the last update; undefined: that was long enough ago. */
  #timer: Disposable | undefined;
  #newest: { readonly reading: PvReading; readonly source: ReadingSource } | undefined;
  #range: [number, number] | undefined;
  /** Why updates were interrupted, if that came after `#newest`. */
  #problem: Problem | undefined;
  #isDisposed = false;

  constructor(clock: Clock, notify: (update: U | Interruption) => void, show: Show<U>) {
    this.#clock = clock;
    this.#notify = notify;
    this.#show = show;
  }

  value(reading: PvReading, source: ReadingSource = {}): void {
    const { value } = reading;
    const isNumber = typeof value === 'number' && Number.isFinite(value);
    if (this.#newest === undefined) this.#range = isNumber ? [value, value] : undefined;
    else if (isNumber && this.#range) {
      this.#range = [Math.min(this.#range[0], value), Math.max(this.#range[1], value)];
    } else if (isNumber) this.#range = [value, value];
    this.#newest = { reading, source };
    this.#problem = undefined;
    this.#flush();
  }

  interrupted(problem: Problem): void {
    this.#problem = problem;
    this.#flush();
  }

  #flush(): void {
    if (this.#timer || this.#isDisposed) return;
    const [newest, range, problem] = [this.#newest, this.#range, this.#problem];
    if (!newest && !problem) return;
    this.#newest = this.#range = this.#problem = undefined;
    const isPassedOver = range && range[0] !== range[1];
    const shown =
      newest && this.#show(newest.reading, newest.source, isPassedOver ? range : undefined);
    const pauseMs = Math.max(UPDATE_MS, (shown?.bytes ?? 0) / BYTES_PER_MS);
    this.#timer = this.#clock.after(pauseMs, () => {
      this.#timer = undefined;
      this.#flush();
    });
    if (shown) this.#notify(shown.update);
    if (problem) this.#notify({ kind: 'interrupted', problem });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#timer?.dispose();
    this.#newest = undefined;
  }
}
