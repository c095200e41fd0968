/** The shells, and kinds of file, that we write variables for. */
export const SHELLS = ['bash', 'fish', 'csh', 'powershell', 'cmd', 'dotenv'] as const;
/** A shell, or a kind of file with variables. */
export type Shell = (typeof SHELLS)[number];

/** Every shell reads these unchanged. */
const PLAIN = /^[\w.:/@+,-]+$/;

/** NUL ends a variable's text in every system. */
const NUL = '\0';

/**
 * Quotes a text as one word of a shell, whatever it contains; undefined if the shell cannot express
 * it. For `cmd` this is the text between the quotes of `set "NAME=..."` in a batch file; for
 * `dotenv` what the readers of such files agree on.
 */
export function quoteFor(shell: Shell, text: string): string | undefined {
  if (text.includes(NUL)) return undefined;
  switch (shell) {
    case 'bash':
      return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
    case 'fish':
      return `'${text.replace(/[\\']/g, '\\$&')}'`;
    case 'csh':
      // History expansion works between quotes too, and a line end ends a quoted text.
      return `'${text.replaceAll("'", `'\\''`).replace(/[!\n]/g, '\\$&')}'`;
    case 'powershell':
      // Typographic quotes end a text, too.
      return `'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`;
    case 'cmd':
      return /["\r\n!]/.test(text) ? undefined : text.replaceAll('%', '%%');
    case 'dotenv':
      if (!/["\\$`'\r\n]/.test(text)) return `"${text}"`;
      return /['\r\n]/.test(text) ? undefined : `'${text}'`;
  }
}
