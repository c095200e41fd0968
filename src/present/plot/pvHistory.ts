import { decodeDoubles, encodeDoubles } from '../../base/base64';

/** Points of a history, oldest first; all lists are equally long. */
export interface HistoryPoints {
  /** Milliseconds since 1970. */
  readonly times: readonly number[];
  /** What it became then; NaN: no value from then on. */
  readonly values: readonly number[];
  /** Lowest and highest since the point before. */
  readonly lows: readonly number[];
  readonly highs: readonly number[];
}

/**
 * Points in a message, each list as doubles in base64 (base/base64): JSON has no NaN, and numerals
 * take three times as much.
 */
export type EncodedPoints = { readonly [K in keyof HistoryPoints]: string };

/** Points for a message. */
export function encodePoints({ times, values, lows, highs }: HistoryPoints): EncodedPoints {
  const encode = (numbers: readonly number[]): string => encodeDoubles(Float64Array.from(numbers));
  return { times: encode(times), values: encode(values), lows: encode(lows), highs: encode(highs) };
}

/** Points of a message. */
export function decodePoints({ times, values, lows, highs }: EncodedPoints): HistoryPoints {
  const decode = (text: string): number[] => [...decodeDoubles(text)];
  return { times: decode(times), values: decode(values), lows: decode(lows), highs: decode(highs) };
}

/** Points that are kept of one PV: ten a second for the last three minutes at least. */
const MAX_POINTS = 4000;

/**
 * The values of a PV over time: each holds until the next one. Of a long time, the older half is
 * kept in less and less detail, with its lowest and highest values, so that no spike is lost and
 * the size is bounded.
 */
export class PvHistory implements HistoryPoints {
  times: number[] = [];
  values: number[] = [];
  lows: number[] = [];
  highs: number[] = [];

  constructor(points?: HistoryPoints) {
    if (points) this.addAll(points);
  }

  get length(): number {
    return this.times.length;
  }
  /** Of the oldest point; undefined if there is none. */
  get firstMs(): number | undefined {
    return this.times[0];
  }

  /** Adds a point; one that is older than the last is taken to be as old. */
  add(timeMs: number, value: number, low = value, high = value): void {
    this.times.push(Math.max(timeMs, this.times.at(-1) ?? timeMs));
    this.values.push(value);
    this.lows.push(low);
    this.highs.push(high);
    if (this.times.length > MAX_POINTS) this.#condense();
  }

  /** Adds points that are newer. */
  addAll({ times, values, lows, highs }: HistoryPoints): void {
    times.forEach((time, at) => this.add(time, values[at]!, lows[at], highs[at]));
  }

  /** There is no value from then on. */
  interrupt(timeMs: number): void {
    if (this.length > 0 && !Number.isNaN(this.values.at(-1))) this.add(timeMs, NaN);
  }

  /** The number of points until then. */
  countUntil(timeMs: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What it was then; NaN if nothing. */
  at(timeMs: number): number {
    return this.values[this.countUntil(timeMs) - 1] ?? NaN;
  }

  /** Makes one point of each two of the older half. */
  #condense(): void {
    const half = (this.length >> 1) & ~1;
    const merged = new PvHistory();
    for (let at = 0; at < half; at += 2) {
      const least = lesser(this.lows[at]!, this.lows[at + 1]!);
      const most = -lesser(-this.highs[at]!, -this.highs[at + 1]!);
      merged.add(this.times[at]!, this.values[at + 1]!, least, most);
    }
    for (let at = half; at < this.length; at++) {
      merged.add(this.times[at]!, this.values[at]!, this.lows[at], this.highs[at]);
    }
    ({ times: this.times, values: this.values, lows: this.lows, highs: this.highs } = merged);
  }
}

/** The lesser of two numbers; the other one if one is NaN. */
function lesser(a: number, b: number): number {
  return b < a || Number.isNaN(a) ? b : a;
}
