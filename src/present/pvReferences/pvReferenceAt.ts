import { databaseReference } from './databaseReference';
import { displayReference } from './displayReference';
import type { PvReference, TextPlace } from './pvReference';
import { shellReference } from './shellReference';
import { substitutionReference, yamlReference } from './valueReference';

type Reader = (place: TextPlace) => PvReference | undefined;

const READERS: readonly [RegExp, Reader][] = [
  [/\.(db|template|vdb)$/i, databaseReference],
  [/\.(substitutions|subst)$/i, substitutionReference],
  [/\.(cmd|iocsh)$/i, shellReference],
  [/\bioc\.ya?ml$/i, yamlReference],
  [/\.bob$/i, displayReference],
];

/** Globs of the files in which hovers work. */
export const FILE_PATTERNS = [
  '**/*.{db,template,vdb,substitutions,subst,cmd,iocsh,bob}',
  '**/*ioc.{yaml,yml}',
];

/** A longer line is data, not something a user points at. */
const MAX_LINE = 4000;

/** Finds the PV at a place in a file; the file's name decides how the file is read. */
export function pvReferenceAt(path: string, place: TextPlace): PvReference | undefined {
  if ((place.lines[place.line] ?? '').length > MAX_LINE) return undefined;
  return READERS.find(([name]) => name.test(path))?.[1](place);
}
