import type { Clock } from '../../base/clock';
import { waitFor } from '../../base/waitFor';
import { CoreClient } from '../../rpc/coreClient';
import type { BrokerPaths } from './brokerPaths';
import { dialBroker } from './dialBroker';

const LOOK_MS = 20;

/**
 * Ends a broker of any version, also one whose protocol we do not know; resolves when it has ended,
 * to false if none runs. Rejects as `dialBroker` does.
 */
export async function stopBroker(
  place: BrokerPaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const socket = await dialBroker(place, clock, signal);
  if (!socket) return false;
  const nothing = (): void => undefined;
  const events = { onSnapshot: nothing, onUpdate: nothing, onEnd: nothing };
  const client = new CoreClient(socket, clock, events);
  try {
    // It may end before it answers.
    await client.ask('stop', {}, signal).catch(nothing);
  } finally {
    client.dispose();
  }
  const hasEnded = async (): Promise<true | undefined> => {
    const other = await dialBroker(place, clock, signal);
    other?.destroy();
    return other ? undefined : true;
  };
  return waitFor(clock, hasEnded, LOOK_MS, signal);
}
