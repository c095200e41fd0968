import type { ProcessInfo } from '../../host/socketReport';

/** The longest name that is displayed. */
const MAX_NAME = 200;
/** Python modules that run anybody's IOC or gateway. */
const OF_SOFTWARE = /^(p4p\.gw|epicscorelibs\.ioc|pvxslibs\.ioc)$/;
/** Folders and scripts that many IOCs share. */
const COMMON =
  /^(iocs?|runtime|boot|iocBoot|app|src|bin|epics|opt|tmp|st|start|startup|main|run|init|conf|config|cfg|scripts?|services|work|home|root|usr|var|data)$/i;

/**
 * A name for an IOC as its user would call it: IOC_NAME; IOC, unless it is a path (`/epics/ioc` in
 * the images of epics-containers); the prompt of its shell; the folder of its st.cmd
 * (bl01t-ea-test-01/st.cmd, iocBoot/iocX/st.cmd), or its script; its database; `container`, the name
 * of its container.
 */
export function iocName(process: ProcessInfo, container: string): string {
  const name = ownName(process) ?? container;
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME)}...`;
}

function ownName(process: ProcessInfo): string | undefined {
  const { environment, name: program } = process;
  const { IOC_NAME, IOC, IOCSH_PS1 } = environment;
  if (isName(IOC_NAME)) return IOC_NAME;
  if (isName(IOC)) return IOC;
  const prompt = /^([\w.:-]+)\s*>\s*$/.exec(IOCSH_PS1 ?? '')?.[1];
  if (isName(prompt) && prompt !== 'epics') return prompt;
  const script = scriptOf(process);
  const called = script === undefined ? undefined : calledAfter(script, process);
  if (called !== undefined) return called;
  const database = databaseOf(process);
  return database === undefined ? undefined : `${program} ${database}`;
}

function isName(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '' && !text.includes('/');
}

/**
 * The folder of a script with a name that all have, or the one above (bl01t-ea-test-01/config/st.cmd);
 * otherwise the script without its ending.
 */
function calledAfter(script: string, { workingDirectory = '' }: ProcessInfo): string | undefined {
  const plain = baseName(script).replace(/\.(cmd|iocsh|boot|py)(\.[\w-]+)?$/, '');
  if (!COMMON.test(plain)) return plain;
  const path = script.startsWith('/') ? script : `${workingDirectory}/${script}`;
  const folders = path.split('/').filter((part) => part !== '' && part !== '.');
  return folders
    .slice(-3, -1)
    .reverse()
    .find((folder) => !COMMON.test(folder));
}

/** What an IOC was started with: a script of the IOC shell, or of Python. */
function scriptOf({ commandLine: words, name }: ProcessInfo): string | undefined {
  const script = words.slice(1).find((word) => /\.(cmd|iocsh|boot)(\.[\w-]+)?$/.test(word));
  if (script !== undefined || !/^python[\d.]*$/.test(name)) return script;
  // Behind a script, -m is the script's own: softIoc -m P=X:.
  const first = words.findIndex((word, at) => at > 0 && (!word.startsWith('-') || word === '-m'));
  if (words[first] !== '-m') return words[first]?.endsWith('.py') ? words[first] : undefined;
  const module = words[first + 1];
  return module === undefined || OF_SOFTWARE.test(module) ? undefined : module;
}

function databaseOf({ commandLine }: ProcessInfo): string | undefined {
  const database = commandLine.find((word) => /\.(db|vdb|template)$/.test(word));
  return database === undefined ? undefined : baseName(database);
}

/**
 * Names of several processes of one container: those that would be the same carry the script or
 * database that tells them apart, or the pid.
 */
export function iocNames(processes: readonly ProcessInfo[], container: string): string[] {
  const plain = processes.map((process) => iocName(process, container));
  const withFiles = plain.map((name, at) => {
    const isShared = plain.indexOf(name) !== plain.lastIndexOf(name);
    const process = processes[at]!;
    const script = scriptOf(process);
    const file = script === undefined ? databaseOf(process) : baseName(script);
    return isShared && file !== undefined ? `${name} (${file})` : name;
  });
  return withFiles.map((name, at) => {
    const isShared = withFiles.indexOf(name) !== withFiles.lastIndexOf(name);
    return isShared ? `${plain[at]} (pid ${processes[at]!.pid})` : name;
  });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
