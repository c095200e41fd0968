/**
 * Makes text from outside safe to read: whatever would steer a terminal, forge a line, reverse the
 * direction of text or hide is shown as an escape. Escaping twice changes nothing.
 */

/**
 * Controls (C0, DEL, C1), formats (bidi, zero width), line and paragraph separators, lone
 * surrogates, and characters that are drawn as nothing.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Makes one line of text: unprintable characters, line ends included, become `\x1b`, `\u202e` or
 * `\u{e0041}`.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/**
 * As `printable`, but for several lines (logs, stacks): line ends stay, and further lines are
 * indented so that none can pass for one of ours.
 */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n    ');
}

/**
 * The same JSON with unprintable characters as `\uXXXX`: safe to print, equal when parsed.
 * Indentation stays.
 */
export function printableJson(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character === '\n'
      ? character
      : Array.from(
          { length: character.length },
          (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
        ).join(''),
  );
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex}` : `\\u{${hex}}`;
}
