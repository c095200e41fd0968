/**
 * Tokens of database files (.db, .template, .vdb) as EPICS Base cuts them
 * (modules/database/src/ioc/dbStatic/dbLex.l), over a stack of sources: an included file is read at
 * its include. Works on expanded text that arrives in pieces; knows nothing about the meaning of
 * tokens.
 */
import type { NamesProblemKind } from './databaseName';
import type { NamesBudget } from './namesBudget';
import type { Place } from './nameCollection';

/** A file to be cut into tokens. */
export interface DatabaseSource {
  /** Absolute path, for messages. */
  readonly file: string;
  readonly pieces: TextPieces;
}

/** Text in pieces of whole lines, with macros expanded; undefined at the end. */
export interface TextPieces {
  next(): string | undefined;
}

/** The longest value, and the longest gap within a statement. */
const MAX_VALUE_CHARACTERS = 256 * 1024;
const MAX_GAP_PIECES = 100;

/** The text breaks the grammar: Base stops reading, whatever follows. */
export class DatabaseSyntaxError extends Error {
  constructor(
    message: string,
    readonly place: Place,
    readonly kind: NamesProblemKind = 'syntax',
  ) {
    super(message);
  }
}

/** 'word' is unquoted and may be a keyword, 'string' was quoted; punctuation stands for itself. */
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
const RETURN = 13;
const SPACE_CODE = 32;
const QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const PERCENT = 37;
const APOSTROPHE = 39;
const BACKSLASH = 92;

interface Level {
  readonly file: string;
  readonly pieces: TextPieces;
  text: string;
  at: number;
  line: number;
}

function levelOf({ file, pieces }: DatabaseSource): Level {
  return { file, pieces, text: '', at: 0, line: 1 };
}

/** Cuts sources into tokens, one at a time. */
export class DatabaseTokens {
  readonly #budget: NamesBudget;
  readonly #outer: Level[] = [];
  #top: Level;
  /** The text of the last token, without quotes. */
  value = '';
  /** The line of the last token, from 1. */
  line = 1;
  file: string;

  constructor(source: DatabaseSource, budget: NamesBudget) {
    this.#budget = budget;
    this.#top = levelOf(source);
    this.file = source.file;
  }

  /** The file and line of the last token. */
  get place(): Place {
    return { file: this.file, line: this.line };
  }

  /** Number of open sources; 1 for the outermost file. */
  get depth(): number {
    return this.#outer.length + 1;
  }

  /** Reads `source` before continuing with the current one. */
  push(source: DatabaseSource): void {
    this.#outer.push(this.#top);
    this.#top = levelOf(source);
  }

  /** Whether that file is being read now, so that it would include itself. */
  isOpen(file: string): boolean {
    return this.#top.file === file || this.#outer.some((level) => level.file === file);
  }

  /**
   * Between two statements: skips blanks and comments. True when a rest is due before the next one.
   */
  isRestDue(): boolean {
    while (!this.#budget.isSliceOver) {
      if (this.#skipBlank(this.#top, true)) return this.#budget.isSliceOver;
      const outer = this.#budget.isSliceOver ? undefined : this.#outer.pop();
      if (outer === undefined) break;
      this.#top = outer;
    }
    return this.#budget.isSliceOver;
  }

  /** Throws DatabaseSyntaxError at the current place. */
  fail(message: string, kind?: NamesProblemKind): never {
    throw new DatabaseSyntaxError(message, this.place, kind);
  }

  /** Whether the next token of any source is this punctuation. */
  peekIs(punctuation: '{'): boolean {
    for (let level = this.#outer.length; level >= 0; level--) {
      const source = level === this.#outer.length ? this.#top : this.#outer[level];
      if (source === undefined) break;
      if (this.#skipBlank(source)) return source.text[source.at] === punctuation;
    }
    return false;
  }

  next(): DatabaseToken {
    for (;;) {
      const top = this.#top;
      if (!this.#skipBlank(top)) {
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
   * Skips the JSON-like value of a field or info up to the bracket that closes it (not included);
   * returns its text if wanted.
   */
  skipValue(wantsText: boolean): string {
    const top = this.#top;
    let value = '';
    let lengthCharacters = 0;
    let depth = 0;
    do {
      const { text } = top;
      const start = top.at;
      for (; top.at < text.length; top.at++) {
        const code = text.charCodeAt(top.at);
        if (code === QUOTE || code === APOSTROPHE) {
          top.at = this.#endOfString(top, code, true) - 1;
        } else if (code === HASH) {
          skipLine(top);
          top.at--;
        } else if (code === NEWLINE) {
          top.line++;
        } else if (code === 0x7b || code === 0x5b) {
          depth++;
        } else if (code === 0x7d || code === 0x5d) {
          if (--depth < 0) this.fail('value without an end');
        } else if (code === 0x29 && depth === 0) {
          return wantsText ? value + text.slice(start, top.at) : '';
        }
      }
      lengthCharacters += text.length - start;
      if (wantsText) value += text.slice(start);
      if (lengthCharacters > MAX_VALUE_CHARACTERS) this.fail('a value that is too long');
    } while (fill(top));
    return this.fail('value without an end');
  }

  #readString(top: Level): DatabaseToken {
    const end = this.#endOfString(top, QUOTE);
    this.value = top.text.slice(top.at + 1, end - 1);
    top.at = end;
    return 'string';
  }

  /**
   * Index after the closing quote of the string that starts at the current position. A value is
   * JSON, which has no control characters, TAB included.
   */
  #endOfString(top: Level, quote: number, isValue = false): number {
    const { text } = top;
    for (let at = top.at + 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) return at + 1;
      if (code === NEWLINE) break;
      if (isValue && code < SPACE_CODE && code !== RETURN) {
        this.line = top.line;
        this.fail('a control character in a value', 'bad-value');
      }
      if (code === BACKSLASH) at++;
    }
    this.line = top.line;
    return this.fail('a string without its closing quote');
  }

  /**
   * Includes a reference to an undefined macro, which Base refuses, in the word, so that the
   * message shows it.
   */
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

  /**
   * Skips white space, comments, and the C lines of record type definitions; false at the end of
   * the source. With `untilRest` it may stop earlier, when the slice is over.
   */
  #skipBlank(level: Level, untilRest = false): boolean {
    for (let pieces = 0; ; pieces++) {
      const { text } = level;
      for (; level.at < text.length; level.at++) {
        const code = text.charCodeAt(level.at);
        if (code === NEWLINE) level.line++;
        else if (code === HASH || code === PERCENT) {
          skipLine(level);
          level.at--;
        } else if (characterClass[code] !== SPACE) return true;
      }
      if (untilRest && this.#budget.isSliceOver) return true;
      if (pieces > MAX_GAP_PIECES && !untilRest) this.fail('nothing for very long');
      if (!fill(level)) return false;
    }
  }
}

function skipLine(level: Level): void {
  const end = level.text.indexOf('\n', level.at);
  level.at = end < 0 ? level.text.length : end;
}

/** Takes the next piece when the current one is used up; false at the end. */
function fill(level: Level): boolean {
  const piece = level.pieces.next();
  level.text = piece ?? '';
  level.at = 0;
  return piece !== undefined;
}
