/** The order of names as people count: CH9 before CH89. */

/**
 * A text whose plain order (by code units) is the natural order of names: by letters, and where both
 * have digits, by number. Different names have different keys, and names that begin alike up to a
 * character that is no digit have keys that begin alike.
 */
export function naturalKey(name: string): string {
  if (!/\d/.test(name)) return name;
  return name.replace(/\d+/g, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, '');
    const zeros = digits.length - number.length;
    // The number of digits comes first; digits stay between the characters around 0 to 9.
    return `0${String.fromCharCode(number.length)}${number}${String.fromCharCode(zeros)}`;
  });
}

/** Compares names by natural order, for sorting few of them. */
export function compareNatural(a: string, b: string): number {
  const [keyA, keyB] = [naturalKey(a), naturalKey(b)];
  return keyA < keyB ? -1 : keyA > keyB ? 1 : 0;
}

/** Sorts things by natural order of their names. */
export function naturallySorted<T>(things: readonly T[], nameOf: (thing: T) => string): T[] {
  return things
    .map((thing) => ({ thing, key: naturalKey(nameOf(thing)) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ thing }) => thing);
}
