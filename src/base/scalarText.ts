/**
 * What `String` makes of a number, text or the like; '' for objects: a peer's structure may have
 * fields named `toString` and `valueOf`, and then `String` throws.
 */
export function scalarText(value: unknown): string {
  const isObject = typeof value === 'object' || typeof value === 'function';
  return isObject && value !== null ? '' : String(value);
}
