/** What a person types to find PVs. Pure. */

/**
 * A glob (`*` any text, `?` one character) is for the whole name; text without those for a part of
 * it. Upper and lower case are alike.
 */
export function pvMatcher(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined || pattern === '') return () => true;
  if (!/[*?]/.test(pattern)) {
    const part = pattern.toLowerCase();
    return (name) => name.toLowerCase().includes(part);
  }
  const source = Array.from(pattern.replace(/\*+/g, '*'), (c) =>
    c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.|+()[\]{}]/g, '\\$&'),
  ).join('');
  const expression = new RegExp(`^${source}$`, 'iu');
  return (name) => expression.test(name);
}
