/** Two names that may be one, written differently by a slip in one place. */

/** What is different between them: without what is the same at their beginnings and ends. */
export function differingParts(a: string, b: string): readonly [string, string] {
  const shorter = Math.min(a.length, b.length);
  let before = 0;
  while (before < shorter && a[before] === b[before]) before++;
  let after = 0;
  while (after < shorter - before && a.at(-1 - after) === b.at(-1 - after)) after++;
  return [a.slice(before, a.length - after), b.slice(before, b.length - after)];
}
