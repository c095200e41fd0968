import { readDatabase } from './databaseReferences';
import { readDesigner } from './designerReferences';
import { readDisplay } from './displayReferences';
import { readEdm } from './edmReferences';
import { readIocsh } from './iocshReferences';
import { readMedm } from './medmReferences';
import type { PvReference } from './pvReference';
import { readPython } from './pythonReferences';
import { ReferenceList } from './referenceList';
import { readSubstitutions } from './substitutionReferences';
import { readYaml } from './yamlReferences';

/** What reads the files of each kind; `glob` names them in any folder. */
const FILE_TYPES: readonly {
  readonly glob: string;
  readonly name: RegExp;
  readonly read: (text: string, list: ReferenceList) => void;
}[] = [
  { glob: '*.{db,template,vdb}', name: /\.(db|template|vdb)$/i, read: readDatabase },
  {
    glob: '*.{substitutions,subst,subs,sub}',
    name: /\.(substitutions|subst|subs|sub)$/i,
    read: readSubstitutions,
  },
  {
    glob: '{st.cmd*,*.cmd,*.iocsh}',
    name: /(^|[\\/])st\.cmd[^\\/]*$|\.(cmd|iocsh)$/i,
    read: readIocsh,
  },
  { glob: '*ioc.{yaml,yml}', name: /\bioc\.ya?ml$/i, read: readYaml },
  { glob: '*.{bob,opi}', name: /\.(bob|opi)$/i, read: readDisplay },
  { glob: '*.ui', name: /\.ui$/i, read: readDesigner },
  { glob: '*.edl', name: /\.edl$/i, read: readEdm },
  { glob: '*.adl', name: /\.adl$/i, read: readMedm },
  { glob: '*.py', name: /\.py$/i, read: readPython },
];

/** Globs of the files in which hovers work. */
export const FILE_PATTERNS = FILE_TYPES.map(({ glob }) => `**/${glob}`);

/** The rest of a longer file is not read. */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Finds the PVs in a file, whatever state it is in; its name decides how it is read. Takes time as
 * the file is long, so whoever asks again keeps them. Does not throw.
 */
export function pvReferencesIn(path: string, text: string): readonly PvReference[] {
  const type = FILE_TYPES.find(({ name }) => name.test(path));
  if (!type) return [];
  const list = new ReferenceList();
  type.read(text.slice(0, MAX_CHARACTERS), list);
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
