/** With fewer random letters it could be an existing name: 26 to the tenth power. */
const MIN_RANDOM_LETTERS = 10;
const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LOWER = UPPER.toLowerCase();
const DIGITS = '0123456789';

/**
 * Makes a name that nobody has, resembling one that was asked for, so that a server cannot
 * distinguish it from those that clients want: other letters for letters, other digits for digits,
 * the rest unchanged. `random` returns numbers from 0 up to but not including 1.
 */
export function canaryLike(name: string, random: () => number = Math.random): string {
  const pick = (from: string): string => from[Math.floor(random() * from.length)] ?? '';
  let letters = 0;
  const altered = name.replace(/[A-Za-z0-9]/g, (character) => {
    if (/\d/.test(character)) return pick(DIGITS);
    letters++;
    return pick(/[A-Z]/.test(character) ? UPPER : LOWER);
  });
  const more = Math.max(0, MIN_RANDOM_LETTERS - letters);
  const isLower = /[a-z]/.test(name) && !/[A-Z]/.test(name);
  return altered + Array.from({ length: more }, () => pick(isLower ? LOWER : UPPER)).join('');
}
