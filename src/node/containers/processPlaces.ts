import { readdirSync } from 'node:fs';
import { Turns } from '../turns';
import { readProc, rethrowPassing, tryLink, type HostProcess } from './hostProcess';

/** Watches of twenty containers look at the same moment: one of them reads for all. */
const SHARED_MS = 250;

/** Where a process of this machine is. */
export interface ProcessPlace {
  readonly pid: number;
  /** The text of /proc/PID/cgroup, which names the container in most engines. */
  readonly controlGroup: string;
  /** Undefined where we may not see it. */
  readonly mountNamespace: string | undefined;
}

let last: { readonly atMs: number; readonly places: Promise<readonly ProcessPlace[]> } | undefined;

/**
 * Where the processes of this machine are now, or were at most SHARED_MS ago. Rejects with a passing
 * problem of this machine.
 */
export function listProcessPlaces(): Promise<readonly ProcessPlace[]> {
  const nowMs = performance.now();
  if (!last || nowMs - last.atMs > SHARED_MS) last = { atMs: nowMs, places: readPlaces() };
  return last.places;
}

async function readPlaces(): Promise<readonly ProcessPlace[]> {
  const turns = new Turns();
  const places: ProcessPlace[] = [];
  for (const entry of readdirSync('/proc')) {
    if (turns.isOver) await turns.next();
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const place = placeOf(pid);
    if (place) places.push(place);
  }
  return places;
}

/** Where a process is; undefined when it has just ended. Throws a passing problem of this machine. */
export function placeOf(pid: number): ProcessPlace | undefined {
  try {
    const controlGroup = readProc(pid, 'cgroup');
    return { pid, controlGroup, mountNamespace: tryLink(`/proc/${pid}/ns/mnt`) };
  } catch (error) {
    rethrowPassing(error);
    return undefined;
  }
}

/**
 * Whether a process is in the container of that first one: by control group, which everybody may read
 * but rootless engines may not have, or by mount namespace, which a program in the container may have
 * left (a sandbox of its own).
 */
export function isInside(
  { pid, containerId }: HostProcess,
  mountNamespace: string | undefined,
  place: ProcessPlace,
): boolean {
  return (
    place.pid === pid ||
    place.controlGroup.includes(containerId) ||
    (mountNamespace !== undefined && place.mountNamespace === mountNamespace)
  );
}
