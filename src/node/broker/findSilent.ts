import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, isSuspended, startTicksOf } from '../containers/hostProcess';
import type { BrokerPaths } from './brokerPaths';

/** What is known of a broker that does not answer. */
export interface SilentBroker {
  /** Absent where it is not known which process it is. */
  readonly pid?: number;
  /** It was stopped, by Ctrl-Z or a signal, and goes on by SIGCONT. */
  readonly isSuspended?: true;
}

/**
 * Writes down that this process is the broker, for who finds it silent: its number, and on Linux
 * when it started, which no later process of that number has. Only this user can write in that
 * folder; what the kernel lists of sockets, other users can forge.
 */
export function writePid({ pidFile }: BrokerPaths): void {
  try {
    writeFileSync(pidFile, ownLine(), { mode: 0o600 });
  } catch {
    // Without it, it is not known who is silent; a full disk keeps no broker from serving.
  }
}

/** Takes it back, unless another broker has written there since. */
export function removePid({ pidFile }: BrokerPaths): void {
  try {
    if (readFileSync(pidFile, 'latin1') === ownLine()) rmSync(pidFile, { force: true });
  } catch {
    // It is gone already.
  }
}

function ownLine(): string {
  const startTicks = process.platform === 'linux' ? startTicksOf('self') : 0;
  return `${process.pid} ${startTicks ?? 0}\n`;
}

/** Finds the process that is the broker, without asking it. */
export function findSilent({ pidFile }: BrokerPaths): SilentBroker {
  try {
    const [, digits, ticks] = /^(\d+) (\d+)\n$/.exec(readFileSync(pidFile, 'latin1')) ?? [];
    const [pid, startTicks] = [Number(digits), Number(ticks)];
    if (!Number.isSafeInteger(pid) || pid <= 1) return {};
    const isIt = process.platform !== 'linux' || isAlive({ pid, startTicks, containerId: '' });
    return isIt ? silentBroker(pid) : {};
  } catch {
    return {}; // an older one wrote nothing
  }
}

/** The same of a process that is known. */
export function silentBroker(pid: number): SilentBroker {
  return { pid, ...(isSuspended(pid) && { isSuspended: true }) };
}
