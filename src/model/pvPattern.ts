/**
 * Returns a function that matches names with what the user typed. A glob (`*` any text, `?` one
 * character) must match the whole name; text without those, a part of it. Case does not matter.
 * Takes no longer than the product of the two lengths. Undefined matches every name.
 */
export function pvMatcher(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined || pattern === '') return () => true;
  const wanted = pattern.toLowerCase();
  if (!/[*?]/.test(wanted)) return (name) => name.toLowerCase().includes(wanted);
  const glob = wanted.replace(/\*+/g, '*');
  return (name) => matchesGlob(glob, name.toLowerCase());
}

/** Backtracks to the last `*` only: a different choice for an earlier one would not help. */
function matchesGlob(glob: string, name: string): boolean {
  let globAt = 0;
  let nameAt = 0;
  let star = -1;
  let starNameAt = 0;
  while (nameAt < name.length) {
    const wanted = glob[globAt];
    if (wanted === '*') {
      star = globAt++;
      starNameAt = nameAt;
    } else if (wanted === '?') {
      globAt++;
      nameAt += characterLength(name, nameAt);
    } else if (wanted === name[nameAt]) {
      globAt++;
      nameAt++;
    } else if (star >= 0) {
      globAt = star + 1;
      starNameAt += characterLength(name, starNameAt);
      nameAt = starNameAt;
    } else return false;
  }
  while (glob[globAt] === '*') globAt++;
  return globAt === glob.length;
}

/** 2 for a character that takes two UTF-16 units. */
function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** The pattern for names that begin with a text, which means itself as far as patterns can say. */
export function beginningWith(text: string): string {
  return `${text.replace(/[*?]/g, '?')}*`;
}
