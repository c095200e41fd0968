/**
 * Tokens of database files (.db, .template, .vdb) as EPICS Base cuts them
 * (modules/database/src/ioc/dbStatic/dbLex.l), over a stack of sources: an included file is read
 * where its include stands. Works on expanded text; knows nothing about what tokens mean.
 */
import type { Place } from './nameCollection';

export interface DatabaseSource {
  /** Absolute path, for messages. */
  readonly file: string;
  /** Macros already expanded. */
  readonly text: string;
}

/** The text breaks the grammar: Base stops reading, whatever stands behind it. */
export class DatabaseSyntaxError extends Error {
  constructor(
    message: string,
    readonly place: Place,
  ) {
    super(message);
  }
}

/** 'word' is bare and may be a keyword, 'string' was quoted; punctuation stands for itself. */
export type DatabaseToken = 'word' | 'string' | '{' | '}' | '(' | ')' | ',' | 'end';

const WORD = 1;
const SPACE = 2;
const PUNCTUATION = 3;
const characterClass = new Uint8Array(128);
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+:.[]<>;') {
  characterClass[c.charCodeAt(0)] = WORD;
}
for (const c of ' \t\r') characterClass[c.charCodeAt(0)] = SPACE;
for (const c of '{}(),') characterClass[c.charCodeAt(0)] = PUNCTUATION;

const NEWLINE = 10;
const QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const PERCENT = 37;
const APOSTROPHE = 39;
const BACKSLASH = 92;

interface Level {
  readonly file: string;
  readonly text: string;
  at: number;
  line: number;
}

export class DatabaseTokens {
  readonly #outer: Level[] = [];
  #top: Level;
  /** Of the last token: its text without quotes. */
  value = '';
  /** Of the last token. */
  line = 1;
  file: string;

  constructor(source: DatabaseSource) {
    this.#top = { ...source, at: 0, line: 1 };
    this.file = source.file;
  }

  get place(): Place {
    return { file: this.file, line: this.line };
  }

  /** Includes that are open, 1 for the outermost file. */
  get depth(): number {
    return this.#outer.length + 1;
  }

  /** Reads `source` before going on with the present one. */
  push(source: DatabaseSource): void {
    this.#outer.push(this.#top);
    this.#top = { ...source, at: 0, line: 1 };
  }

  fail(message: string): never {
    throw new DatabaseSyntaxError(message, this.place);
  }

  /** True when the next token of any source is this punctuation. */
  peekIs(punctuation: '{'): boolean {
    for (let level = this.#outer.length; level >= 0; level--) {
      const source = level === this.#outer.length ? this.#top : this.#outer[level];
      if (source === undefined) break;
      skipBlank(source);
      if (source.at < source.text.length) return source.text[source.at] === punctuation;
    }
    return false;
  }

  next(): DatabaseToken {
    for (;;) {
      const top = this.#top;
      skipBlank(top);
      if (top.at >= top.text.length) {
        const outer = this.#outer.pop();
        if (outer === undefined) return 'end';
        this.#top = outer;
        continue;
      }
      const code = top.text.charCodeAt(top.at);
      const kind = characterClass[code] ?? 0;
      this.line = top.line;
      this.file = top.file;
      if (kind === PUNCTUATION) {
        return (this.value = top.text.charAt(top.at++)) as DatabaseToken;
      }
      if (code === QUOTE) return this.#readString(top);
      if (kind === WORD || code === DOLLAR) return this.#readWord(top);
      return this.fail(`unexpected character ${JSON.stringify(top.text.charAt(top.at))}`);
    }
  }

  /**
   * Moves over the JSON-like value of a field or info up to the bracket that closes it (not
   * included), and returns its text when asked for.
   */
  skipValue(wantsText: boolean): string {
    const top = this.#top;
    const { text } = top;
    const start = top.at;
    let depth = 0;
    for (; top.at < text.length; top.at++) {
      const code = text.charCodeAt(top.at);
      if (code === QUOTE || code === APOSTROPHE) {
        top.at = this.#endOfString(top, code) - 1;
      } else if (code === HASH) {
        skipLine(top);
        top.at--;
      } else if (code === NEWLINE) {
        top.line++;
      } else if (code === 0x7b || code === 0x5b) {
        depth++;
      } else if (code === 0x7d || code === 0x5d) {
        if (--depth < 0) break;
      } else if (code === 0x29 && depth === 0) {
        return wantsText ? text.slice(start, top.at) : '';
      }
    }
    return this.fail('value without an end');
  }

  #readString(top: Level): DatabaseToken {
    const end = this.#endOfString(top, QUOTE);
    this.value = top.text.slice(top.at + 1, end - 1);
    top.at = end;
    return 'string';
  }

  /** Index behind the closing quote of the string that starts at the present position. */
  #endOfString(top: Level, quote: number): number {
    const { text } = top;
    for (let at = top.at + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) return at + 1;
      if (code === NEWLINE) break;
      if (code === BACKSLASH) at++;
    }
    this.line = top.line;
    return this.fail('string without its closing quote');
  }

  /** Takes a reference to an undefined macro, which Base refuses, along: it shows in the message. */
  #readWord(top: Level): DatabaseToken {
    const { text } = top;
    const start = top.at;
    for (; top.at < text.length; top.at++) {
      const code = text.charCodeAt(top.at);
      if (code === DOLLAR) {
        const close = text.indexOf(text[top.at + 1] === '{' ? '}' : ')', top.at);
        if (close < 0 || close - top.at > 100) this.fail('unexpected character "$"');
        top.at = close;
      } else if (characterClass[code] !== WORD) break;
    }
    this.value = text.slice(start, top.at);
    return 'word';
  }
}

/** White space, comments, and the C lines of record type definitions. */
function skipBlank(level: Level): void {
  const { text } = level;
  for (; level.at < text.length; level.at++) {
    const code = text.charCodeAt(level.at);
    if (code === NEWLINE) level.line++;
    else if (code === HASH || code === PERCENT) {
      skipLine(level);
      level.at--;
    } else if (characterClass[code] !== SPACE) return;
  }
}

function skipLine(level: Level): void {
  const end = level.text.indexOf('\n', level.at);
  level.at = end < 0 ? level.text.length : end;
}
