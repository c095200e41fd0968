import { encodeDoubles } from '../../base/base64';
import { PLOT_LIMITS, type PlotWave } from '../../model/plotValue';

/** Of a longer array, only every nth number is looked at: 10 ms for a million doubles is enough. */
const MAX_LOOKED_AT = 1_000_000;
const MIN_PARTS = 100;

/**
 * An array of numbers as a panel of that width can draw it: all of it, or the lowest and highest
 * number of each of a thousand parts at most, so that no spike is hidden. Undefined for other
 * values.
 */
export function drawnWave(value: unknown, { width }: { width: number }): PlotWave | undefined {
  const elements = numbersIn(value);
  if (!elements) return undefined;
  const count = elements.length;
  const parts = Math.max(MIN_PARTS, Math.min(PLOT_LIMITS.waveParts, Math.floor(width)));
  if (count <= 2 * parts) {
    return {
      kind: 'wave',
      count,
      low: encodeDoubles(Float64Array.from({ length: count }, (_, at) => Number(elements[at]))),
    };
  }
  const low = new Float64Array(parts);
  const high = new Float64Array(parts);
  const step = Math.ceil(count / MAX_LOOKED_AT);
  for (let part = 0; part < parts; part++) {
    const end = Math.floor(((part + 1) * count) / parts);
    let [least, most] = [Infinity, -Infinity];
    for (let at = Math.floor((part * count) / parts); at < end; at += step) {
      const one = Number(elements[at]);
      if (one < least) least = one;
      if (one > most) most = one;
    }
    // NaN is neither less nor more than anything.
    const isEmpty = least > most;
    low[part] = isEmpty ? NaN : least;
    high[part] = isEmpty ? NaN : most;
  }
  return { kind: 'wave', count, low: encodeDoubles(low), high: encodeDoubles(high) };
}

/** An array of numbers, of integers of 64 bits too. */
function numbersIn(value: unknown): ArrayLike<number | bigint> | undefined {
  const isTyped = ArrayBuffer.isView(value) && !(value instanceof DataView);
  if (isTyped) return value as unknown as ArrayLike<number | bigint>;
  const isNumbers = Array.isArray(value) && value.length > 0 && typeof value[0] === 'number';
  return isNumbers ? (value as number[]) : undefined;
}
