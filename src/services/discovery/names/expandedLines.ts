import { decodeUtf8 } from '../../../protocol/bytes';
import { isReference, type Macros } from '../../../model/macros';
import type { NamesBudget } from './namesBudget';

/** Bytes in a piece, which is extended to the end of its line. */
const PIECE_BYTES = 16 * 1024;
/** A longer line ends the reading; no program writes one. */
const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 10;

/**
 * The text of a file in pieces of whole lines, decoded and with macros expanded on demand: no piece
 * takes long, however long the file is, and nothing of it is kept.
 */
export class ExpandedLines {
  readonly #bytes: Uint8Array;
  readonly #macros: Macros;
  readonly #budget: NamesBudget;
  /** Called with a sentence about what was left out. */
  readonly #onProblem: (message: string) => void;
  #at = 0;
  /** Decoded and not returned yet. */
  #text = '';
  #textAt = 0;

  constructor(
    bytes: Uint8Array,
    macros: Macros,
    budget: NamesBudget,
    onProblem: (message: string) => void,
  ) {
    this.#bytes = bytes;
    this.#macros = macros;
    this.#budget = budget;
    this.#onProblem = onProblem;
  }

  /** The next piece; undefined after the last one, and when the budget is used up. */
  next(): string | undefined {
    if (this.#textAt >= this.#text.length && !this.#decode()) return undefined;
    const piece = this.#expand();
    return this.#budget.spend('characters', piece.length) ? piece : undefined;
  }

  #decode(): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    if (start >= bytes.length) return false;
    const newline = bytes.indexOf(NEWLINE, Math.min(start + PIECE_BYTES, bytes.length) - 1);
    const end = newline < 0 ? bytes.length : newline + 1;
    if (end - start > MAX_LINE_BYTES) {
      this.#at = bytes.length;
      this.#onProblem(
        `a line of more than ${MAX_LINE_BYTES} bytes: the rest of the file is not read`,
      );
      return false;
    }
    this.#at = end;
    this.#text = decodeUtf8(bytes.subarray(start, end));
    this.#textAt = 0;
    return this.#text !== '' || this.#decode();
  }

  /**
   * Expands line by line, as databases are read: a stray quote in one line must not guard the
   * macros of the next. Lines without a reference are copied in one piece. Stops early when macros
   * turn little text into much.
   */
  #expand(): string {
    const text = this.#text;
    const parts: string[] = [];
    let lengthCharacters = 0;
    const add = (part: string): void => {
      parts.push(part);
      lengthCharacters += part.length;
    };
    while (lengthCharacters < 2 * PIECE_BYTES) {
      const dollar = nextReference(text, this.#textAt);
      if (dollar < 0) {
        add(text.slice(this.#textAt));
        this.#textAt = text.length;
        break;
      }
      const lineStart = text.lastIndexOf('\n', dollar) + 1;
      const newline = text.indexOf('\n', dollar);
      const lineEnd = newline < 0 ? text.length : newline;
      add(text.slice(this.#textAt, lineStart));
      add(this.#expandLine(text.slice(lineStart, lineEnd)));
      this.#textAt = lineEnd;
      if (this.#budget.isSliceOver) break;
    }
    return parts.length === 1 ? (parts[0] ?? '') : parts.join('');
  }

  #expandLine(line: string): string {
    const { lineCharacters } = this.#budget.limits;
    if (line.length <= lineCharacters) return this.#macros.expand(line).text;
    this.#onProblem(`macros in a line of more than ${lineCharacters} characters are not expanded`);
    return line;
  }
}

function nextReference(text: string, from: number): number {
  let dollar = text.indexOf('$', from);
  while (dollar >= 0 && !isReference(text, dollar)) dollar = text.indexOf('$', dollar + 1);
  return dollar;
}
