import { clipped } from '../../../base/clipped';
import { type ContainerFiles, directoryOf, resolvePath, whyUnread } from './containerFiles';
import { type DatabaseLoader, listMacros } from './databaseLoader';
import { splitSearchPath } from './databaseFile';
import { type IocshLoop, parseIocshLoop } from './iocshLoops';
import { type IocshLine, splitIocshLine } from './iocshWords';
import { mayDefineNames, mayLoadRecords } from './otherLoaders';
import { parseMacroDefinitions } from '../../../model/macroDefinitions';
import { Macros } from '../../../model/macros';
import { MAX_QUOTED, type NameCollection, type Place } from './nameCollection';
import type { ShellEnvironment } from './shellEnvironment';

/**
 * Runs startup scripts as the IOC shell does (EPICS Base modules/libcom/src/iocsh/iocsh.cpp), as
 * far as it matters for which databases are loaded: macros, environment, directories, nested
 * scripts. All other commands do nothing.
 */
export class IocShell {
  readonly #loader: DatabaseLoader;
  readonly #files: ContainerFiles;
  readonly #names: NameCollection;
  readonly #environment: ShellEnvironment;
  readonly #macros: Macros;
  #directories: readonly string[];
  #depth = 0;
  /** Whether macros, or the directory, have something of the process's environment. */
  #isScopeTainted = false;
  #isDirectoryTainted = false;
  /** After iocInit, databases are not accepted any more. */
  #isInitialised = false;

  constructor(
    loader: DatabaseLoader,
    environment: ShellEnvironment,
    directories: readonly string[],
  ) {
    this.#loader = loader;
    this.#files = loader.files;
    this.#names = loader.names;
    this.#environment = environment;
    this.#macros = new Macros(loader.budget, this.#environment);
    this.#directories = directories;
  }

  /** The environment variables, as the commands so far have set them. */
  get environment(): ShellEnvironment {
    return this.#environment;
  }

  /** Where relative paths start; several while it is only guessed. */
  get directories(): readonly string[] {
    return this.#directories;
  }

  /** Runs the first file that can be read; false, with a problem, when none can. */
  async runScript(file: string, macros: string | undefined, from: Place): Promise<boolean> {
    if (this.#depth >= this.#loader.budget.limits.scriptDepth) {
      this.#names.addProblem(
        'too-many',
        `${clipped(file, MAX_QUOTED)} is not run: scripts are nested too deeply`,
        from,
      );
      return false;
    }
    const found = await this.#files.readFirst(
      this.#directories.map((directory) => resolvePath(directory, file)),
      this.#loader.budget.limits.scriptBytes,
    );
    if (found.kind === 'unreadable') {
      this.#names.addProblem(
        'unreadable-file',
        `cannot read startup script ${clipped(file, MAX_QUOTED)}: ${clipped(whyUnread(file, found), MAX_QUOTED)}`,
        from,
      );
      return false;
    }
    this.#narrowDirectories(file, found.path);
    const text = await this.#files.textOf(found);
    await this.#runLines(text, macros, (line) => ({ file: found.path, line }));
    return true;
  }

  async #runLines(
    text: string,
    macros: string | undefined,
    placeOf: (line: number) => Place,
  ): Promise<void> {
    const { budget } = this.#loader;
    const isOuterTainted = this.#isScopeTainted;
    // Macros that a tainted line hands over taint every line of the script.
    this.#isScopeTainted ||= macros !== undefined && this.#environment.isTainted;
    this.#depth++;
    this.#macros.pushScope();
    if (macros !== undefined) this.#macros.install(parseMacroDefinitions(macros));
    for (let start = 0, number = 1; start <= text.length; number++) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      budget.work(end - start + 1);
      await budget.restIfOver();
      if (this.#names.isFull || !budget.spend('scriptLines')) break;
      if (!(await this.#runLine(text.slice(start, end), macros, placeOf(number)))) break;
      start = end + 1;
    }
    this.#macros.popScope();
    this.#depth--;
    this.#isScopeTainted = isOuterTainted;
  }

  /** Returns false when the script ends here. */
  async #runLine(raw: string, macros: string | undefined, place: Place): Promise<boolean> {
    if (/^\s*(#|$)/.test(raw)) return true;
    const outer = this.#names.beginLine(raw, this.#isScopeTainted || this.#isDirectoryTainted);
    const goesOn = await this.#expandAndRun(raw, macros, place);
    this.#names.endLine(outer);
    return goesOn;
  }

  async #expandAndRun(raw: string, macros: string | undefined, place: Place): Promise<boolean> {
    const { lineCharacters } = this.#loader.budget.limits;
    if (raw.length > lineCharacters) {
      const message = `line left out: it has more than ${lineCharacters} characters`;
      this.#names.addProblem('too-many', message, place);
      return true;
    }
    const { text, undefinedMacros } = this.#macros.expand(raw);
    if (undefinedMacros.length > 0) {
      // The shell refuses such a line. That is worth a problem only if names may be lost by it.
      if (mayDefineNames(raw)) {
        const message = `line left out: ${listMacros(undefinedMacros)}`;
        this.#names.addProblem('undefined-macro', message, place);
      }
      return true;
    }
    if (/^\s*(#|$)/.test(text)) return true;
    const line = splitIocshLine(text);
    if (line === undefined) return true;
    const [command] = line.words;
    if (command === undefined) {
      // A redirection without a file ends a script; '<' alone runs another one with the same
      // macros.
      if (line.input === undefined) return false;
      await this.runScript(line.input, macros, place);
      return true;
    }
    if (command === 'exit') return false;
    await this.#runCommand(command, line, place);
    return true;
  }

  async #runCommand(command: string, line: IocshLine, place: Place): Promise<void> {
    const { words, output } = line;
    const [, first, second, third] = words;
    if (command === 'iocInit') this.#isInitialised = true;
    if (command === 'dbl' && output !== undefined && (first ?? '') === '') {
      await this.#loader.loadList(output, this);
    }
    const loop = parseIocshLoop(words);
    if (loop) await this.#runLoop(loop, place);
    if (loop || first === undefined) return;
    switch (command) {
      case 'cd':
      case 'chdir':
        this.#changeDirectory(first);
        return;
      case 'epicsEnvSet':
        if (second !== undefined) this.#setEnvironment(first, second);
        return;
      case 'epicsEnvUnset':
        this.#macros.remove(first);
        this.#environment.delete(first);
        return;
      case 'iocshLoad':
        this.#setEnvironment('IOCSH_STARTUP_SCRIPT', first);
        await this.runScript(first, second, place);
        return;
      case 'iocshCmd':
      case 'iocshRun':
        if (this.#depth >= this.#loader.budget.limits.scriptDepth) return;
        await this.#runLines(first, command === 'iocshRun' ? second : undefined, () => place);
        return;
      case 'dbCreateAlias':
        // The first argument is the database; after iocInit, Base takes an alias, too.
        if (third !== undefined) this.#names.addAlias(second, third, place);
        return;
      default:
        if (mayLoadRecords(words)) this.#noteOtherLoader(command);
        else await this.#load(command, [first, second, third], place);
    }
  }

  #noteOtherLoader(command: string): void {
    if (!this.#isInitialised) this.#names.addOtherLoader(command);
  }

  async #runLoop(loop: IocshLoop, place: Place): Promise<void> {
    const { runs, variable, values } = loop;
    for (const value of values) {
      if (this.#names.isFull || !this.#loader.budget.spend('scriptLines')) return;
      this.#loader.budget.work(loop.text.length + loop.macros.length);
      await this.#loader.budget.restIfOver();
      const expand = (text: string): string =>
        new Macros(this.#loader.budget, {
          get: (name) => (name === variable ? value : this.#environment.get(name)),
        }).expand(text).text;
      const macros = expand(loop.macros);
      const own = variable === '' ? '' : `${variable}=${value}`;
      if (runs === 'records') {
        const all = [macros, own].filter((part) => part !== '').join(',');
        await this.#load('dbLoadRecords', [expand(loop.text), all], place);
      } else await this.#runWith(`${macros},${own}`, expand(loop.text), place);
    }
  }

  /** Runs a line with variables in the environment, which has its former ones afterwards. */
  async #runWith(variables: string, line: string, place: Place): Promise<void> {
    if (this.#depth >= this.#loader.budget.limits.scriptDepth) return;
    const definitions = parseMacroDefinitions(variables);
    const former = definitions.map(({ name }) => [name, this.#environment.get(name)] as const);
    for (const { name, value = '' } of definitions) this.#setEnvironment(name, value);
    await this.#runLines(line, undefined, () => place);
    for (const [name, value] of former) {
      if (value === undefined) this.#environment.delete(name);
      else this.#setEnvironment(name, value);
    }
  }

  async #load(
    command: string,
    [file = '', second = '', third]: readonly (string | undefined)[],
    place: Place,
  ): Promise<void> {
    const isRecords =
      command === 'dbLoadRecords' ||
      command === 'dbLoadTemplate' ||
      // Meant for definitions, but it accepts records too.
      (command === 'dbLoadDatabase' && !file.endsWith('.dbd'));
    if (isRecords && this.#isInitialised) {
      const message = `${clipped(file, MAX_QUOTED)} is left out: it is loaded after iocInit, which IOCs refuse`;
      this.#names.addProblem('unreadable-file', message, place);
    } else if (command === 'dbLoadRecords') {
      await this.#loader.loadRecords(file, second, this, place);
    } else if (command === 'dbLoadTemplate') {
      await this.#loader.loadTemplate(file, second, this, place, third);
    } else if (isRecords) {
      const path = second === '' ? undefined : splitSearchPath(second);
      await this.#loader.loadRecords(file, third ?? '', this, place, path);
    } else if (command === 'dbLoadGroup') {
      await this.#loader.loadGroups(file, second, this, place);
    }
  }

  #setEnvironment(name: string, value: string): void {
    this.#macros.remove(name);
    this.#environment.set(name, value);
  }

  #changeDirectory(directory: string): void {
    const isTainted = this.#environment.isTainted;
    this.#isDirectoryTainted =
      isTainted || (this.#isDirectoryTainted && !directory.startsWith('/'));
    const moved = this.#directories.map((from) => resolvePath(from, directory));
    this.#directories = [...new Set(moved)];
  }

  /**
   * Where a relative file was found shows which guess was right; the directory of the script is a
   * good one, too.
   */
  #narrowDirectories(file: string, path: string): void {
    const right = this.#directories.filter((directory) => resolvePath(directory, file) === path);
    const narrowed = file.startsWith('/') ? this.#directories : right;
    // By convention, only the first script is where the process was started.
    this.#directories =
      this.#depth === 0 ? [...new Set([...narrowed, directoryOf(path)])] : narrowed;
  }
}
