/**
 * Text from outside, made for people: what would steer a terminal, forge a line, turn its direction
 * or hide, is shown as an escape. Saying it twice changes nothing.
 */

/** Controls (C0, DEL, C1), formats (bidi, zero width), line and paragraph ends, half characters, and what is drawn as nothing. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

/** One line: `\x1b`, `\u202e`, `\u{e0041}` in place of what is not to be printed, line ends included. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** For logs and stacks: line ends stay, and no further line can be taken for one that we wrote. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n    ');
}

/** JSON that says the very same and is safe to print; it may be indented. */
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
