import { clipped } from '../../../base/clipped';
import type { DatabaseName, DatabaseNames, NamesProblem, NamesProblemKind } from './databaseName';
import type { NamesBudget } from './namesBudget';
import type { ShellEnvironment } from './shellEnvironment';

/** A line of a file, for messages. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** PVNAME_STRINGSZ - 1 (EPICS Base modules/database/src/ioc/db/dbDefs.h). */
const maxNameLength = 60;
/** Characters of a line, a word or a reason in a problem. */
export const MAX_QUOTED = 200;

/** What is said of a line that has something of the process's environment. */
const OF_TAINTED: Partial<Record<NamesProblemKind, string>> = {
  'unreadable-file': 'a file that it needs cannot be read, or comes too late',
  'file-too-large': 'a file that it loads is too large',
  'undefined-macro': 'a macro has no value, so something is left out',
  'bad-name': 'it loads a name that is refused: the rest of that file is not read',
  'bad-value': 'it loads a value that is refused: the rest of that file is not read',
  syntax: 'it loads a file with a syntax error, the rest of which is not read',
  'unknown-record': 'it refers to a record that is not defined',
  'too-many': 'a limit was reached, so something is left out',
};

/** The command of a line as it is written, behind guards such as `$(IFX=)`. */
const COMMAND_WORD = /^[ \t]*(?:\$[({][^)}]{0,200}[)}][ \t]*){0,20}([^ \t(,"]+)/;

/** The line that is run, and whether it has something of the process's environment. */
export interface LineInRun {
  readonly raw: string;
  readonly isTainted: boolean;
}

/** Commands that may load more records and are told. */
const MAX_LOADERS = 20;
/** Characters of a problem, because texts in files have no limit. */
const MAX_PROBLEM = 500;

interface Found extends Omit<DatabaseName, 'protocol'> {
  /** For an alias: the record it stands for. */
  readonly target?: string;
}

/**
 * The names found so far, treated like the records of an IOC: what a second definition, an addition
 * or a deletion does, which names EPICS Base refuses, and how much is kept.
 */
export class NameCollection {
  readonly #budget: NamesBudget;
  readonly #records = new Map<string, Found>();
  readonly #groups = new Map<string, Found>();
  /** The aliases of each record. */
  readonly #aliases = new Map<string, string[]>();
  readonly #problems: NamesProblem[] = [];
  readonly #seenProblems = new Set<string>();

  readonly #environment: ShellEnvironment;
  #rawLine = '';
  /** Commands that we do not run and that may load records, in the order of their first use. */
  readonly #otherLoaders = new Set<string>();

  constructor(budget: NamesBudget, environment: ShellEnvironment) {
    this.#budget = budget;
    this.#environment = environment;
  }

  /** Whether a limit was reached, so that reading on makes no sense. */
  get isFull(): boolean {
    return this.#budget.isStopped;
  }

  /**
   * Adds a `record(type, name)`. Type '*' adds to an existing record, '#' deletes it (dbRecordHead
   * in EPICS Base modules/database/src/ioc/dbStatic/dbLexRoutines.c). Returns the name of the
   * record that the body belongs to; undefined when Base would ignore the body.
   */
  addRecord(type: string, name: string, place: Place): string | undefined {
    if (!this.#isTaken(name, place)) return undefined;
    const existing = this.#records.get(name);
    if (type === '#') {
      this.#delete(name);
      return undefined;
    }
    if (type === '*' && existing === undefined) {
      this.addProblem('unknown-record', `record "${name}" is added to but not defined`, place);
      return undefined;
    }
    if (existing !== undefined) return existing.target ?? name;
    this.#add(this.#records, { name, kind: 'record', ...place });
    return name;
  }

  /** Adds an alias of `target`; without a target it is left out. */
  addAlias(target: string | undefined, name: string, place: Place): void {
    if (target === undefined || !this.#isTaken(name, place)) return;
    const record = this.#records.get(target);
    if (record === undefined) {
      this.addProblem(
        'unknown-record',
        `alias "${name}" stands for "${clipped(target, 80)}", which is not defined`,
        place,
      );
      return;
    }
    if (this.#records.has(name)) return;
    const end = record.target ?? target;
    this.#add(this.#records, { name, kind: 'alias', target: end, ...place });
    const aliases = this.#aliases.get(end);
    if (aliases === undefined) this.#aliases.set(end, [name]);
    else aliases.push(name);
  }

  /** Adds a group of QSRV. */
  addGroup(name: string, place: Place): void {
    const macro = unexpandedMacro(name);
    if (macro !== undefined) {
      const message = `macro ${macro} has no value: group "${clipped(name, 80)}" is left out`;
      this.addProblem('undefined-macro', message, place);
    } else if (name !== '' && !this.#groups.has(name)) {
      this.#add(this.#groups, { name, kind: 'group', ...place });
    }
  }

  /** Whether something was left out because a macro has no value. */
  get hasUndefinedMacro(): boolean {
    return this.#problems.some(({ kind }) => kind === 'undefined-macro');
  }

  /** Adds a reason why names may be missing. */
  addProblem(kind: NamesProblemKind, text: string, place?: Partial<Place>): void {
    const message = this.#environment.isTainted ? this.#about(kind) : clipped(text, MAX_PROBLEM);
    const key = `${kind} ${message} ${place?.file ?? ''}`;
    if (this.#seenProblems.has(key) || this.#problems.length > this.#budget.limits.problems) return;
    this.#seenProblems.add(key);
    this.#problems.push(
      this.#problems.length === this.#budget.limits.problems
        ? { kind: 'too-many', message: 'there are more problems, which are not listed' }
        : { kind, message, ...place },
    );
  }

  /**
   * A line of a startup script is run from now on, until `endLine`; `raw` is as it is written,
   * `isTainted` whether something around it comes from the process's environment.
   */
  beginLine(raw: string, isTainted: boolean): LineInRun {
    const outer = { raw: this.#rawLine, isTainted: this.#environment.isTainted };
    this.#rawLine = raw;
    this.#environment.isTainted = isTainted;
    return outer;
  }

  /** Goes on with the line that `beginLine` returned. */
  endLine(outer: LineInRun): void {
    this.#rawLine = outer.raw;
    this.#environment.isTainted = outer.isTainted;
  }

  /** A problem of a tainted line: the line as it is written, and nothing of what became of it. */
  #about(kind: NamesProblemKind): string {
    const line = this.#rawLine.trim();
    const what = line === '' ? 'the command line' : clipped(line, MAX_QUOTED);
    return `${what}: ${OF_TAINTED[kind] ?? 'names may be missing'}`;
  }

  /** Notes a command that we do not run, and that may load records. */
  addOtherLoader(command: string): void {
    const word = this.#environment.isTainted
      ? (COMMAND_WORD.exec(this.#rawLine.slice(0, 1000))?.[1] ?? 'a command')
      : command;
    if (this.#otherLoaders.size < MAX_LOADERS) this.#otherLoaders.add(word.slice(0, 60));
  }

  /** The result, built in slices, because there may be many names. Rejects with CancelledError. */
  async result(files: readonly string[]): Promise<DatabaseNames> {
    const names: DatabaseName[] = [];
    for (const found of [this.#records.values(), this.#groups.values()]) {
      for (const { name, kind, file, line } of found) {
        // A record wins over a group of the same name in QSRV, too.
        if (kind === 'group' && this.#records.has(name)) continue;
        names.push({ name, kind, protocol: kind === 'group' ? 'pva' : 'any', file, line });
        this.#budget.work(10);
        if (this.#budget.isSliceOver) await this.#budget.rest();
      }
    }
    const { stopReason } = this.#budget;
    const problems = [...this.#problems];
    if (stopReason !== undefined) {
      const message = `stopped after ${names.length} names: ${stopReason}`;
      problems.unshift({ kind: 'too-many', message });
    }
    const otherLoaders = [...this.#otherLoaders];
    return { names, problems, otherLoaders, files, isCut: stopReason !== undefined };
  }

  #add(names: Map<string, Found>, found: Found): void {
    if (!this.#budget.spend('names')) return;
    // A substring keeps the whole text alive, hence a copy.
    const name = `${found.name} `.slice(0, -1);
    names.set(name, { ...found, name });
  }

  #delete(name: string): void {
    const existing = this.#records.get(name);
    if (existing === undefined) return;
    this.#records.delete(name);
    if (existing.kind === 'alias') return;
    for (const alias of this.#aliases.get(name) ?? []) {
      if (this.#records.get(alias)?.target === name) this.#records.delete(alias);
    }
    this.#aliases.delete(name);
  }

  /**
   * Why EPICS Base 7 refuses a name (dbRecordNameValidate and dbCreateRecord); undefined when it does
   * not. A clause.
   */
  refusalOf(name: string): { kind: 'undefined-macro' | 'bad-name'; message: string } | undefined {
    const macro = unexpandedMacro(name);
    if (macro !== undefined) {
      const message = `macro ${macro} has no value in "${clipped(name, 80)}"`;
      return { kind: 'undefined-macro', message };
    }
    if (name !== '' && name.length <= maxNameLength && !/[ \t"'.$]/.test(name)) return undefined;
    const reason =
      name === ''
        ? 'is empty'
        : name.length > maxNameLength
          ? `is longer than ${maxNameLength} characters`
          : 'has a character that is not allowed';
    return { kind: 'bad-name', message: `record name "${clipped(name, 80)}" ${reason}` };
  }

  /** Whether a name that a command gave is taken; adds a problem if not. */
  #isTaken(name: string, place: Place): boolean {
    const refusal = this.refusalOf(name);
    if (refusal) this.addProblem(refusal.kind, refusal.message, place);
    return refusal === undefined;
  }
}

function unexpandedMacro(name: string): string | undefined {
  return /\$[({]([^)}]{0,40})/.exec(name)?.[1];
}
