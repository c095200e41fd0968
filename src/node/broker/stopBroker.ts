/** Ends a broker of whatever version: one that is not understood can be got rid of, too. */
import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { ExposureClient } from '../../rpc/exposureClient';
import type { BrokerPlace } from './brokerPlace';
import { dialBroker } from './dialBroker';

const LOOK_MS = 20;

/** False when none runs; resolves when it has ended. Rejects as `dialBroker`, and at the signal. */
export async function stopBroker(
  place: BrokerPlace,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const socket = await dialBroker(place, clock, signal);
  if (!socket) return false;
  const nothing = (): void => undefined;
  const events = { onSnapshot: nothing, onUpdate: nothing, onEnd: nothing };
  const client = new ExposureClient(socket, clock, events);
  try {
    // Its answer may be lost to its end.
    await client.request('stop', {}, signal).catch(nothing);
  } finally {
    client.dispose();
  }
  for (;;) {
    const other = await dialBroker(place, clock, signal);
    other?.destroy();
    if (!other) return true;
    await delay(clock, LOOK_MS, signal);
  }
}
