import { parseMacroDefinitions } from '../../model/macroDefinitions';
import { parsePvText } from '../../model/pvName';
import {
  type FileText,
  type MacroScope,
  NO_MACROS,
  type PvReference,
  type ReferenceKind,
} from './pvReference';

/** More in one file are left out. */
const MAX_REFERENCES = 200_000;
/** A longer text is data, not something a user points at. */
const MAX_TEXT = 4000;
/** Around the names in a formula of Phoebus, BOY or PyDM. */
const QUOTES = '`\'"';
/** Of PyDM's formulas: key and value. */
const VARIABLE = /([?&]\w{1,40}=)([^&]*)/g;
const NO_VARIABLE = /^.(?:expr|update)=/;

/** Gathers the references of a file. */
export class ReferenceList {
  readonly #references: PvReference[] = [];

  /** In no particular order. */
  get references(): readonly PvReference[] {
    return this.#references;
  }

  /** Nothing more is taken. */
  get isFull(): boolean {
    return this.#references.length >= MAX_REFERENCES;
  }

  /** Adds a text that stands for a PV, as `model/pvName` reads it. */
  addPv(found: FileText, macros: MacroScope = NO_MACROS): void {
    const { text } = found;
    if (text.length > MAX_TEXT) return;
    const parsed = parsePvText(text);
    if (parsed?.kind === 'pv') {
      const end = parsed.start + parsed.name.length;
      const scheme = text.slice(0, parsed.start).trimStart();
      this.#push(
        'pv',
        scheme + text.slice(parsed.start).trimEnd(),
        found,
        [parsed.start, end],
        macros,
      );
    } else if (parsed) {
      if (parsed.kind === 'formula') this.#addOperands(found, macros);
      this.#push(parsed.kind, text.trim(), found, trimmed(text), macros);
    }
  }

  /** Adds a text that may be part of a name, or a whole one (`guess`). */
  addPart(found: FileText, kind: 'part' | 'guess', macros: MacroScope = NO_MACROS): void {
    const { text } = found;
    if (text.length > MAX_TEXT || text.trim() === '') return;
    this.#push(kind, text.trim(), found, trimmed(text), macros);
  }

  /** Adds the values in `P=x,R=y`; false if there are none. */
  addDefinitions(found: FileText, macros: MacroScope = NO_MACROS): boolean {
    if (found.text.length > MAX_TEXT || !found.text.includes('=')) return false;
    let hasAny = false;
    for (const { name, value, valueAt } of parseMacroDefinitions(found.text)) {
      if (value === undefined || valueAt === undefined) continue;
      // The default of a macro, as in $(P=X:)Y.
      if (/\$[({]/.test(name)) continue;
      hasAny = true;
      const quote = /^(["']).*\1$/s.test(value) ? 1 : 0;
      const text = value.slice(quote, value.length - quote);
      this.addPart(within(found, valueAt + quote, text), 'part', macros);
    }
    return hasAny;
  }

  /**
   * The PVs in a formula: quoted, the arguments of EDM's `CALC\{expression}(a, b)`, or the variables of
   * PyDM's `calc://name?a=ca://X&expr=a`.
   */
  #addOperands(found: FileText, macros: MacroScope): void {
    const { text } = found;
    const edm = /^\s*CALC\\/i.test(text) ? text.indexOf('}') : -1;
    if (edm >= 0) {
      const open = text.indexOf('(', edm);
      const close = text.lastIndexOf(')');
      for (let at = open + 1; open >= 0 && at < close;) {
        const end = argumentEnd(text, at, close);
        this.addPv(within(found, at, text.slice(at, end)), macros);
        at = end + 1;
      }
      return;
    }
    if (/^\s*calc:/i.test(text)) {
      for (const { 1: key = '', 2: value = '', index } of text.matchAll(VARIABLE)) {
        const at = index + key.length;
        if (!NO_VARIABLE.test(key)) this.#addOperand(within(found, at, value), macros);
      }
      return;
    }
    for (let at = 0; at < text.length; at++) {
      const quote = text.charAt(at);
      if (!QUOTES.includes(quote)) continue;
      const end = text.indexOf(quote, at + 1);
      if (end < 0) return;
      this.#addOperand(within(found, at + 1, text.slice(at + 1, end)), macros);
      at = end;
    }
  }

  /** A formula in a formula would be read again and again. */
  #addOperand(found: FileText, macros: MacroScope): void {
    if (parsePvText(found.text)?.kind !== 'formula') this.addPv(found, macros);
  }

  #push(
    kind: ReferenceKind,
    text: string,
    found: FileText,
    [from, to]: readonly [number, number],
    macros: MacroScope,
  ): void {
    if (this.isFull || to <= from) return;
    const [start, end] = [found.placeOf(from), found.placeOf(to)];
    this.#references.push({ kind, text, start, end, macros });
  }
}

/** The end of an argument: a comma that belongs to no macro. */
function argumentEnd(text: string, start: number, close: number): number {
  let depth = 0;
  for (let at = start; at < close; at++) {
    const character = text.charAt(at);
    if ('({'.includes(character)) depth++;
    else if (')}'.includes(character)) depth--;
    else if (character === ',' && depth <= 0) return at;
  }
  return close;
}

function trimmed(text: string): readonly [number, number] {
  return [text.length - text.trimStart().length, text.trimEnd().length];
}

/** A part of a text, with its places. */
export function within(found: FileText, from: number, text: string): FileText {
  return { text, placeOf: (index) => found.placeOf(from + index) };
}
