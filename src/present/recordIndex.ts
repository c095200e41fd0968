/**
 * Where records are defined in the database files of a workspace. A file says `$(P)TEMP`, and only
 * whoever loads it knows what P is: macros may stand for anything.
 */
import { isReference, referenceEnd } from '../model/macros';
import { databaseStatements } from './pvReferences/databaseReferences';

/** A record or alias in a database file. */
export interface RecordDefinition {
  /** As written, with macros. */
  readonly name: string;
  /** Where the name begins in the file, in characters from 0. */
  readonly start: number;
  /** From 0. */
  readonly line: number;
  /** Where that line begins in the file. */
  readonly lineStart: number;
}

/** A definition, and the file that has it. */
export interface FoundDefinition extends RecordDefinition {
  readonly path: string;
}

/** In one file; further ones are left out. */
const MAX_DEFINITIONS = 20_000;
/** In all files together: some hundred bytes each. */
const MAX_TOTAL = 300_000;
/** Base takes no longer one after expansion. */
const MAX_NAME = 300;
/** Texts between the macros of a name; each is kept. */
const MAX_LITERALS = 20;
/** Of equally likely places; nobody looks through more. */
const MAX_FOUND = 10;

/** The records and aliases that a database file defines, whatever state it is in. Does not throw. */
export function recordDefinitionsIn(text: string): readonly RecordDefinition[] {
  const found: RecordDefinition[] = [];
  let line = 0;
  let lineStart = 0;
  let counted = 0;
  for (const { keyword, first, second } of databaseStatements(text)) {
    if (found.length >= MAX_DEFINITIONS) break;
    // `alias("OLD", "NEW")` stands by itself, `alias("NEW")` in a record.
    const name = keyword === 'alias' ? (second ?? first) : keyword === 'field' ? undefined : second;
    if (!name || name.text === '' || name.text.length > MAX_NAME) continue;
    for (; counted < name.start; counted++) {
      if (text[counted] !== '\n') continue;
      line++;
      lineStart = counted + 1;
    }
    found.push({ name: ownCopy(name.text), start: name.start, line, lineStart });
  }
  return found;
}

/** V8's slices of a text keep all of it in memory: a file of megabytes for one name. */
function ownCopy(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}

/** A definition as it is compared: the texts between its macros. */
interface Entry extends FoundDefinition {
  readonly literals: readonly string[];
  /** Characters that are not a macro's. */
  readonly certain: number;
}

/** Finds the definition of a record by its whole name. */
export class RecordIndex {
  readonly #files = new Map<string, readonly Entry[]>();
  /** By the text behind their last macro, so that few are compared with a name. */
  #byEnd: Map<string, Entry[]> | undefined;

  get fileCount(): number {
    return this.#files.size;
  }

  #total = 0;

  /** Replaces what is known of a file; beyond MAX_TOTAL definitions it is left out. */
  set(path: string, definitions: readonly RecordDefinition[]): void {
    this.delete(path);
    if (this.#total + definitions.length > MAX_TOTAL) return;
    const entries = definitions.flatMap((definition): Entry[] => {
      const literals = literalsOf(definition.name);
      if (literals.length > MAX_LITERALS) return [];
      const certain = literals.reduce((sum, { length }) => sum + length, 0);
      return [{ ...definition, path, literals, certain }];
    });
    this.#total += entries.length;
    this.#files.set(path, entries);
    this.#byEnd = undefined;
  }

  delete(path: string): void {
    this.#total -= this.#files.get(path)?.length ?? 0;
    if (this.#files.delete(path)) this.#byEnd = undefined;
  }

  clear(): void {
    this.#files.clear();
    this.#total = 0;
    this.#byEnd = undefined;
  }

  /**
   * Where a record may be defined: those that say most of its name themselves, at most ten. A name
   * that is a macro and nothing else says nothing.
   */
  find(record: string): readonly FoundDefinition[] {
    const byEnd = (this.#byEnd ??= this.#index());
    let best: Entry[] = [];
    for (let from = 0; from <= record.length; from++) {
      for (const entry of byEnd.get(record.slice(from)) ?? []) {
        const least = Math.max(1, best[0]?.certain ?? 0);
        if (entry.certain < least || !fits(entry.literals, record)) continue;
        if (entry.certain > least) best = [];
        if (best.length < MAX_FOUND) best.push(entry);
      }
    }
    return best;
  }

  #index(): Map<string, Entry[]> {
    const byEnd = new Map<string, Entry[]>();
    for (const entry of [...this.#files.values()].flat()) {
      const end = entry.literals.at(-1) ?? '';
      const others = byEnd.get(end);
      if (others) others.push(entry);
      else byEnd.set(end, [entry]);
    }
    return byEnd;
  }
}

/** The texts before, between and behind the macros of a name: `A$(B)C` is `A`, `C`. */
function literalsOf(name: string): string[] {
  const literals: string[] = [];
  let start = 0;
  for (let at = 0; at < name.length;) {
    if (!isReference(name, at)) at++;
    else {
      literals.push(name.slice(start, at));
      start = at = referenceEnd(name, at);
    }
  }
  return [...literals, name.slice(start)];
}

/** Whether a name has these texts, in this order, with anything between them. */
function fits(literals: readonly string[], name: string): boolean {
  const [first = '', ...rest] = literals;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || name.length < first.length + last.length) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const literal of rest) {
    const found = name.indexOf(literal, at);
    if (found < 0 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return name.endsWith(last);
}
