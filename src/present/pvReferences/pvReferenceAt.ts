import { databaseReference } from './databaseReference';
import { bobReference } from './bobReference';
import type { PvReference, TextPlace } from './pvReference';
import { shellReference } from './shellReference';
import { substitutionReference, yamlReference } from './valueReference';

type Reader = (place: TextPlace) => PvReference | undefined;

/** What reads the files of each kind; `glob` names them in any folder. */
const FILE_TYPES: readonly {
  readonly glob: string;
  readonly name: RegExp;
  readonly read: Reader;
}[] = [
  { glob: '*.{db,template,vdb}', name: /\.(db|template|vdb)$/i, read: databaseReference },
  {
    glob: '*.{substitutions,subst}',
    name: /\.(substitutions|subst)$/i,
    read: substitutionReference,
  },
  { glob: '*.{cmd,iocsh}', name: /\.(cmd|iocsh)$/i, read: shellReference },
  { glob: '*ioc.{yaml,yml}', name: /\bioc\.ya?ml$/i, read: yamlReference },
  { glob: '*.bob', name: /\.bob$/i, read: bobReference },
];

/** Globs of the files in which hovers work. */
export const FILE_PATTERNS = FILE_TYPES.map(({ glob }) => `**/${glob}`);

/** A longer line is data, not something a user points at. */
const MAX_LINE = 4000;

/** Finds the PV at a place in a file; the file's name decides how the file is read. */
export function pvReferenceAt(path: string, place: TextPlace): PvReference | undefined {
  if ((place.lines[place.line] ?? '').length > MAX_LINE) return undefined;
  return FILE_TYPES.find(({ name }) => name.test(path))?.read(place);
}
