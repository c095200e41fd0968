import { matchAt, NO_MACROS, type PvReference, type TextPlace } from './pvReference';

const QUOTED = /"(?<name>[^"]+)"|'(?<single>[^']+)'/g;
/** A value in `{a, b}` or `P=a`. */
const SUBSTITUTION_WORD = /(?<name>(?:\$\([^)]{0,200}\)|\$\{[^}]{0,200}\}|[^\s{},="'])+)/g;
/** The text after `key: ` or `- `, without quotes. */
const YAML_SCALAR = /(?:^|\s)(?:[\w.-]+:|-)\s+(?<name>[^\s"'#{}[\]&*!|>-][^\s#]*)/g;

/** Finds values in substitution files: parts of PV names, rarely a whole one. */
export function substitutionReference(place: TextPlace): PvReference | undefined {
  return valueAt(place, SUBSTITUTION_WORD);
}

/** Finds values in YAML files: parts of PV names, rarely a whole one. */
export function yamlReference(place: TextPlace): PvReference | undefined {
  return valueAt(place, YAML_SCALAR);
}

function valueAt({ lines, line, character }: TextPlace, word: RegExp): PvReference | undefined {
  const text = lines[line] ?? '';
  if (/^\s*#/.test(text)) return undefined;
  const found = quotedAt(text, character) ?? matchAt(text, character, word);
  if (!found || found.text.trim() === '') return undefined;
  const end = found.start + found.text.length;
  return { text: found.text, start: found.start, end, isPart: true, macros: NO_MACROS };
}

function quotedAt(text: string, character: number): { text: string; start: number } | undefined {
  for (const match of text.matchAll(QUOTED)) {
    const value = match.groups?.['name'] ?? match.groups?.['single'] ?? '';
    const start = match.index + 1;
    if (character >= start && character <= start + value.length) return { text: value, start };
  }
  return undefined;
}
