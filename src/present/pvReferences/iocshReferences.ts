import { isReference, referenceEnd } from '../../model/macros';
import { lines, quoteEnd } from './lines';
import { type FileText, type MacroScope, NO_MACROS, plainText, unescaped } from './pvReference';
import { type ReferenceList, within } from './referenceList';

/** Commands whose first argument is a record. */
const RECORD_COMMANDS = new Set([
  ...['dbpf', 'dbgf', 'dbpr', 'dbtr', 'dbtgf', 'dbtpf', 'dbtpn', 'dba', 'tpn', 'dbap', 'dbb'],
  ...['dbd', 'dbc', 'dbs', 'caget', 'caput', 'camonitor', 'pvget', 'pvput', 'pvmonitor'],
]);
/** Commands whose first argument, or all of them, are a command that is run later, or many times. */
const RUNNERS = new Set([
  ...['afterInit', 'afterIocRunning', 'doAfterIocInit', 'atInit'],
  ...['iocshCmd', 'iocshRun', 'iocshCmdLoop', 'iocshCmdList'],
]);
/** A command in a command in a command ends there. */
const MAX_RUNNERS = 3;
const SEPARATORS = ' \t(),\r';

/** Finds PVs and macro values in st.cmd and other scripts of the IOC shell. */
export function readIocsh(text: string, list: ReferenceList): void {
  readCommands(plainText(text, 0), list);
}

/** Finds them in commands that stand in another file. */
export function readCommands(found: FileText, list: ReferenceList): void {
  let macros: MacroScope = NO_MACROS;
  for (const { line, start } of lines(found.text)) {
    if (list.isFull) return;
    macros = readLine(within(found, start, line), macros, list);
  }
}

/** Returns the macros that count behind the line: the environment so far. */
function readLine(line: FileText, macros: MacroScope, list: ReferenceList): MacroScope {
  if (line.text.trimStart().startsWith('#')) return macros;
  const [command, first, second, ...more] = commandIn(line);
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

/** The words of the command that a line runs in the end: of `afterInit "dbpf X 1"`, the inner one. */
function commandIn(line: FileText): FileText[] {
  let words = wordsOf(line);
  for (let depth = 0; depth < MAX_RUNNERS; depth++) {
    const [command, first, ...rest] = words;
    if (!command || !first || !RUNNERS.has(command.text)) break;
    words = /[\s(]/.test(first.text) ? [...wordsOf(first), ...rest] : [first, ...rest];
  }
  return words;
}

/**
 * The words of a line, as the shell cuts it, before its macros are expanded. Macros before the
 * command (`$(IFCAM=) dbLoadRecords(...)`) are none: they become a `#`, or nothing.
 */
function wordsOf(found: FileText): FileText[] {
  const { text: line } = found;
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
    if (!isGuard) words.push(unescaped(within(found, from, line.slice(from, at))));
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
