import { clipped } from '../../../base/clipped';
import { type ContainerFiles, resolvePath, whyUnread } from './containerFiles';
import {
  type IncludeRequest,
  readDatabase,
  type SearchPath,
  splitSearchPath,
} from './databaseFile';
import type { DatabaseSource } from './databaseTokens';
import { groupNames } from './groupNames';
import { parseMacroDefinitions } from '../../../model/macroDefinitions';
import { ExpandedLines } from './expandedLines';
import { type MacroEnvironment, Macros } from '../../../model/macros';
import { MAX_QUOTED, type NameCollection, type Place } from './nameCollection';
import type { NamesBudget } from './namesBudget';
import { parseSubstitutions, type SubstitutionSyntax } from './substitutionFile';

/** The state of the IOC process that loading depends on. */
export interface LoadContext {
  readonly environment: MacroEnvironment;
  /** Where relative paths start; several while it is only guessed, the likeliest first. */
  readonly directories: readonly string[];
}

/**
 * dbLoadRecords, dbLoadTemplate and dbLoadGroup on the files of a container: finds the files where
 * an IOC would, expands them and reads them into a NameCollection.
 */
export class DatabaseLoader {
  constructor(
    readonly files: ContainerFiles,
    readonly names: NameCollection,
    readonly budget: NamesBudget,
  ) {}

  /** dbLoadRecords: reads a database, from the first of the directories that has it. */
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
    const scope = this.#scopeOf(macros, file, from);
    if (scope === undefined) return;
    const searchPath: SearchPath = { directories: [...directories] };
    if (!this.budget.spend('loads')) return;
    const source = await this.#open(expanded, scope, searchPath, context, from);
    if (source === undefined) return;
    const reading = readDatabase(source, this.names, searchPath, this.budget);
    for (let step = reading.next(); step.done !== true;) {
      const request = step.value;
      if (request === 'rest') {
        await this.budget.rest();
        step = reading.next();
      } else {
        step = reading.next(await this.#include(request, scope, searchPath, context));
      }
    }
  }

  /** dbLoadTemplate: reads a substitution file and loads its templates. */
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
      this.budget.limits.scriptBytes,
    );
    if (found.kind === 'unreadable') {
      this.#addUnreadable(file, found.reason, from);
      return;
    }
    const loading = parseSubstitutions(await this.files.textOf(found), macros, this.budget);
    for (;;) {
      if (this.names.isFull) return;
      await this.budget.restIfOver();
      const step = loading.next();
      if (step.done === true) {
        if (step.value !== undefined) this.#addSyntaxError(step.value, found.path);
        return;
      }
      const load = step.value;
      if (load === 'rest') continue;
      const place = { file: found.path, line: load.line };
      // The search path is said to apply to templates too, but Base 7.0.10 does not use it for
      // them.
      const directories = [...usual, ...given];
      await this.loadRecords(load.file, load.macros, context, place, directories);
    }
  }

  #addSyntaxError({ message, line }: SubstitutionSyntax, file: string): void {
    this.names.addProblem('syntax', `${message}: the rest of the file is not read`, { file, line });
  }

  /** dbLoadGroup: reads the groups of a JSON file. */
  async loadGroups(file: string, macros: string, context: LoadContext, from: Place): Promise<void> {
    const scope = this.#scopeOf(macros, file, from);
    if (scope === undefined || !this.budget.spend('loads')) return;
    const { groupBytes } = this.budget.limits;
    const source = await this.#open(file, scope, undefined, context, from, groupBytes);
    if (source === undefined) return;
    let text = '';
    for (let piece = source.pieces.next(); piece !== undefined; piece = source.pieces.next()) {
      text += piece;
      await this.budget.restIfOver();
    }
    for (const name of groupNames(text)) {
      this.names.addGroup(name, { file: source.file, line: 0 });
      await this.budget.restIfOver();
    }
  }

  /**
   * `dbl > FILE`: adds the records that the IOC itself listed. A file that is not there is no problem:
   * the databases tell the same. It may be one of a former run, so it proves no list complete.
   */
  async loadList(file: string, { directories }: LoadContext): Promise<void> {
    const paths = directories.map((directory) => resolvePath(directory, file));
    const found = await this.files.readFirst(paths, this.budget.limits.scriptBytes);
    if (found.kind === 'unreadable') return;
    const text = await this.files.textOf(found);
    for (let start = 0, line = 1; start < text.length && !this.names.isFull; line++) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      const name = text.slice(start, end).trim();
      const isName = name !== '' && this.names.refusalOf(name) === undefined;
      if (isName) this.names.addRecord('', name, { file: found.path, line });
      this.budget.work(end - start);
      await this.budget.restIfOver();
      start = end + 1;
    }
  }

  /** The macros of one load; undefined, with a problem, when they are far too long. */
  #scopeOf(macros: string, file: string, from: Place): Macros | undefined {
    const { macroCharacters } = this.budget.limits;
    this.budget.work(macros.length);
    if (macros.length > macroCharacters) {
      const message = `${clipped(file, MAX_QUOTED)} is left out: its macros have more than ${macroCharacters} characters`;
      this.names.addProblem('too-many', message, from);
      return undefined;
    }
    const scope = new Macros(this.budget);
    scope.install(parseMacroDefinitions(macros));
    return scope;
  }

  async #include(
    request: IncludeRequest,
    scope: Macros,
    searchPath: SearchPath,
    context: LoadContext,
  ): Promise<DatabaseSource | undefined> {
    if (request.depth > this.budget.limits.includeDepth) {
      this.names.addProblem(
        'too-many',
        `includes are nested more than ${this.budget.limits.includeDepth} deep`,
        request.place,
      );
      return undefined;
    }
    const file = this.#expandPath(request.file, context, request.place);
    if (file === undefined || !this.budget.spend('includes')) return undefined;
    return this.#open(file, scope, searchPath, context, request.place);
  }

  async #open(
    file: string,
    scope: Macros,
    searchPath: SearchPath | undefined,
    context: LoadContext,
    from: Place,
    maxBytes = this.budget.limits.databaseBytes,
  ): Promise<DatabaseSource | undefined> {
    const found = await this.files.readFirst(candidates(file, searchPath, context), maxBytes);
    if (found.kind === 'unreadable') {
      this.#addUnreadable(file, found.reason, from);
      return undefined;
    }
    const onProblem = (message: string): void =>
      this.names.addProblem('too-many', message, { file: found.path });
    return {
      file: found.path,
      pieces: new ExpandedLines(found.bytes, scope, this.budget, onProblem),
    };
  }

  /** dbLoadRecords and include expand file names from the environment (macEnvExpand). */
  #expandPath(file: string, context: LoadContext, from: Place): string | undefined {
    const { text, undefinedMacros } = new Macros(this.budget, context.environment).expand(file);
    if (undefinedMacros.length === 0) return text;
    this.names.addProblem(
      'undefined-macro',
      `database ${clipped(file, MAX_QUOTED)} is left out: ${listMacros(undefinedMacros)}`,
      from,
    );
    return undefined;
  }

  #addUnreadable(file: string, reason: string, from: Place): void {
    const isTooLarge = /larger than|too large/i.test(reason);
    this.names.addProblem(
      isTooLarge ? 'file-too-large' : 'unreadable-file',
      `cannot read ${clipped(file, MAX_QUOTED)}: ${clipped(whyUnread(file, { reason }), MAX_QUOTED)}`,
      from,
    );
  }
}

/** Says which macros have no value: "macros P, R have no value". */
export function listMacros(names: readonly string[]): string {
  const list = names.slice(0, 5).join(', ');
  return names.length === 1 ? `macro ${list} has no value` : `macros ${list} have no value`;
}

function usualDirectories({ environment }: LoadContext): string[] {
  return splitSearchPath(environment.get('EPICS_DB_INCLUDE_PATH') ?? '.');
}

/**
 * The paths that dbOpenFile tries (EPICS Base dbLexRoutines.c): the search path applies to bare
 * file names only.
 */
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
