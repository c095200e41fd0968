import { UsageError } from '../../base/errors';
import type { BrokerPaths } from './brokerPaths';
import { findSilent } from './findSilent';

/**
 * Ends a broker that does not answer. Not by the number that it once told: that may mean another
 * process here, because in a container numbers are others.
 * @throws UsageError if it is not known which process it is, or it cannot be ended from here
 */
export function endSilent(place: BrokerPaths): void {
  const { pid } = findSilent(place);
  if (pid === undefined) {
    throw new UsageError(
      `It is not known which process listens at ${place.socket}: end the background process where it runs.`,
    );
  }
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    throw new UsageError(`Process ${pid} cannot be ended from here.`, { cause });
  }
}
