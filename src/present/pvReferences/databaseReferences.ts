import { plainText, unescaped } from './pvReference';
import type { ReferenceList } from './referenceList';

/** Fields that hold links. */
const LINK_FIELD =
  /^(?:INP|OUT|FLNK|LNK|DOL|SDIS|TSEL|SIOL|SIML|SELL|NVL|RDBL|RLNK|DINP|RINP|SUBL|STPL)\w*$/;
/** Constants, hardware addresses and JSON name no record. A name may begin with a digit. */
const NO_RECORD = /^\s*(?:$|[@#{[]|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*$|0x)/;
/** The PV in a JSON link: `{pva:"X"}`, `{pva:{pv:"X"}}`. */
const JSON_PV = /\bpva?["']?\s{0,20}:\s{0,20}(["'])([^"'\\]{1,200})\1/g;
/** Base takes no longer name; each field repeats it. */
const MAX_RECORD = 300;
/** A longer JSON link is data. */
const MAX_JSON = 4000;
const WORD = /[A-Za-z0-9_\-+:.[\]<>;$(){}=/]/;

/** An argument of a statement. */
export interface Token {
  readonly text: string;
  /** Where the text begins, behind a quote; in characters from 0. */
  readonly start: number;
}

/** A statement about records, with its first two arguments; `end`: a closing brace. */
export interface DatabaseStatement {
  readonly keyword: 'record' | 'grecord' | 'alias' | 'field' | 'end';
  readonly first?: Token | undefined;
  readonly second?: Token | undefined;
}

/** Finds records, their fields, aliases and links in databases (.db, .template, .vdb). */
export function readDatabase(text: string, list: ReferenceList): void {
  let record = '';
  for (const { keyword, first, second } of databaseStatements(text)) {
    if (list.isFull) return;
    if (keyword === 'end') record = '';
    if (!first) continue;
    if (keyword === 'alias') {
      list.addPv(plainText(first.text, first.start));
      if (second) list.addPv(plainText(second.text, second.start));
    } else if (keyword !== 'field') {
      record = second?.text ?? '';
      if (second) list.addPv(plainText(record, second.start));
    } else {
      // The pointer on the name of a field asks for the field.
      if (record !== '' && record.length <= MAX_RECORD) addField(record, first, list);
      if (second && LINK_FIELD.test(first.text)) addLink(second, list);
    }
  }
}

/** The statements of a database, whatever state it is in. Does not throw. */
export function* databaseStatements(text: string): Generator<DatabaseStatement> {
  const tokens = new Tokens(text);
  for (let word = tokens.next(); word !== undefined; word = tokens.next()) {
    if (word.text === '}') yield { keyword: 'end' };
    const keyword = KEYWORDS.find((one) => one === word.text);
    if (keyword === undefined || !tokens.skip('(')) continue;
    yield { keyword, first: tokens.argument(), second: tokens.argument() };
  }
}

const KEYWORDS = ['record', 'grecord', 'alias', 'field'] as const;

function addField(record: string, { text, start }: Token, list: ReferenceList): void {
  const end = start + text.length;
  // No character of the record's name stands here.
  list.addPv({
    text: `${record}.${text}`,
    placeOf: (index) => (index === 0 ? start : end),
  });
}

function addLink({ text, start }: Token, list: ReferenceList): void {
  if (!NO_RECORD.test(text)) {
    list.addPv(unescaped(plainText(text, start)));
  } else if (text.trimStart().startsWith('{')) {
    for (const match of text.matchAll(JSON_PV)) {
      const name = match[2] ?? '';
      list.addPv(plainText(name, start + match.index + match[0].length - name.length - 1));
    }
  }
}

/** Cuts a database into words, strings and punctuation; never fails. */
class Tokens {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token | undefined {
    this.#skipBlank();
    const text = this.#text;
    if (this.#at >= text.length) return undefined;
    const character = text.charAt(this.#at);
    if (character === '"') return this.#string();
    const start = this.#at;
    if (!/\w/.test(character)) this.#at++;
    else while (/\w/.test(text.charAt(this.#at))) this.#at++;
    return { text: text.slice(start, this.#at), start };
  }

  /** Skips this character, if it is next. */
  skip(character: string): boolean {
    this.#skipBlank();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** The next argument of a statement; undefined at its end. */
  argument(): Token | undefined {
    this.#skipBlank();
    const text = this.#text;
    if (text[this.#at] === ')') return undefined;
    const character = text.charAt(this.#at);
    const found =
      character === '"' ? this.#string() : character === '{' ? this.#json() : this.#bareArgument();
    this.skip(',');
    return found;
  }

  #json(): Token {
    const start = this.#at;
    let depth = 0;
    for (; this.#at < this.#text.length && this.#at < start + MAX_JSON; this.#at++) {
      const character = this.#text.charAt(this.#at);
      if (character === '{') depth++;
      else if (character === '}' && --depth === 0) {
        this.#at++;
        break;
      }
    }
    return { text: this.#text.slice(start, this.#at), start };
  }

  #bareArgument(): Token | undefined {
    const text = this.#text;
    const start = this.#at;
    let depth = 0;
    for (; this.#at < text.length && WORD.test(text.charAt(this.#at)); this.#at++) {
      const character = text.charAt(this.#at);
      if ('({'.includes(character)) depth++;
      else if (')}'.includes(character) && --depth < 0) break;
    }
    return this.#at > start ? { text: text.slice(start, this.#at), start } : undefined;
  }

  /** Strings end with their line. */
  #string(): Token {
    const text = this.#text;
    const start = ++this.#at;
    while (this.#at < text.length && text[this.#at] !== '"' && text[this.#at] !== '\n') {
      this.#at += text[this.#at] === '\\' ? 2 : 1;
    }
    const end = Math.min(this.#at, text.length);
    this.#at = end + 1;
    return { text: text.slice(start, end), start };
  }

  #skipBlank(): void {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const character = text.charAt(this.#at);
      if (character === '#') {
        const newline = text.indexOf('\n', this.#at);
        this.#at = newline < 0 ? text.length : newline;
      } else if (!/\s/.test(character)) return;
    }
  }
}
