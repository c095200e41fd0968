/** Which files refer to PVs. Apart from what reads them, which is loaded when it is wanted. */

interface FileNames {
  /** Names them in any folder. */
  readonly glob: string;
  /** Matches their paths. */
  readonly path: RegExp;
}

/** The kinds of files, by their names. */
export const FILE_TYPES = {
  database: { glob: '*.{db,template,vdb}', path: /\.(db|template|vdb)$/i },
  substitutions: {
    glob: '*.{substitutions,subst,subs,sub}',
    path: /\.(substitutions|subst|subs|sub)$/i,
  },
  iocsh: { glob: '{st.cmd*,*.cmd,*.iocsh}', path: /(^|[\\/])st\.cmd[^\\/]*$|\.(cmd|iocsh)$/i },
  yaml: { glob: '*ioc.{yaml,yml}', path: /\bioc\.ya?ml$/i },
  display: { glob: '*.{bob,opi}', path: /\.(bob|opi)$/i },
  designer: { glob: '*.ui', path: /\.ui$/i },
  edm: { glob: '*.edl', path: /\.edl$/i },
  medm: { glob: '*.adl', path: /\.adl$/i },
  python: { glob: '*.py', path: /\.py$/i },
} satisfies Readonly<Record<string, FileNames>>;

/** A kind of file in which hovers work. */
export type FileType = keyof typeof FILE_TYPES;

/** Globs of the files in which hovers work. */
export const FILE_PATTERNS = Object.values(FILE_TYPES).map(({ glob }) => `**/${glob}`);

/** The kind of a file by its path, with slashes of any direction. */
export function fileTypeOf(path: string): FileType | undefined {
  const types = Object.keys(FILE_TYPES) as FileType[];
  return types.find((type) => FILE_TYPES[type].path.test(path));
}
