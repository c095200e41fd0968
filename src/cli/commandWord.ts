/** Finds the command among the words, wherever the person put it. Pure. */
import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../base/errors';

/** Options that take the next word; without this a value could be mistaken for a command. */
const TAKES_VALUE = /^(-[cwleps]|--(container|workspace|label|engine|pv|search|shell))$/;

/**
 * `epics-expose --container x exec -- caget PV` means what `epics-expose exec --container x -- ...`
 * means: moves the command to the front. Words that begin with no command are the default one's.
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
