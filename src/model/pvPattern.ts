/** What a person types to find PVs. Pure. */

/**
 * A glob (`*` any text, `?` one character) is for the whole name; text without those for a part of
 * it. Upper and lower case are alike. Never takes longer than the two lengths multiplied.
 */
export function pvMatcher(pattern: string | undefined): (name: string) => boolean {
  if (pattern === undefined || pattern === '') return () => true;
  const wanted = pattern.toLowerCase();
  if (!/[*?]/.test(wanted)) return (name) => name.toLowerCase().includes(wanted);
  const glob = wanted.replace(/\*+/g, '*');
  return (name) => matchesGlob(glob, name.toLowerCase());
}

/** Goes back to the last `*` only: what an earlier one took is no worse than any other choice. */
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

/** 2 for a character that takes two units of a string. */
function characterLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
