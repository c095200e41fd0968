import { plainText, unescaped } from './pvReference';
import type { ReferenceList } from './referenceList';

/** What may be the name of a PV: no blank, and nothing that names do not have. */
const NAME = /^(?:ca:\/\/|pva:\/\/)?[A-Za-z0-9_:.\-+[\]<>;{}$/"]{3,200}$/;
const LETTER = /[A-Za-z_]/;

/** Finds the texts in a Python program that may be names of PVs. */
export function readPython(text: string, list: ReferenceList): void {
  for (let at = 0; at < text.length && !list.isFull;) {
    const character = text.charAt(at);
    if (character === '#') {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? text.length : newline;
    } else if (character === '"' || character === "'") {
      const end = stringEnd(text, at);
      const quotes = end.quotes.length;
      const value = unescaped(plainText(text.slice(at + quotes, end.at - quotes), at + quotes));
      const isName = LETTER.test(value.text) && NAME.test(value.text);
      if (end.isClosed && quotes === 1 && isName) {
        list.addPart(value, 'guess');
      }
      at = end.at;
    } else at++;
  }
}

/** The index behind the string that begins at `start`. */
function stringEnd(text: string, start: number): { at: number; quotes: string; isClosed: boolean } {
  const quote = text.charAt(start);
  const isTriple = text.startsWith(quote.repeat(3), start);
  const quotes = isTriple ? quote.repeat(3) : quote;
  for (let at = start + quotes.length; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '\n' && !isTriple) return { at, quotes, isClosed: false };
    else if (text.startsWith(quotes, at)) {
      return { at: at + quotes.length, quotes, isClosed: true };
    }
  }
  return { at: text.length, quotes, isClosed: false };
}
