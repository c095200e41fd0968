/** Macro definitions as the commands of an IOC accept them: `P=IOC:, R="a,b"`. */

export interface MacroDefinition {
  readonly name: string;
  /** Not expanded yet, with quotes and escapes; undefined removes the macro. */
  readonly value: string | undefined;
  /** Where the value begins in the text that was split. */
  readonly valueAt?: number;
}

const isSpace = (character: string): boolean =>
  character === ' ' || (character >= '\t' && character <= '\r');

/**
 * Splits `name=value,...` as macParseDefns does (EPICS Base modules/libcom/src/macLib/macUtil.c):
 * white space around names and values is dropped, quotes and backslashes guard commas, a name
 * without '=' removes a macro.
 */
export function parseMacroDefinitions(text: string): MacroDefinition[] {
  const definitions: MacroDefinition[] = [];
  let at = 0;
  while (at < text.length) {
    if (isSpace(text.charAt(at)) || text[at] === ',') {
      at++;
      continue;
    }
    const nameEnd = findUnguarded(text, at, '=,');
    const name = withoutQuotes(text.slice(at, nameEnd).trimEnd());
    if (text[nameEnd] !== '=') {
      definitions.push({ name, value: undefined });
      at = nameEnd + 1;
      continue;
    }
    const valueEnd = findUnguarded(text, nameEnd + 1, ',');
    const value = text.slice(nameEnd + 1, valueEnd).trimStart();
    definitions.push({ name, value: value.trimEnd(), valueAt: valueEnd - value.length });
    at = valueEnd + 1;
  }
  return definitions;
}

/**
 * Index of the first of `stops` that is neither quoted nor escaped; the length when there is none.
 */
function findUnguarded(text: string, start: number, stops: string): number {
  let quote = '';
  for (let at = start; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\' && at + 1 < text.length) at++;
    else if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (stops.includes(character)) return at;
  }
  return text.length;
}

/** Names, unlike values, are not expanded later, so their quotes and escapes are removed here. */
function withoutQuotes(text: string): string {
  let quote = '';
  let name = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote !== '' && character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else if (character === '\\' && at + 1 < text.length) name += text.charAt(++at);
    else name += character;
  }
  return name;
}
