const BLOCKS = '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588';
/** For what is no number. */
const GAP = '\u00b7';

/** Numbers as blocks of eight heights, from the lowest to the highest; '' without two numbers. */
export function sparkline(values: readonly number[]): string {
  const numbers = values.filter(Number.isFinite);
  if (numbers.length < 2) return '';
  const low = Math.min(...numbers);
  const span = Math.max(...numbers) - low;
  const level = (value: number): number =>
    // What does not change is drawn in the middle.
    span > 0 ? Math.min(BLOCKS.length - 1, Math.floor(((value - low) / span) * BLOCKS.length)) : 3;
  return values
    .map((value) => (Number.isFinite(value) ? BLOCKS.charAt(level(value)) : GAP))
    .join('');
}
