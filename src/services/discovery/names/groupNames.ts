/**
 * Names of the PVA groups that the JSON of an info tag Q:group or of a dbLoadGroup file defines:
 * the keys of its outermost object (QSRV, https://epics-base.github.io/pvxs/qsrv2.html). As lenient
 * as QSRV's parser (unquoted keys, trailing commas); of broken JSON, whatever could be read.
 */
export function groupNames(json: string): string[] {
  const text = unquote(json.trim());
  const names: string[] = [];
  let depth = 0;
  let isKeyNext = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '{' || character === '[') {
      depth++;
      isKeyNext = depth === 1 && character === '{';
    } else if (character === '}' || character === ']') {
      depth--;
      if (depth <= 0) break;
    } else if (character === ',') {
      isKeyNext = depth === 1;
    } else if (character === '#' || (character === '/' && text[at + 1] === '/')) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (character === '"' || character === "'") {
      const end = endOfString(text, at);
      if (isKeyNext) names.push(unescape(text.slice(at + 1, end)));
      isKeyNext = false;
      at = end;
    } else if (isKeyNext && !isBlank(character) && character !== ':') {
      const start = at;
      while (at + 1 < text.length && !endsKey(text.charAt(at + 1))) at++;
      names.push(text.slice(start, at + 1));
      isKeyNext = false;
    }
  }
  return names;
}

function isBlank(character: string): boolean {
  return character === ' ' || (character >= '\t' && character <= '\r');
}

function endsKey(character: string): boolean {
  return isBlank(character) || ':,{}[]'.includes(character);
}

/** Index of the closing quote, or the length. */
function endOfString(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at;
    if (text[at] === '\\') at++;
  }
  return text.length;
}

/** The whole object may be written as one quoted string with escaped quotes. */
function unquote(json: string): string {
  return json.startsWith('"') || json.startsWith("'") ? unescape(json.slice(1, -1)) : json;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
