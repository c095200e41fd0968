/** Commands by which other modules load records: `require` and `runScript` of e3, `luash` of lua. */
const LOADER = 'require|runScript|luash|luaCmd|iocshSnippet';
/** Endings of files of records. */
const ENDING = 'db|vdb|template|substitutions?|subst?|subs?';

const LOADERS = new RegExp(`^(${LOADER}|afterInit|pyDbLoad\\w*)$`);
const ANY_LOADER = new RegExp(`\\b(${LOADER})\\b`);
/** A word that names a file of records. */
const DATABASE_FILE = new RegExp(`\\.(${ENDING})$`, 'i');
const ANY_DATABASE = new RegExp(`\\.(${ENDING})\\b`, 'i');
/** Commands that we run ourselves, and those that name databases without loading them. */
const KNOWN = new Set([
  ...['dbLoadDatabase', 'dbLoadRecords', 'dbLoadTemplate', 'dbLoadGroup', 'dbl', 'dbla', 'dbli'],
  ...['iocshCmd', 'iocshRun', 'iocshLoad', 'echo', 'system', 'help', 'var', 'on', 'date', 'pwd'],
  ...['dbgrep', 'dbhcr', 'dbpr', 'dbpf', 'epicsEnvShow'],
  ...['create_monitor_set', 'create_triggered_set', 'set_requestfile_path', 'autosaveBuild'],
  ...['set_pass0_restoreFile', 'set_pass1_restoreFile'],
  ...['makeAutosaveFiles', 'makeAutosaveFileFromDbInfo'],
]);

/**
 * Whether the words of a line, a command and its arguments, may load records in a way that we do
 * not follow: a command of another module that is known to, or any unknown one that names a
 * database.
 */
export function mayLoadRecords([command = '', ...args]: readonly string[]): boolean {
  if (LOADERS.test(command)) return true;
  return !KNOWN.has(command) && args.some(isDatabaseFile);
}

/** Whether a word names a file of records, by its ending. */
export function isDatabaseFile(word: string): boolean {
  return DATABASE_FILE.test(word);
}

/** Whether records may be lost with a line that is left out, macros still in it. */
export function mayDefineNames(line: string): boolean {
  return OUR_COMMAND.test(line) || ANY_LOADER.test(line) || ANY_DATABASE.test(line);
}

const OUR_COMMAND = /dbLoad|dbCreateAlias|iocshLoad|iocshRun|iocshCmd|^\s*<|^\s*cd\b/;
