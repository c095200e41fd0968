/** One entry of a file in Java's format. */
export interface JavaProperty {
  readonly key: string;
  readonly value: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** Of one entry, with the lines that continue it. */
const MAX_LENGTH = 10_000;

/**
 * The entries of a file in the format of java.util.Properties (`KEY=VALUE`, `KEY: VALUE`, `KEY VALUE`;
 * # and ! before comments; \ at the end of a line that goes on), in their order. One that is too long
 * is cut. Does not throw.
 */
export function parseJavaProperties(text: string): readonly JavaProperty[] {
  const properties: JavaProperty[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let entry = trimmed(lines[at]);
    if (entry === '' || /^[#!]/.test(entry)) continue;
    while (goesOn(entry) && at + 1 < lines.length && entry.length < MAX_LENGTH) {
      entry = entry.slice(0, -1) + trimmed(lines[++at]);
    }
    properties.push({ ...keyAndValue(entry.slice(0, MAX_LENGTH)), line });
  }
  return properties;
}

/** Blanks at the end belong to a value. */
function trimmed(line = ''): string {
  return line.replace(/^[ \t\f]+/, '');
}

/** Two backslashes are one that is meant. */
function goesOn(line: string): boolean {
  let end = line.length;
  while (line[end - 1] === '\\') end--;
  return (line.length - end) % 2 === 1;
}

function keyAndValue(entry: string): { key: string; value: string } {
  const [, key = '', rest = ''] = /^((?:\\[^]|[^\\=:\s])*)([^]*)$/.exec(entry) ?? [];
  return { key: unescaped(key), value: unescaped(rest.replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')) };
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|([^]?))/g, (_, code?: string, letter = '') =>
    code === undefined
      ? (ESCAPES[letter as string] ?? (letter as string))
      : String.fromCharCode(parseInt(code, 16)),
  );
}
