import type { Slices } from './slices';

/** Sorted at once: a third of a millisecond. */
const RUN = 1024;
/** Steps of Slices that comparing and moving one text costs. */
const STEPS_PER_TEXT = 10;

/**
 * Sorts texts by code units, in slices, and leaves the array as it is. Runs are sorted without a
 * comparison function, which is three times as fast, and merged pair by pair. Rejects with
 * CancelledError.
 */
export async function sortInSlices(
  texts: readonly string[],
  slices: Slices,
  signal: AbortSignal,
): Promise<readonly string[]> {
  let runs: (readonly string[])[] = [];
  for (let at = 0; at < texts.length; at += RUN) {
    runs.push(texts.slice(at, at + RUN).sort());
    slices.take(RUN * STEPS_PER_TEXT);
    await slices.restIfOver(signal);
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [left = [], right] = runs.slice(at, at + 2);
      merged.push(right ? await mergeRuns(left, right, slices, signal) : left);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergeRuns(
  left: readonly string[],
  right: readonly string[],
  slices: Slices,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const merged: string[] = [];
  let at = 0;
  for (const text of right) {
    for (let one = left[at]; one !== undefined && one <= text; one = left[++at]) merged.push(one);
    merged.push(text);
    slices.take(2 * STEPS_PER_TEXT);
    if (slices.isOver) await slices.rest(signal);
  }
  for (; at < left.length; at++) merged.push(left[at]!);
  return merged;
}
