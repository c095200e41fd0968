/** The tables in docs/benchmarks.md, which benchmarks write themselves; what is between is by hand. */

/** The lines around the table of a benchmark. */
function marks(name: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- ${name} -->`, end: `<!-- end of ${name} -->` };
}

/** The page with another table for that benchmark. @throws Error if it has no place for one */
export function withTable(page: string, name: string, table: string): string {
  const { begin, end } = marks(name);
  const [before, rest] = split(page, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

/** Whether the page has a place for the table of that benchmark. */
export function hasPlace(page: string, name: string): boolean {
  const { begin, end } = marks(name);
  return page.includes(begin) && page.indexOf(end) > page.indexOf(begin);
}

function split(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`docs/benchmarks.md has no line ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
