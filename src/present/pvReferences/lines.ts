/** A longer line is data, not something a user points at. */
const MAX_LINE = 8000;

/** The lines of a text with the place where each begins; those that are far too long are left out. */
export function* lines(text: string): Generator<{ line: string; start: number }> {
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    if (end - start <= MAX_LINE) yield { line: text.slice(start, end), start };
    start = end + 1;
  }
}

/** The index of the quote that ends the text in quotes that begins at `from`, or of the end. */
export function quoteEnd(line: string, from: number, quote: string): number {
  let at = from;
  while (at < line.length && line[at] !== quote) at += line[at] === '\\' ? 2 : 1;
  return Math.min(at, line.length);
}
