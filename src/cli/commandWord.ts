/** Finds the command among the words, wherever the user put it. */
import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../base/errors';

/** Options that take the next word, whose value could otherwise be mistaken for a command. */
const TAKES_VALUE = /^(-[cwleps]|--(container|workspace|label|engine|pv|search|shell))$/;

/**
 * Moves the command to the front: `epics-expose --container x exec -- caget PV` means the same as
 * `epics-expose exec --container x -- ...`. Words without a command belong to the default one.
 * Throws UsageError for a word that is no command.
 */
export function commandFirst(words: readonly string[], commands: readonly string[]): string[] {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (TAKES_VALUE.test(word)) at++;
    else if (!word.startsWith('-')) {
      if (!commands.includes(word)) throw unknownCommand(word, commands);
      return [word, ...words.slice(0, at), ...words.slice(at + 1)];
    }
  }
  return [...words];
}

function unknownCommand(word: string, commands: readonly string[]): UsageError {
  const near = closest(word, [...commands]);
  const hint = distance(word, near) <= 3 ? ` Did you mean "${near}"?` : '';
  return new UsageError(
    `there is no command "${word}".${hint} Commands: ${commands.join(', ')}; see --help.`,
  );
}
