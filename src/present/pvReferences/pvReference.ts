/** The PVs that a file refers to. */

/**
 * What a reference is:
 *
 * - `pv`: a PV.
 * - `part`: a value that names are made of (a macro's, a prefix); may be no PV at all.
 * - `guess`: a text of a program that may be the whole name of a PV.
 * - `local`: a PV of the display, without an IOC.
 * - `formula`: computed from PVs, which are references of their own.
 */
export type ReferenceKind = 'pv' | 'part' | 'guess' | 'local' | 'formula';

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

/** A text that stands in the file as it is, beginning at `start`. */
export function plainText(text: string, start: number): FileText {
  return { text, placeOf: (index) => start + index };
}
