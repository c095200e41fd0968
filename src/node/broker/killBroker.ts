import { UsageError } from '../../base/errors';
import { readProc } from '../containers/hostProcess';
import { BROKER_WORD } from './startBroker';

/**
 * Ends a broker that does not answer. It told its number itself, and may have meant another process:
 * in a container, numbers are others. Throws UsageError if that process is no broker, or is gone.
 */
export function killBroker(pid: number): void {
  if (!isBroker(pid)) {
    throw new UsageError(
      `Process ${pid} of this machine is no background process of epics-expose: end it where it runs.`,
    );
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    throw new UsageError(`Process ${pid} cannot be ended from here.`, { cause });
  }
}

/** Where processes cannot be looked at, its word is taken for it. */
function isBroker(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readProc(pid, 'cmdline').split('\0').includes(BROKER_WORD);
  } catch {
    return false;
  }
}
