/** `2>file` is another output. */
type Redirection = 'input' | 'output' | 'other';

/** A line of the IOC shell, with macros expanded, cut into words. */
export interface IocshLine {
  /** Command and arguments; empty for a line that only redirects. */
  readonly words: readonly string[];
  /** The file after '<'. */
  readonly input?: string;
  /** The file after '>' or '>>'. */
  readonly output?: string;
}

/**
 * Cuts a line as Tokenize::split of EPICS Base does (modules/libcom/src/iocsh/iocsh.cpp): blanks,
 * brackets and commas separate, quotes and backslashes guard, '<' and '>' redirect. Undefined for a
 * line that the shell refuses (open quote, redirection without a file).
 */
export function splitIocshLine(line: string): IocshLine | undefined {
  const words: string[] = [];
  let input: string | undefined;
  let output: string | undefined;
  let word: string | undefined;
  let redirect: Redirection | undefined;
  let isRedirected: Redirection | undefined;
  let quote = '';

  const endWord = (): void => {
    if (word === undefined) return;
    if (isRedirected === undefined) words.push(word);
    else if (isRedirected === 'input') input = word;
    else if (isRedirected === 'output') output = word;
    word = undefined;
    isRedirected = undefined;
  };
  const startWord = (): void => {
    if (word !== undefined) return;
    word = '';
    isRedirected = redirect;
    redirect = undefined;
  };

  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '\\') {
      at++;
      if (at >= line.length) return undefined;
      startWord();
      word += line.charAt(at);
    } else if (character === '<' || character === '>' || isNumberedOutput(line, at)) {
      endWord();
      if (redirect !== undefined) return undefined;
      redirect = character === '<' ? 'input' : character === '>' ? 'output' : 'other';
      if (redirect === 'other') at++;
      if (character !== '<' && line[at + 1] === '>') at++;
    } else if (' \t(),\r'.includes(character)) {
      endWord();
    } else if (character === '"' || character === "'") {
      startWord();
      quote = character;
    } else {
      startWord();
      word += character;
    }
  }
  if (quote !== '' || (redirect !== undefined && word === undefined)) return undefined;
  endWord();
  return { words, ...(input !== undefined && { input }), ...(output !== undefined && { output }) };
}

/** "2>file": the digit is part of the redirection. */
function isNumberedOutput(line: string, at: number): boolean {
  const character = line.charAt(at);
  return character >= '1' && character <= '9' && line[at + 1] === '>';
}
