/** Commands by which other modules load records: `require` and `runScript` of e3, `luash` of lua. */
const LOADERS = /^(require|runScript|luash|luaCmd|iocshSnippet|afterInit|pyDbLoad\w*)$/;
/** Commands that we run ourselves, and those that name databases without loading them. */
const KNOWN =
  /^(dbLoad(Database|Records|Template|Group)|dbl|dbla|dbli|dbgrep|dbhcr|dbpr|dbpf|echo|system|date|pwd|help|var|on|create_monitor_set|create_triggered_set|set_requestfile_path|set_pass[01]_restoreFile|makeAutosaveFile\w*|autosaveBuild|epicsEnvShow|iocshCmd|iocshRun|iocshLoad)$/;
/** A word that names a file of records. */
const DATABASE_FILE = /\.(db|vdb|template|substitutions?|subst?|subs)$/i;

/**
 * Whether the words of a line, a command and its arguments, may load records in a way that we do
 * not follow: a command of another module that is known to, or any unknown one that names a
 * database.
 */
export function mayLoadRecords([command = '', ...args]: readonly string[]): boolean {
  if (LOADERS.test(command)) return true;
  return !KNOWN.test(command) && args.some((word) => DATABASE_FILE.test(word));
}
