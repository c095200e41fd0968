/**
 * Groups PVs by the prefixes of names in facilities (`BL01T-EA-TEST-01:STAGE:X`), one level at a
 * time, so that a tree of 100,000 PVs opens level by level.
 */

/** Up to this many names are listed without groups. */
export const MAX_UNGROUPED = 50;
/** If separators leave more names than this ungrouped, their characters group them. */
const MAX_ROWS = 500;

const SEPARATORS = new Set(Array.from(':.-_{}/<>[]()|,;@#$%&+=~ ', (c) => c.charCodeAt(0)));

/** Neighbours in the sorted names that begin alike: from `start` up to, not including, `end`. */
export interface NameRun {
  readonly prefix: string;
  readonly start: number;
  readonly end: number;
}

/** One level of the tree of names. */
export interface NameBranch {
  readonly groups: readonly NameRun[];
  /** Positions of names that belong to no group. */
  readonly singles: readonly number[];
}

/**
 * One level below a prefix. The names must be sorted by code units. A group never has only one
 * name.
 */
export function branchOf(names: readonly string[], prefix: string): NameBranch {
  const start = lowerBound(names, prefix, 0);
  const end = endOf(names, prefix, start);
  if (end - start <= MAX_UNGROUPED) return { groups: [], singles: range(start, end) };
  // What all of them share says nothing: the level begins where they differ.
  const shared = commonLength(names[start] ?? '', names[end - 1] ?? '');
  const base = (names[start] ?? '').slice(0, shared);
  const from = Math.max(prefix.length, afterLastSeparator(base));
  const bySeparator = split(names, start, end, (name) => nextSeparator(name, from), true);
  if (bySeparator.singles.length <= MAX_ROWS) return bySeparator;
  return split(names, start, end, (name) => (name.length > shared ? shared + 1 : 0), false);
}

/**
 * `keyLength` returns the length of a name's group key, 0 for none. Names with the same key are
 * neighbours, because they are sorted.
 */
function split(
  names: readonly string[],
  start: number,
  end: number,
  keyLength: (name: string) => number,
  endsAtSeparator: boolean,
): NameBranch {
  const groups: NameRun[] = [];
  const singles: number[] = [];
  for (let at = start; at < end;) {
    const name = names[at] ?? '';
    const length = keyLength(name);
    const key = name.slice(0, length);
    const groupEnd = length === 0 ? at + 1 : endOf(names, key, at, end);
    if (groupEnd - at < 2) singles.push(at);
    else {
      const alike = name.slice(0, commonLength(name, names[groupEnd - 1] ?? ''));
      const prefix = endsAtSeparator ? alike.slice(0, afterLastSeparator(alike)) : alike;
      groups.push({ prefix, start: at, end: groupEnd });
    }
    at = groupEnd;
  }
  return { groups, singles };
}

/** The length of a name up to and including its next separator; 0 if there is none. */
function nextSeparator(name: string, from: number): number {
  for (let at = from; at < name.length; at++) {
    if (SEPARATORS.has(name.charCodeAt(at))) return at + 1;
  }
  return 0;
}

function afterLastSeparator(text: string): number {
  let at = text.length;
  while (at > 0 && !SEPARATORS.has(text.charCodeAt(at - 1))) at--;
  return at;
}

function commonLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** The first position from `low` on whose name does not come before `text`. */
function lowerBound(names: readonly string[], text: string, low: number): number {
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The position after the last name that begins with `prefix`; the name at `start` does. */
function endOf(
  names: readonly string[],
  prefix: string,
  start: number,
  limit = names.length,
): number {
  // Most groups are small, so their end is near.
  let low = start;
  let step = 1;
  while (low + step < limit && (names[low + step] ?? '').startsWith(prefix)) {
    low += step;
    step *= 2;
  }
  let high = Math.min(low + step, limit);
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '').startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, at) => start + at);
}
