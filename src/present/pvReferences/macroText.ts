/**
 * Expands names with EPICS macros, `$(P)`, `${P}`, `$(P=default)`, as far as the macros are known.
 */

export interface ExpandedName {
  /** The name with known values and defaults; undefined if a macro has neither. */
  readonly name?: string;
  /** The name with `*` for each macro whose value may differ where the file is loaded. */
  readonly pattern: string;
  /** Macros without a known value, each once. */
  readonly unknown: readonly string[];
}

/** Ends definitions that contain each other. */
const MAX_DEPTH = 10;
/** Limit of characters processed, for definitions that contain many others many times. */
const MAX_STEPS = 20_000;

/** Expands a name. What cannot be expanded within the limits counts as unknown. */
export function expandName(text: string, macros: Readonly<Record<string, string>>): ExpandedName {
  return expand(text, macros, 0, { left: MAX_STEPS });
}

function expand(
  text: string,
  macros: Readonly<Record<string, string>>,
  depth: number,
  steps: { left: number },
): ExpandedName {
  let name: string | undefined = '';
  let pattern = '';
  const unknown = new Set<string>();
  for (let at = 0; at < text.length;) {
    const end = steps.left > 0 ? referenceEnd(text, at, steps) : undefined;
    if (end === undefined) {
      steps.left--;
      name = name === undefined ? undefined : name + text.charAt(at);
      pattern += text.charAt(at++);
      continue;
    }
    const inner = text.slice(at + 2, end - 1);
    at = end;
    const equals = inner.indexOf('=');
    const key = equals < 0 ? inner : inner.slice(0, equals);
    const known = Object.hasOwn(macros, key) ? macros[key] : undefined;
    const source = known ?? (equals < 0 ? undefined : inner.slice(equals + 1));
    const value =
      source === undefined || depth >= MAX_DEPTH || steps.left <= source.length
        ? undefined
        : expand(source, macros, depth + 1, steps);
    name = name === undefined || value?.name === undefined ? undefined : name + value.name;
    pattern += known === undefined || !value ? '*' : value.pattern;
    if (!value) unknown.add(key);
    for (const other of value?.unknown ?? []) unknown.add(other);
  }
  return {
    ...(name !== undefined && { name }),
    pattern: pattern.replace(/\*+/g, '*'),
    unknown: [...unknown],
  };
}

/** The end of the macro reference that begins at `start`; undefined if none does. */
function referenceEnd(text: string, start: number, steps: { left: number }): number | undefined {
  if (text.charAt(start) !== '$') return undefined;
  const open = text.charAt(start + 1);
  if (open !== '(' && open !== '{') return undefined;
  const close = open === '(' ? ')' : '}';
  let depth = 0;
  for (let at = start + 1; at < text.length && steps.left > 0; at++) {
    steps.left--;
    if (text.charAt(at) === open) depth++;
    else if (text.charAt(at) === close && --depth === 0) return at + 1;
  }
  return undefined;
}
