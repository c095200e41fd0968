import { clipped } from '../../../base/clipped';
import type { DatabaseName, DatabaseNames, NamesProblem, NamesProblemKind } from './databaseName';
import type { NamesBudget } from './namesBudget';

/** A line of a file, for messages. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** PVNAME_STRINGSZ - 1 (EPICS Base modules/database/src/ioc/db/dbDefs.h). */
const maxNameLength = 60;
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

  constructor(budget: NamesBudget) {
    this.#budget = budget;
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
    if (!this.#isGoodName(name, place)) return undefined;
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
    if (target === undefined || !this.#isGoodName(name, place)) return;
    const record = this.#records.get(target);
    if (record === undefined) {
      this.addProblem(
        'unknown-record',
        `alias "${name}" stands for "${target.slice(0, 80)}", which is not defined`,
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
    if (macro !== undefined) this.#addUndefinedMacro(macro, `group "${name.slice(0, 80)}"`, place);
    else if (name !== '' && !this.#groups.has(name)) {
      this.#add(this.#groups, { name, kind: 'group', ...place });
    }
  }

  /** Adds a reason why names may be missing. */
  addProblem(kind: NamesProblemKind, text: string, place?: Partial<Place>): void {
    const message = clipped(text, MAX_PROBLEM);
    const key = `${kind} ${message} ${place?.file ?? ''}`;
    if (this.#seenProblems.has(key) || this.#problems.length > this.#budget.limits.problems) return;
    this.#seenProblems.add(key);
    this.#problems.push(
      this.#problems.length === this.#budget.limits.problems
        ? { kind: 'too-many', message: 'there are more problems, which are not listed' }
        : { kind, message, ...place },
    );
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
    return { names, problems, files, isCut: stopReason !== undefined };
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

  /** The rules of dbRecordNameValidate and of dbCreateRecord (EPICS Base 7). */
  #isGoodName(name: string, place: Place): boolean {
    const macro = unexpandedMacro(name);
    if (macro !== undefined) {
      this.#addUndefinedMacro(macro, `"${name.slice(0, 80)}"`, place);
      return false;
    }
    if (name !== '' && name.length <= maxNameLength && !/[ \t"'.$]/.test(name)) return true;
    const reason =
      name === ''
        ? 'is empty'
        : name.length > maxNameLength
          ? `is longer than ${maxNameLength} characters`
          : 'has a character that is not allowed';
    this.addProblem('bad-name', `record name "${name.slice(0, 80)}" ${reason}`, place);
    return false;
  }

  #addUndefinedMacro(macro: string, what: string, place: Place): void {
    // One problem per macro and file, not per record that uses it.
    const key = `undefined-macro ${macro} ${place.file}`;
    if (this.#seenProblems.has(key) || this.#problems.length > this.#budget.limits.problems) return;
    this.#seenProblems.add(key);
    this.addProblem(
      'undefined-macro',
      `macro ${macro} has no value: ${what} and other names that use it are left out`,
      place,
    );
  }
}

function unexpandedMacro(name: string): string | undefined {
  return /\$[({]([^)}]{0,40})/.exec(name)?.[1];
}
