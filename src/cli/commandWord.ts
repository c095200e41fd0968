/** Finds the command among the words, wherever the user put it. */
import type { Command, Option } from 'commander';
import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../base/errors';

/**
 * Moves the command to the front: `epics-expose --container x exec -- caget PV` means the same as
 * `epics-expose exec --container x -- ...`. Words without a command belong to the default one.
 * Throws UsageError for a word that is no command of the program.
 */
export function commandFirst(words: readonly string[], program: Command): string[] {
  const commands = [...program.commands.map((command) => command.name()), 'help'];
  const options = program.commands.flatMap((command) => command.options);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (takesNext(word, options)) at++;
    else if (!word.startsWith('-')) {
      if (!commands.includes(word)) throw unknownCommand(word, commands);
      return [word, ...words.slice(0, at), ...words.slice(at + 1)];
    }
  }
  return [...words];
}

/** Whether the next word is the value of an option in this one, and so no command. */
function takesNext(word: string, options: readonly Option[]): boolean {
  const hasValue = (name: string): boolean =>
    options.some(({ short, long, required }) => required && [short, long].includes(name));
  if (!word.startsWith('-') || word.startsWith('--')) return hasValue(word);
  // Of letters in one word (`-vc`), the first that has a value takes the rest of it, if there is one.
  const taker = [...word.slice(1)].find((letter) => hasValue(`-${letter}`));
  return taker !== undefined && word.indexOf(taker) === word.length - 1;
}

function unknownCommand(word: string, commands: readonly string[]): UsageError {
  const near = closest(word, [...commands]);
  const hint = distance(word, near) <= 3 ? ` Did you mean "${near}"?` : '';
  return new UsageError(
    `there is no command "${word}".${hint} Commands: ${commands.join(', ')}; see --help.`,
  );
}
