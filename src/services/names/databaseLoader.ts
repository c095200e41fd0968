/**
 * dbLoadRecords, dbLoadTemplate and dbLoadGroup on the files of a container: finds the files where an
 * IOC would, expands and reads them into a NameCollection.
 */
import type { NamesLimits } from './databaseName';
import { type ContainerFiles, resolvePath } from './containerFiles';
import {
  type IncludeRequest,
  readDatabase,
  type SearchPath,
  splitSearchPath,
} from './databaseFile';
import type { DatabaseSource } from './databaseTokens';
import { groupNames } from './groupNames';
import { parseMacroDefinitions } from './macroDefinitions';
import { expandLines, type MacroBudget, Macros } from './macros';
import type { NameCollection, Place } from './nameCollection';
import { parseSubstitutions } from './substitutionFile';

/** The state of the IOC process that loading depends on. */
export interface LoadContext {
  readonly environment: ReadonlyMap<string, string>;
  /** Where relative paths start; more than one while it is only guessed, the likeliest first. */
  readonly directories: readonly string[];
}

export class DatabaseLoader {
  readonly budget: MacroBudget;
  #charactersLeft: number;
  #loadsLeft: number;

  constructor(
    readonly files: ContainerFiles,
    readonly names: NameCollection,
    readonly limits: NamesLimits,
  ) {
    this.budget = { steps: limits.macroSteps };
    this.#charactersLeft = limits.totalCharacters;
    this.#loadsLeft = limits.loads;
  }

  async loadRecords(
    file: string,
    macros: string,
    context: LoadContext,
    from: Place,
    directories = usualDirectories(context),
  ): Promise<void> {
    const expanded = this.#expandPath(file, context, from);
    if (expanded === undefined) return;
    // Only the given macros count within databases, not the environment.
    const scope = new Macros(this.budget);
    scope.install(parseMacroDefinitions(macros));
    const searchPath: SearchPath = { directories: [...directories] };
    const source = await this.#open(expanded, scope, searchPath, context, from);
    if (source === undefined) return;
    const reading = readDatabase(source, this.names, searchPath);
    for (let step = reading.next(); step.done !== true;) {
      step = reading.next(await this.#include(step.value, scope, searchPath, context));
    }
  }

  async loadTemplate(
    file: string,
    macros: string,
    context: LoadContext,
    from: Place,
    path?: string,
  ): Promise<void> {
    const usual = usualDirectories(context);
    const given = path === undefined || path === '' ? usual : splitSearchPath(path);
    const found = await this.files.readFirst(
      [
        ...candidates(file, { directories: given }, context),
        ...candidates(file, undefined, context),
      ],
      this.limits.scriptBytes,
    );
    if (found.kind === 'unreadable') {
      this.#addUnreadable(file, found.reason, from);
      return;
    }
    const { loads, syntaxError } = parseSubstitutions(found.text, macros, this.limits.loads);
    for (const load of loads) {
      if (this.names.isFull) return;
      this.budget.steps -= load.macros.length;
      const place = { file: found.path, line: load.line };
      // The path is said to count for the templates too, but Base 7.0.10 does not use it for them.
      const directories = [...usual, ...given];
      await this.loadRecords(load.file, load.macros, context, place, directories);
    }
    if (syntaxError !== undefined) {
      const { message, line } = syntaxError;
      const place = { file: found.path, line };
      this.names.addProblem('syntax', `${message}: the file is not read further`, place);
    }
  }

  async loadGroups(file: string, macros: string, context: LoadContext, from: Place): Promise<void> {
    const scope = new Macros(this.budget);
    scope.install(parseMacroDefinitions(macros));
    const source = await this.#open(file, scope, undefined, context, from);
    if (source === undefined) return;
    for (const name of groupNames(source.text)) {
      this.names.addGroup(name, { file: source.file, line: 0 });
    }
  }

  async #include(
    request: IncludeRequest,
    scope: Macros,
    searchPath: SearchPath,
    context: LoadContext,
  ): Promise<DatabaseSource | undefined> {
    if (request.depth > this.limits.includeDepth) {
      this.names.addProblem(
        'too-many',
        `includes are nested more than ${this.limits.includeDepth} deep`,
        request.place,
      );
      return undefined;
    }
    const file = this.#expandPath(request.file, context, request.place);
    if (file === undefined) return undefined;
    return this.#open(file, scope, searchPath, context, request.place);
  }

  async #open(
    file: string,
    scope: Macros,
    searchPath: SearchPath | undefined,
    context: LoadContext,
    from: Place,
  ): Promise<DatabaseSource | undefined> {
    if (--this.#loadsLeft < 0) {
      this.names.stop(`more than ${this.limits.loads} database loads: the rest is left out`);
      return undefined;
    }
    const found = await this.files.readFirst(
      candidates(file, searchPath, context),
      this.limits.databaseBytes,
    );
    if (found.kind === 'unreadable') {
      this.#addUnreadable(file, found.reason, from);
      return undefined;
    }
    const text = expandLines(scope, found.text);
    this.#charactersLeft -= text.length;
    if (this.#charactersLeft < 0 || this.budget.steps < 0) {
      this.names.stop('the database files are too large together: the rest is left out');
      return undefined;
    }
    return { file: found.path, text };
  }

  /** dbLoadRecords and include expand file names from the environment (macEnvExpand). */
  #expandPath(file: string, context: LoadContext, from: Place): string | undefined {
    const { text, undefinedMacros } = new Macros(this.budget, context.environment).expand(file);
    if (undefinedMacros.length === 0) return text;
    this.names.addProblem(
      'undefined-macro',
      `database ${file.slice(0, 200)} is left out: ${listMacros(undefinedMacros)}`,
      from,
    );
    return undefined;
  }

  #addUnreadable(file: string, reason: string, from: Place): void {
    const isTooLarge = /larger than|too large/i.test(reason);
    this.names.addProblem(
      isTooLarge ? 'file-too-large' : 'unreadable-file',
      `cannot read ${file.slice(0, 200)}: ${reason}`,
      from,
    );
  }
}

export function listMacros(names: readonly string[]): string {
  const list = names.slice(0, 5).join(', ');
  return names.length === 1 ? `macro ${list} has no value` : `macros ${list} have no value`;
}

function usualDirectories({ environment }: LoadContext): string[] {
  return splitSearchPath(environment.get('EPICS_DB_INCLUDE_PATH') ?? '.');
}

/** Where dbOpenFile looks (EPICS Base dbLexRoutines.c): the path counts for bare file names only. */
function candidates(
  file: string,
  searchPath: SearchPath | undefined,
  { directories }: LoadContext,
): string[] {
  if (searchPath === undefined || /[/\\]/.test(file)) {
    return directories.map((directory) => resolvePath(directory, file));
  }
  const paths = searchPath.directories.flatMap((part) =>
    directories.map((directory) => resolvePath(directory, `${part}/${file}`)),
  );
  return [...new Set(paths)];
}
