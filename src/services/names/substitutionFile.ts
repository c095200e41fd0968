/**
 * Substitution files of dbLoadTemplate (EPICS Base modules/database/src/ioc/dbtemplate): text in, the
 * database loads it asks for out. Superset where msi accepts more: macros in bare words.
 */

export interface TemplateLoad {
  readonly file: string;
  /** As dbLoadRecords takes them. */
  readonly macros: string;
  readonly line: number;
}

export interface SubstitutionFile {
  readonly loads: readonly TemplateLoad[];
  /** Where reading stopped, if it did. */
  readonly syntaxError?: { readonly message: string; readonly line: number };
}

interface Token {
  readonly kind: 'word' | 'string' | '{' | '}' | '=' | ',' | 'end';
  readonly value: string;
  readonly line: number;
}

class SubstitutionSyntaxError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

/** `macros` is the second argument of dbLoadTemplate; at most `maxLoads` loads are listed. */
export function parseSubstitutions(
  text: string,
  macros: string,
  maxLoads: number,
): SubstitutionFile {
  const loads: TemplateLoad[] = [];
  try {
    new SubstitutionParser(text, macros, maxLoads, loads).parse();
  } catch (error) {
    if (!(error instanceof SubstitutionSyntaxError)) throw error;
    return { loads, syntaxError: { message: error.message, line: error.line } };
  }
  return { loads };
}

class SubstitutionParser {
  readonly #loads: TemplateLoad[];
  readonly #tokens: Generator<Token, never>;
  readonly #maxLoads: number;
  #token: Token;
  /** Grows with each global block, for the rest of the file and not for one template. */
  #globals: string;

  constructor(text: string, macros: string, maxLoads: number, loads: TemplateLoad[]) {
    this.#loads = loads;
    this.#tokens = tokenize(text);
    this.#maxLoads = maxLoads;
    this.#globals = macros;
    this.#token = this.#tokens.next().value;
  }

  parse(): void {
    while (this.#token.kind !== 'end' && this.#loads.length < this.#maxLoads) {
      if (this.#isWord('global')) this.#parseGlobal();
      else if (this.#isWord('file')) this.#parseTemplate();
      else this.#fail('"file" or "global" is expected');
    }
  }

  #parseGlobal(): void {
    this.#advance();
    this.#globals = joinMacros(this.#globals, this.#parseAssignments());
  }

  #parseTemplate(): void {
    this.#advance();
    const file = this.#token;
    if (file.kind !== 'word' && file.kind !== 'string') this.#fail('a file name is expected');
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
        this.#parseGlobal();
        continue;
      }
      // A word before the bracket: deprecated, without effect.
      if (this.#token.kind === 'word') this.#advance();
      const { line } = this.#token;
      const locals = isPattern ? this.#parsePattern(variables) : this.#parseAssignments();
      if (this.#loads.length >= this.#maxLoads) return;
      this.#loads.push({ file: file.value, macros: joinMacros(this.#globals, locals), line });
    }
    this.#take('}');
  }

  /** `{value, value}`: values beyond the names are dropped, names beyond the values stay undefined. */
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
      if (variable.kind !== 'word') this.#fail('a macro name is expected');
      this.#advance();
      this.#take('=');
      const value = this.#token;
      if (value.kind !== 'word' && value.kind !== 'string') this.#fail('a value is expected');
      assignments.push(assign(variable.value, value));
      this.#advance();
    }
    this.#advance();
    return assignments.join(',');
  }

  #parseList(): Token[] {
    const values: Token[] = [];
    this.#take('{');
    for (; this.#token.kind !== '}'; this.#advance()) {
      if (this.#token.kind === 'word' || this.#token.kind === 'string') values.push(this.#token);
      else if (this.#token.kind !== ',') this.#fail('a value or "}" is expected');
    }
    this.#advance();
    return values;
  }

  #isWord(value: string): boolean {
    return this.#token.kind === 'word' && this.#token.value === value;
  }

  #take(kind: Token['kind']): void {
    if (this.#token.kind !== kind) this.#fail(`"${kind}" is expected`);
    this.#advance();
  }

  #advance(): void {
    this.#token = this.#tokens.next().value;
  }

  #fail(message: string): never {
    const { kind, value, line } = this.#token;
    const found = kind === 'end' ? 'the end of the file' : JSON.stringify(value.slice(0, 40));
    throw new SubstitutionSyntaxError(`${message}, not ${found}`, line);
  }
}

function assign(variable: string, { kind, value }: Token): string {
  return kind === 'string' ? `${variable}="${value}"` : `${variable}=${value}`;
}

function joinMacros(first: string, second: string): string {
  if (first === '' || second === '') return first + second;
  return `${first},${second}`;
}

// Runs, not single characters, are repeated: a regular expression keeps a way back for each repeat.
const tokenPattern = new RegExp(
  [
    /([ \t\r]+|#[^\n]*)/,
    /(\n)/,
    /([{}=,])/,
    /"([^"\n\\]*(?:\\.[^"\n\\]*)*)"/,
    /'([^'\n\\]*(?:\\.[^'\n\\]*)*)'/,
    /((?:[\w\-+:./\\[\]<>;]+|\$\([^()\s]*\)|\$\{[^{}\s]*\})+)/,
  ]
    .map((part) => part.source)
    .join('|'),
  'y',
);

function* tokenize(text: string): Generator<Token, never> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(text);
    if (match === null) {
      throw new SubstitutionSyntaxError(
        `unexpected character ${JSON.stringify(text.charAt(at))}`,
        line,
      );
    }
    at = tokenPattern.lastIndex;
    const [, , newline, punctuation, doubleQuoted, singleQuoted, word] = match;
    if (newline !== undefined) line++;
    else if (punctuation !== undefined) {
      yield { kind: punctuation as Token['kind'], value: punctuation, line };
    } else if (word !== undefined) yield { kind: 'word', value: word, line };
    else {
      const value = doubleQuoted ?? singleQuoted;
      if (value !== undefined) yield { kind: 'string', value, line };
    }
  }
  for (;;) yield { kind: 'end', value: '', line };
}
