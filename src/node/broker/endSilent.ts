import { UsageError } from '../../base/errors';
import type { BrokerPaths } from './brokerPaths';
import { findSilent } from './findSilent';

/**
 * Ends a broker that does not answer: the process that listens on its socket. `told` is the number
 * that it said itself, which may mean another process, because in a container numbers are others; it
 * counts only where the system does not tell who listens.
 * @throws UsageError if that process is not found, or cannot be ended from here
 */
export async function endSilent(place: BrokerPaths, told?: number): Promise<void> {
  const pid = process.platform === 'linux' ? (await findSilent(place)).pid : told;
  if (pid === undefined || !Number.isSafeInteger(pid) || pid <= 1) {
    throw new UsageError(
      `No process of this machine is seen to listen at ${place.socket}: end the background process where it runs.`,
    );
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    throw new UsageError(`Process ${pid} cannot be ended from here.`, { cause });
  }
}
