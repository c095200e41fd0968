import { readDatabase } from './databaseReferences';
import { readDesigner } from './designerReferences';
import { readDisplay } from './displayReferences';
import { readEdm } from './edmReferences';
import { type FileType, fileTypeOf } from './fileTypes';
import { readIocsh } from './iocshReferences';
import { readMedm } from './medmReferences';
import type { PvReference } from './pvReference';
import { readPython } from './pythonReferences';
import { ReferenceList } from './referenceList';
import { readSubstitutions } from './substitutionReferences';
import { readYaml } from './yamlReferences';

const READERS: Readonly<Record<FileType, (text: string, list: ReferenceList) => void>> = {
  database: readDatabase,
  substitutions: readSubstitutions,
  iocsh: readIocsh,
  yaml: readYaml,
  display: readDisplay,
  designer: readDesigner,
  edm: readEdm,
  medm: readMedm,
  python: readPython,
};

/** The rest of a longer file is not read. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Finds the PVs in a file, whatever state it is in; its name decides how it is read. Takes time as
 * the file is long, so whoever asks again keeps them. Does not throw.
 */
export function pvReferencesIn(path: string, text: string): readonly PvReference[] {
  const type = fileTypeOf(path);
  if (!type) return [];
  const list = new ReferenceList();
  READERS[type](text.slice(0, MAX_CHARACTERS), list);
  return list.references;
}

/** The innermost reference at a place in the file, in characters from 0. */
export function pvReferenceAt(
  references: readonly PvReference[],
  place: number,
): PvReference | undefined {
  let found: PvReference | undefined;
  for (const reference of references) {
    if (place < reference.start || place > reference.end) continue;
    if (!found || reference.end - reference.start < found.end - found.start) found = reference;
  }
  return found;
}
