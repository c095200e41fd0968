/**
 * The pause before the next attempt, in milliseconds: `firstMs` when `failureCount` is 0, doubled
 * for each further failure in a row, at most `maxMs`.
 */
export function backoffMs(failureCount: number, firstMs: number, maxMs: number): number {
  return Math.min(firstMs * 2 ** failureCount, maxMs);
}
