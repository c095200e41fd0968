/** What processes cost, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** User and system time of a process and all its living descendants. */
export function cpuSeconds(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + ownCpuSeconds(member), 0);
}

/** User and system time of one process. */
export function ownCpuSeconds(pid: number): number {
  const fields = statOf(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

/** As `cpuSeconds`, with those of its children that have ended and were waited for. */
export function cpuSecondsWithEnded(pid: number): number {
  return familyOf(pid).reduce((sum, member) => {
    const ticks = statOf(member).slice(11, 15).map(Number);
    return sum + ticks.reduce((all, one) => all + one, 0) / TICKS_PER_SECOND;
  }, 0);
}

/** The words it was started with; none for a process that has ended. */
export function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** The process and its descendants. */
export function familyOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const one = Number(entry);
    if (!Number.isInteger(one)) continue;
    const parent = Number(statOf(one)[1]);
    children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const family = [pid];
  for (const member of family) family.push(...(children.get(member) ?? []));
  return family;
}

/** The fields of /proc/PID/stat behind the name; empty for a process that has just ended. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Resident memory now, and the most it ever was. */
export function memoryMegabytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

/** Resident memory of a process and all its living descendants. */
export function familyMegabytes(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + memoryMegabytes(member).now, 0);
}

export function seconds(count: number): Promise<void> {
  return new Promise((done) => setTimeout(done, count * 1000));
}
