/** A record or alias whose first argument, or the name behind it, has begun. */
const BEGUN = /\b(?:g?record|alias)\s*\(/;

/**
 * Whether a line that ends at the cursor is about to name a record that is just being defined, which
 * nobody has yet: `record(ai, "NAME`. Takes no longer than the line is.
 */
export function isDefining(before: string): boolean {
  const quote = before.lastIndexOf('"');
  if (BEGUN.test(before.slice(quote + 1))) return true;
  if (quote < 0) return false;
  // The name is in quotes, and nothing between them and the keyword is.
  const unquoted = before.slice(0, quote);
  const from = Math.max(unquoted.lastIndexOf('"'), unquoted.lastIndexOf(')'));
  return BEGUN.test(unquoted.slice(from + 1));
}
