import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export type EngineKind = 'docker' | 'podman' | 'rootless';

/** Who a slot belongs to. `startTicks` (of /proc/PID/stat) tells a process from a later namesake. */
interface Owner {
  kind: EngineKind;
  /** 0: nobody in particular; the slot stays until someone stops it. */
  pid: number;
  startTicks: string;
}

/**
 * A slot is a number that one engine has on this machine while it lives. Folder, bridge, user and
 * subnets follow from it, so that several test runs and developers never meet.
 */
export interface Slot {
  number: number;
  kind: EngineKind;
  folder: string;
  /** Names the bridge, the cgroup and the user; at most 15 bytes, as Linux wants interfaces. */
  name: string;
  /** The text of its owner.json: a slot freed and taken again is another one. */
  owner: string;
}

/** World-readable and short: a unix socket's path has 107 bytes at most. */
export const labFolder = '/tmp/epics-expose-lab';
const slotCount = 64;
const scriptFolder = __dirname;

/** Takes the first free slot, after cleaning up the slots of runs that were killed. */
export function takeSlot(kind: EngineKind, isDetached = false): Slot {
  mkdirSync(labFolder, { recursive: true });
  chmodSync(labFolder, 0o755);
  for (const slot of listSlots()) if (!isOwned(slot)) freeSlot(slot);
  const pid = isDetached ? 0 : process.pid;
  const ticks = isDetached ? '' : (startTicks(pid) ?? '');
  const owner = JSON.stringify({ kind, pid, startTicks: ticks } satisfies Owner);
  const fresh = mkdtempSync(join(labFolder, 'fresh-'));
  chmodSync(fresh, 0o755);
  writeFileSync(join(fresh, 'owner.json'), owner);
  for (let number = 0; number < slotCount; number++) {
    const slot = slotOf(number, kind, owner);
    try {
      // Fails when the folder exists, since one with an owner in it is never empty: hence atomic.
      renameSync(fresh, slot.folder);
      return slot;
    } catch {
      continue;
    }
  }
  rmSync(fresh, { recursive: true });
  throw new Error(`all ${slotCount} engine slots below ${labFolder} are taken`);
}

/** Ends whatever the slot's engine has started and removes its folder. Idempotent. */
export function freeSlot(slot: Slot): void {
  if (!existsSync(slot.folder)) return;
  runScript(slot, 'stop');
}

/** Starts the slot's engine; it answers some time later. */
export function startEngine(slot: Slot): void {
  runScript(slot, 'start', `172.29.${slot.number}.1/24`, `172.28.${slot.number * 4}.0/22`);
}

/**
 * One script at a time on this machine, for they share iptables and the list of users; and only while
 * the slot is the one we looked at, or a second cleaner would end the next engine in it. `-o`: the
 * engine itself must not go on holding the lock.
 */
function runScript(slot: Slot, action: 'start' | 'stop', ...networks: string[]): void {
  const script = join(scriptFolder, slot.kind === 'docker' ? 'docker.sh' : 'podman.sh');
  const parameters = [action, slot.folder, slot.name, slot.kind, ...networks];
  execFileSync(
    'flock',
    [
      '-o',
      join(labFolder, 'lock'),
      'sh',
      '-c',
      'test "$(cat "$3/owner.json" 2>/dev/null)" != "$0" || exec "$@"',
      slot.owner,
      script,
      ...parameters,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 },
  );
}

export function listSlots(): Slot[] {
  if (!existsSync(labFolder)) return [];
  return readdirSync(labFolder).flatMap((entry) => {
    const owner = /^\d+$/.test(entry) ? readOwner(join(labFolder, entry)) : undefined;
    return owner ? [slotOf(Number(entry), (JSON.parse(owner) as Owner).kind, owner)] : [];
  });
}

/** Its process runs still, or it was taken to stay. */
export function isOwned(slot: Slot): boolean {
  const owner = JSON.parse(slot.owner) as Owner;
  return owner.pid === 0 || startTicks(owner.pid) === owner.startTicks;
}

function slotOf(number: number, kind: EngineKind, owner: string): Slot {
  return { number, kind, folder: join(labFolder, `${number}`), name: `exlab${number}`, owner };
}

function readOwner(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, 'owner.json'), 'utf8');
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/PID/stat, counted after the name, which may itself hold spaces and brackets. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
