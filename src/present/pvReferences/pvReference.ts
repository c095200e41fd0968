/** The PVs that a file refers to. */

/**
 * What a reference is:
 *
 * - `pv`: a PV.
 * - `part`: a value that names are made of (a macro's, a prefix); may be no PV at all.
 * - `guess`: a text of a program that may be the whole name of a PV.
 * - `local`: a PV of the display, without an IOC.
 * - `foreign`: a PV of something other than Channel Access or pvAccess.
 * - `formula`: computed from PVs, which are references of their own.
 */
export type ReferenceKind = 'pv' | 'part' | 'guess' | NoPvKind;

/** The kinds of references that no IOC has. */
export type NoPvKind = 'local' | 'foreign' | 'formula';

/** Whether no IOC has what is referred to. */
export function isNoPv(kind: ReferenceKind): kind is NoPvKind {
  return kind === 'local' || kind === 'foreign' || kind === 'formula';
}

/** A PV, or what may be one, in a file. */
export interface PvReference {
  readonly kind: ReferenceKind;
  /** As written, with macros and scheme (`model/pvName`), without what the file format escapes. */
  readonly text: string;
  /** Where it begins in the file, in characters from 0; the end is excluded. */
  readonly start: number;
  readonly end: number;
  readonly macros: MacroScope;
}

/** Macros that are defined in a file, as far as they count at a place in it. */
export interface MacroScope {
  /** Not expanded; a later one replaces an earlier one, and may use it. */
  readonly definitions: readonly { readonly name: string; readonly value: string }[];
  /** What encloses it: the group of a widget, or the display. */
  readonly outer?: MacroScope | undefined;
}

/** For files that define no macros. */
export const NO_MACROS: MacroScope = { definitions: [] };

/** A text that was taken out of a file, and where each of its characters was. */
export interface FileText {
  readonly text: string;
  /** The place in the file of the character at an index, or of the end. */
  placeOf(index: number): number;
}

/** Longer texts are data, and are left as they are. */
const MAX_ESCAPED = 8000;
/** What the formats of files escape with a backslash and names of PVs have: of JSON in filters. */
const ESCAPE = /\\(?=["'\\{}])(.)|[^]/g;

/** The text without the backslashes that its file format needs: `REC.{\"dbnd\":{\"d\":1}}`. */
export function unescaped(found: FileText): FileText {
  const { text } = found;
  if (!text.includes('\\') || text.length > MAX_ESCAPED) return found;
  const characters: string[] = [];
  const places: number[] = [];
  for (const { 0: whole, 1: escaped, index } of text.matchAll(ESCAPE)) {
    characters.push(escaped ?? whole);
    places.push(index + whole.length - 1);
  }
  return {
    text: characters.join(''),
    placeOf: (index) => found.placeOf(places[index] ?? text.length),
  };
}

/** A text that stands in the file as it is, beginning at `start`. */
export function plainText(text: string, start: number): FileText {
  return { text, placeOf: (index) => start + index };
}
