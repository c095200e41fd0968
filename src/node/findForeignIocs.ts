import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ForeignIoc } from '../model/diagnosis/finding';
import { parseCommandLine, parseParentPid, parseUid } from '../services/discovery/detect/parseProc';
import { readProc } from './containers/hostProcess';
import { Turns } from './turns';

/** Whether a program is known to serve PVs, by its command line. */
type IsServer = (process: { readonly commandLine: readonly string[] }) => boolean;

/** What starts and watches a container, and the word before the container's id. */
const MONITORS: Readonly<Record<string, { engine: ForeignIoc['engine']; option: string }>> = {
  conmon: { engine: 'podman', option: '-c' },
  'containerd-shim-runc-v2': { engine: 'docker', option: '-id' },
  'containerd-shim': { engine: 'docker', option: '-id' },
};
/** From a program of a container to what watches the container. */
const MAX_PARENTS = 8;
const MAX_FOUND = 20;

/**
 * IOCs that run in containers of other users of this machine, as far as /proc shows them to anybody:
 * programs that are known to serve (`isServer`), in a container that is not among `knownIds` and whose engine runs
 * as another user. Empty where there is no /proc.
 */
export async function findForeignIocs(
  knownIds: ReadonlySet<string>,
  isServer: IsServer,
): Promise<readonly ForeignIoc[]> {
  if (process.platform !== 'linux') return [];
  const turns = new Turns();
  const found: ForeignIoc[] = [];
  for (const entry of readdirSync('/proc')) {
    if (turns.isOver) await turns.next();
    const pid = Number(entry);
    if (!Number.isInteger(pid) || found.length >= MAX_FOUND) continue;
    const ioc = await foreignIoc(pid, knownIds, isServer).catch(() => undefined);
    if (ioc) found.push(ioc);
  }
  return found;
}

/** Rejects if a process has gone meanwhile. */
async function foreignIoc(
  pid: number,
  knownIds: ReadonlySet<string>,
  isServer: IsServer,
): Promise<ForeignIoc | undefined> {
  const commandLine = commandOf(pid);
  if (!isServer({ commandLine }) || !isInside(readProc(pid, 'status'))) return undefined;
  let parent = pid;
  for (let count = 0; count < MAX_PARENTS; count++) {
    parent = parseParentPid(readProc(parent, 'stat'));
    if (!(parent > 1)) return undefined;
    const status = readProc(parent, 'status');
    if (isInside(status)) continue;
    const words = commandOf(parent);
    const monitor = MONITORS[baseName(words[0])];
    const id = monitor && words[words.indexOf(monitor.option) + 1];
    const uid = parseUid(status);
    const isOurs = uid === process.getuid?.() || (id !== undefined && knownIds.has(id));
    if (!monitor || uid === undefined || isOurs) return undefined;
    const program = baseName(commandLine.find((word) => isServer({ commandLine: [word] })));
    return { pid, program, user: await userName(uid), uid, engine: monitor.engine };
  }
  return undefined;
}

/** Whether a process has a number of its own in a container. */
function isInside(status: string): boolean {
  return /^NSpid:\s*\d+\s+\d+/m.test(status);
}

function commandOf(pid: number): string[] {
  return parseCommandLine(readProc(pid, 'cmdline'));
}

function baseName(path = ''): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function userName(uid: number): Promise<string> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const line = users.split('\n').find((one) => one.split(':')[2] === `${uid}`);
  return line?.split(':')[0] ?? `${uid}`;
}
