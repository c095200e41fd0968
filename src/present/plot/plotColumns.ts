import type { PvHistory } from './pvHistory';

/** What lines are drawn through: as many points for each PV as the plot has pixels. */
export interface PlotColumns {
  /** Seconds since 1970, ascending. */
  readonly xs: number[];
  /** For each history, one value for each x; null where there is none. */
  readonly ys: (number | null)[][];
}

/** Points in one column of pixels: lowest, highest, last. */
const POINTS = 3;

/**
 * Draws histories from `fromMs` to `toMs` into columns, so that the work depends on the width and
 * no value is hidden by another: what was lowest, highest and last in each column, or what holds
 * there. There is nothing before the first point, after `nowMs` and where no value came.
 */
export function plotColumns(
  histories: readonly PvHistory[],
  fromMs: number,
  toMs: number,
  nowMs: number,
  count: number,
): PlotColumns {
  const width = (toMs - fromMs) / count;
  const xs = Array.from(
    { length: count * POINTS },
    (_, at) => (fromMs + (at / POINTS) * width) / 1000,
  );
  const ys = histories.map((history) => {
    const line: (number | null)[] = [];
    let next = history.countUntil(fromMs);
    let held = shown(history.values[next - 1]);
    for (let column = 0; column < count; column++) {
      const startMs = fromMs + column * width;
      const endMs = column === count - 1 ? toMs : startMs + width;
      let [low, high] = [Infinity, -Infinity];
      const before = held;
      for (; next < history.length && history.times[next]! <= endMs; next++) {
        // NaN is neither less nor more.
        if (history.lows[next]! < low) low = history.lows[next]!;
        if (history.highs[next]! > high) high = history.highs[next]!;
        held = shown(history.values[next]);
      }
      if (low <= high) line.push(shown(low), shown(high), held);
      else if (startMs > nowMs) line.push(null, null, null);
      else line.push(before, held, held);
    }
    return line;
  });
  return { xs, ys };
}

/** Infinite values cannot be drawn. */
function shown(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
