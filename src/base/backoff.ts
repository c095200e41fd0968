/**
 * The pause after so many failures in a row (0 for the first): `firstMs`, doubled after each further one,
 * and `maxMs` at most.
 */
export function backoffMs(failureCount: number, firstMs: number, maxMs: number): number {
  return Math.min(firstMs * 2 ** failureCount, maxMs);
}
