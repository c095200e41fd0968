import { isReference, referenceEnd } from '../../model/macros';
import { lines, quoteEnd } from './lines';
import { type FileText, plainText, unescaped } from './pvReference';
import { type ReferenceList, within } from './referenceList';

const SEPARATORS = ' \t\r{},=';

/** Finds values in substitution files: parts of PV names, rarely a whole one. */
export function readSubstitutions(text: string, list: ReferenceList): void {
  for (const { line, start } of lines(text)) {
    if (list.isFull) return;
    readLine(plainText(line, start), list);
  }
}

/** Strings end with their line. */
function readLine(found: FileText, list: ReferenceList): void {
  const line = found.text;
  for (let at = 0; at < line.length;) {
    const character = line.charAt(at);
    if (character === '#') return;
    if (character === '"' || character === "'") {
      const end = quoteEnd(line, at + 1, character);
      const value = unescaped(within(found, at + 1, line.slice(at + 1, end)));
      if (!list.addDefinitions(value)) list.addPart(value, 'part');
      at = end + 1;
    } else if (SEPARATORS.includes(character)) at++;
    else {
      const end = wordEnd(line, at);
      list.addPart(within(found, at, line.slice(at, end)), 'part');
      at = end;
    }
  }
}

function wordEnd(line: string, from: number): number {
  let at = from;
  while (at < line.length && !SEPARATORS.includes(line.charAt(at)) && line[at] !== '"') {
    at = isReference(line, at) ? referenceEnd(line, at) : at + 1;
  }
  return at;
}
