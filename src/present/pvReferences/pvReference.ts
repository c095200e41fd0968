/** The PV that a place in a file refers to. */

export interface PvReference {
  /** As written, with macros. */
  readonly text: string;
  /** Column where it begins, from 0; the end is excluded. */
  readonly start: number;
  readonly end: number;
  /**
   * Whether it is only a value that names are made of (a macro's, a prefix), and may be no PV at
   * all.
   */
  readonly isPart: boolean;
  /** Macros whose value is in this file. */
  readonly macros: Readonly<Record<string, string>>;
}

/** A place in a text; line and character count from 0. */
export interface TextPlace {
  readonly lines: readonly string[];
  readonly line: number;
  readonly character: number;
}

/** For files that define no macros. */
export const NO_MACROS: Readonly<Record<string, string>> = {};

/** The first match of the pattern at the place; its group `name`, if it has one, is the text. */
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

/** Removes the field and the modifiers of a link: `X.VAL CP MS` refers to the record X. */
export function recordOf(text: string): string {
  return text.replace(/\s.*$/s, '').replace(/\.[A-Z][A-Z0-9_]{0,8}\$?$/, '');
}
