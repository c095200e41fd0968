import { CST, Lexer, Parser } from 'yaml';
import { plainText } from './pvReference';
import type { ReferenceList } from './referenceList';

/** No file of an IOC is that long; the parser takes a second for it. */
const MAX_CHARACTERS = 1_000_000;
/** Deeper files are read up to there; the parser nests its calls as deeply. */
const MAX_DEPTH = 100;
const SCALARS = ['scalar', 'single-quoted-scalar', 'double-quoted-scalar'];

/** Finds the values in a YAML file: parts of PV names, rarely a whole one. */
export function readYaml(text: string, list: ReferenceList): void {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text.slice(0, MAX_CHARACTERS))) {
    for (const token of parser.next(lexeme)) addValues([token], list);
    if (list.isFull) return;
    if (parser.stack.length > MAX_DEPTH) return addValues(parser.stack, list);
  }
  for (const token of parser.end()) addValues([token], list);
}

function addValues(tokens: readonly CST.Token[], list: ReferenceList): void {
  const waiting = [...tokens];
  for (let token = waiting.pop(); token && !list.isFull; token = waiting.pop()) {
    if (token.type === 'document') {
      if (token.value) waiting.push(token.value);
    } else if ('items' in token) {
      for (const { key, sep, value } of token.items) {
        if (value) waiting.push(value);
        // `[a, b]` holds keys without a separator.
        else if (key && !sep) waiting.push(key);
        // `P: TEST:` is no value to YAML, but to whoever types it.
        else if (key?.type === 'scalar' && sep?.[0]?.type === 'map-value-ind') {
          list.addPart(plainText(`${key.source}:`, key.offset), 'part');
        }
      }
    } else if (CST.isScalar(token)) addScalar(token, list);
  }
}

function addScalar(
  { type, source, offset }: CST.Token & { source: string },
  list: ReferenceList,
): void {
  if (!SCALARS.includes(type) || source.includes('\n')) return;
  const quote = type === 'scalar' ? '' : source.charAt(0);
  // While it is typed, the other quote is not there.
  const end = source.endsWith(quote) ? source.length - quote.length : source.length;
  list.addPart(plainText(source.slice(quote.length, end), offset + quote.length), 'part');
}
