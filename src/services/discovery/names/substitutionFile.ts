/**
 * Substitution files of dbLoadTemplate (EPICS Base modules/database/src/ioc/dbtemplate): text in,
 * the database loads it requests out. Also accepts what only msi accepts: macros in unquoted words.
 */
import type { NamesBudget } from './namesBudget';
import {
  SubstitutionSyntaxError,
  type SubstitutionToken,
  SubstitutionTokens,
} from './substitutionTokens';

/** One load of a template. */
export interface TemplateLoad {
  readonly file: string;
  /** As an argument of dbLoadRecords. */
  readonly macros: string;
  readonly line: number;
}

/** Where and why reading stopped. */
export interface SubstitutionSyntax {
  readonly message: string;
  readonly line: number;
}

/** The limit of values in one pair of brackets, and of names in a pattern. */
const MAX_VALUES = 10_000;

type Reading<Result> = Generator<TemplateLoad | 'rest', Result>;

/**
 * Yields the loads in order, and 'rest' when the caller should rest; returns where the text breaks
 * the grammar, if it does. `macros` is the second argument of dbLoadTemplate.
 */
export function* parseSubstitutions(
  text: string,
  macros: string,
  budget: NamesBudget,
): Reading<SubstitutionSyntax | undefined> {
  try {
    yield* new SubstitutionParser(text, macros, budget).parse();
    return undefined;
  } catch (error) {
    if (!(error instanceof SubstitutionSyntaxError)) throw error;
    return { message: error.message, line: error.line };
  }
}

class SubstitutionParser {
  readonly #tokens: SubstitutionTokens;
  readonly #budget: NamesBudget;
  #token: SubstitutionToken;
  /** Grows with each global block, for the rest of the file and not for one template. */
  #globals: string;

  constructor(text: string, macros: string, budget: NamesBudget) {
    this.#tokens = new SubstitutionTokens(text);
    this.#budget = budget;
    this.#globals = macros;
    this.#token = this.#tokens.next();
  }

  *parse(): Reading<void> {
    while (this.#token.kind !== 'end') {
      if (this.#isWord('global')) yield* this.#parseGlobal();
      else if (this.#isWord('file')) yield* this.#parseTemplate();
      else this.#fail('expected "file" or "global"');
    }
  }

  *#parseGlobal(): Reading<void> {
    this.#advance();
    this.#globals = joinMacros(this.#globals, this.#parseAssignments());
    const { macroCharacters } = this.#budget.limits;
    if (this.#globals.length > macroCharacters) {
      this.#fail(`no more than ${macroCharacters} characters of global macros are taken`);
    }
    yield* this.#rest();
  }

  *#rest(): Reading<void> {
    while (this.#budget.isSliceOver) yield 'rest';
  }

  *#parseTemplate(): Reading<void> {
    this.#advance();
    const file = this.#token;
    if (file.kind !== 'word' && file.kind !== 'string') this.#fail('expected a file name');
    this.#advance();
    this.#take('{');
    const isPattern = this.#isWord('pattern');
    let variables: readonly string[] = [];
    if (isPattern) {
      this.#advance();
      variables = this.#parseList().map((value) => value.value);
    }
    while (this.#token.kind !== '}') {
      if (this.#isWord('global')) {
        yield* this.#parseGlobal();
        continue;
      }
      // A word before the bracket: deprecated, without effect.
      if (this.#token.kind === 'word') this.#advance();
      const { line } = this.#token;
      const locals = isPattern ? this.#parsePattern(variables) : this.#parseAssignments();
      yield { file: file.value, macros: joinMacros(this.#globals, locals), line };
      yield* this.#rest();
    }
    this.#take('}');
  }

  /**
   * `{value, value}`: values beyond the names are dropped, names beyond the values stay undefined.
   */
  #parsePattern(variables: readonly string[]): string {
    const assignments: string[] = [];
    this.#parseList().forEach((value, index) => {
      const variable = variables[index];
      if (variable !== undefined) assignments.push(assign(variable, value));
    });
    return assignments.join(',');
  }

  #parseAssignments(): string {
    const assignments: string[] = [];
    this.#take('{');
    while (this.#token.kind !== '}') {
      if (this.#token.kind === ',') {
        this.#advance();
        continue;
      }
      const variable = this.#token;
      if (variable.kind !== 'word') this.#fail('expected a macro name');
      this.#advance();
      this.#take('=');
      const value = this.#token;
      if (value.kind !== 'word' && value.kind !== 'string') this.#fail('expected a value');
      assignments.push(assign(variable.value, value));
      if (assignments.length > MAX_VALUES) this.#fail(`no more than ${MAX_VALUES} are taken`);
      this.#advance();
    }
    this.#advance();
    return assignments.join(',');
  }

  #parseList(): SubstitutionToken[] {
    const values: SubstitutionToken[] = [];
    this.#take('{');
    for (; this.#token.kind !== '}'; this.#advance()) {
      if (this.#token.kind === 'word' || this.#token.kind === 'string') values.push(this.#token);
      else if (this.#token.kind !== ',') this.#fail('expected a value or "}"');
      if (values.length > MAX_VALUES) this.#fail(`no more than ${MAX_VALUES} are taken`);
    }
    this.#advance();
    return values;
  }

  #isWord(value: string): boolean {
    return this.#token.kind === 'word' && this.#token.value === value;
  }

  #take(kind: SubstitutionToken['kind']): void {
    if (this.#token.kind !== kind) this.#fail(`expected "${kind}"`);
    this.#advance();
  }

  #advance(): void {
    const { at } = this.#tokens;
    this.#token = this.#tokens.next();
    this.#budget.work(this.#tokens.at - at);
  }

  #fail(message: string): never {
    const { kind, value, line } = this.#token;
    const found = kind === 'end' ? 'the end of the file' : JSON.stringify(value.slice(0, 40));
    throw new SubstitutionSyntaxError(`${message}, not ${found}`, line);
  }
}

function assign(variable: string, { kind, value }: SubstitutionToken): string {
  return kind === 'string' ? `${variable}="${value}"` : `${variable}=${value}`;
}

function joinMacros(first: string, second: string): string {
  if (first === '' || second === '') return first + second;
  return `${first},${second}`;
}
