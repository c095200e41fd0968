/** Tokens of substitution files, cut in one go from left to right. */

export interface SubstitutionToken {
  readonly kind: 'word' | 'string' | '{' | '}' | '=' | ',' | 'end';
  /** Without the quotes of a string, escapes still in it. */
  readonly value: string;
  readonly line: number;
}

/** The text breaks the grammar of substitution files. */
export class SubstitutionSyntaxError extends Error {
  constructor(
    message: string,
    readonly line: number,
  ) {
    super(message);
  }
}

const WORD = new Uint8Array(128);
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+:./\\[]<>;') {
  WORD[c.charCodeAt(0)] = 1;
}
const BLANKS = ' \t\n\r\v\f';

/** Cuts a substitution file into tokens, one at a time. */
export class SubstitutionTokens {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Number of characters read so far. */
  get at(): number {
    return this.#at;
  }

  next(): SubstitutionToken {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const character = text.charAt(this.#at);
      switch (character) {
        case ' ':
        case '\t':
        case '\r':
          continue;
        case '\n':
          this.#line++;
          continue;
        case '#': {
          const end = text.indexOf('\n', this.#at);
          this.#at = (end < 0 ? text.length : end) - 1;
          continue;
        }
        case '{':
        case '}':
        case '=':
        case ',':
          this.#at++;
          return { kind: character, value: character, line: this.#line };
        case '"':
        case "'":
          return { kind: 'string', value: this.#readString(character), line: this.#line };
        default:
          return { kind: 'word', value: this.#readWord(), line: this.#line };
      }
    }
    return { kind: 'end', value: '', line: this.#line };
  }

  #readString(quote: string): string {
    const text = this.#text;
    const start = this.#at + 1;
    for (let at = start; at < text.length; at++) {
      const character = text.charAt(at);
      if (character === quote) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (character === '\\') at++;
      if (text.charAt(at) === '\n') break;
    }
    return this.#refuse(quote);
  }

  #readWord(): string {
    const text = this.#text;
    const start = this.#at;
    while (this.#at < text.length) {
      if (WORD[text.charCodeAt(this.#at)] === 1) this.#at++;
      else {
        const end = this.#referenceEnd();
        if (end === undefined) break;
        this.#at = end;
      }
    }
    return this.#at > start ? text.slice(start, this.#at) : this.#refuse(text.charAt(start));
  }

  /** The end of the `$(NAME)` that begins here; undefined if none does. */
  #referenceEnd(): number | undefined {
    const text = this.#text;
    const open = text.charAt(this.#at + 1);
    if (text.charAt(this.#at) !== '$' || (open !== '(' && open !== '{')) return undefined;
    const close = open === '(' ? ')' : '}';
    const stops = BLANKS + open + close;
    let end = this.#at + 2;
    while (end < text.length && !stops.includes(text.charAt(end))) end++;
    return text.charAt(end) === close ? end + 1 : undefined;
  }

  #refuse(character: string): never {
    throw new SubstitutionSyntaxError(
      `unexpected character ${JSON.stringify(character)}`,
      this.#line,
    );
  }
}
