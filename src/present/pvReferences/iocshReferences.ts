import { isReference, referenceEnd } from '../../model/macros';
import { lines, quoteEnd } from './lines';
import { type FileText, type MacroScope, NO_MACROS, plainText } from './pvReference';
import { type ReferenceList, within } from './referenceList';

/** Commands whose first argument is a record. */
const RECORD_COMMANDS = new Set([
  ...['dbpf', 'dbgf', 'dbpr', 'dbtr', 'dbtgf', 'dbtpf', 'dbtpn', 'dba', 'tpn', 'dbap', 'dbb'],
  ...['dbd', 'dbc', 'dbs', 'caget', 'caput', 'camonitor', 'pvget', 'pvput', 'pvmonitor'],
]);
const SEPARATORS = ' \t(),\r';

/** Finds PVs and macro values in st.cmd and other scripts of the IOC shell. */
export function readIocsh(text: string, list: ReferenceList): void {
  let macros: MacroScope = NO_MACROS;
  for (const { line, start } of lines(text)) {
    if (list.isFull) return;
    macros = readLine(line, start, macros, list);
  }
}

/** Returns the macros that count behind the line: the environment so far. */
function readLine(
  line: string,
  start: number,
  macros: MacroScope,
  list: ReferenceList,
): MacroScope {
  if (line.trimStart().startsWith('#')) return macros;
  const [command, first, second, ...more] = wordsOf(line, start);
  if (!command || !first) return macros;
  if (command.text === 'epicsEnvSet') {
    if (!second) return macros;
    if (!list.addDefinitions(second, macros)) list.addPart(second, 'part', macros);
    return { definitions: [{ name: first.text, value: second.text }], outer: macros };
  }
  if (RECORD_COMMANDS.has(command.text)) list.addPv(first, macros);
  // A path is no PV, and macros without quotes are words of their own.
  for (const word of [first, second, ...more]) if (word) list.addDefinitions(word, macros);
  return macros;
}

/**
 * The words of a line, as the shell cuts it, before its macros are expanded. Macros before the
 * command (`$(IFCAM=) dbLoadRecords(...)`) are none: they become a `#`, or nothing.
 */
function wordsOf(line: string, start: number): FileText[] {
  const words: FileText[] = [];
  for (let at = 0; at < line.length;) {
    const character = line.charAt(at);
    if (SEPARATORS.includes(character)) {
      at++;
      continue;
    }
    const isQuoted = character === '"' || character === "'";
    const from = isQuoted ? at + 1 : at;
    at = isQuoted ? quoteEnd(line, from, character) : wordEnd(line, from);
    const isGuard =
      words.length === 0 && isReference(line, from) && referenceEnd(line, from) === at;
    if (!isGuard) words.push(within(plainText(line, start), from, line.slice(from, at)));
    if (isQuoted) at++;
  }
  return words;
}

function wordEnd(line: string, from: number): number {
  let at = from;
  while (at < line.length && !SEPARATORS.includes(line.charAt(at))) {
    if (isReference(line, at)) at = referenceEnd(line, at);
    // P="A:" is one word.
    else if (line[at] === '"') at = quoteEnd(line, at + 1, '"') + 1;
    else at++;
  }
  return Math.min(at, line.length);
}
