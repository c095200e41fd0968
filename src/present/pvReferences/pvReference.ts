/** What PV a place in a file speaks of. Pure: text in, data out. */

export interface PvReference {
  /** As written, with its macros. */
  readonly text: string;
  /** Characters of the line, from 0; the end is excluded. */
  readonly start: number;
  readonly end: number;
  /** True for a value that names are made of (a macro's, a prefix): it may be no PV at all. */
  readonly isPart: boolean;
  /** Macros whose value this file tells. */
  readonly macros: Readonly<Record<string, string>>;
}

/** A place in a text: line and character count from 0. */
export interface TextPlace {
  readonly lines: readonly string[];
  readonly line: number;
  readonly character: number;
}

export const NO_MACROS: Readonly<Record<string, string>> = {};

/** The first match of these (each with the index of the group that is the text) at the place. */
export function matchAt(
  line: string,
  character: number,
  pattern: RegExp,
): { match: RegExpMatchArray; text: string; start: number } | undefined {
  for (const match of line.matchAll(pattern)) {
    const text = match.groups?.['name'] ?? match[0];
    const start = match.index + match[0].lastIndexOf(text);
    if (character >= start && character <= start + text.length && text !== '') {
      return { match, text, start };
    }
  }
  return undefined;
}

/** Without the field and the modifiers of a link: `X.VAL CP MS` speaks of the record X. */
export function recordOf(text: string): string {
  return text.replace(/\s.*$/s, '').replace(/\.[A-Z][A-Z0-9_]{0,8}\$?$/, '');
}
