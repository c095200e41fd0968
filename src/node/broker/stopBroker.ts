import type { Socket } from 'node:net';
import { withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { isErrorCode } from '../../base/errors';
import { waitFor } from '../../base/waitFor';
import { CoreClient } from '../../rpc/coreClient';
import type { BrokerPaths } from './brokerPaths';
import { dialBroker } from './dialBroker';
import { endSilent } from './endSilent';
import { BROKER_WORD } from './startBroker';

const LOOK_MS = 20;
const ANSWER_MS = 5000;
/** It closes its circuits and engines first. */
const END_MS = 15_000;

/**
 * Ends a broker of any version, also one whose protocol we do not know, and one that does not answer;
 * resolves when it has ended, to false if none runs. Rejects as `dialBroker` does, with UsageError if
 * it cannot be found or ended, and with TimeoutError if it does not end.
 */
export async function stopBroker(
  place: BrokerPaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const socket = await dialBroker(place, clock, signal);
    if (!socket) return false;
    await askToStop(socket, clock, signal);
  } catch (error) {
    if (!isErrorCode(error, 'timeout')) throw error;
    endSilent(place);
  }
  const hasEnded = async (): Promise<true | undefined> => {
    try {
      const other = await dialBroker(place, clock, signal);
      other?.destroy();
      return other ? undefined : true;
    } catch (error) {
      if (isErrorCode(error, 'timeout')) return undefined; // it is still there
      throw error;
    }
  };
  return withDeadline(
    clock,
    END_MS,
    `the background process does not answer; end the process that has the word ${BROKER_WORD} in its command line`,
    signal,
    (inner) => waitFor(clock, hasEnded, LOOK_MS, inner),
  );
}

/** Rejects with TimeoutError if it does not answer. */
async function askToStop(socket: Socket, clock: Clock, signal: AbortSignal): Promise<void> {
  const nothing = (): void => undefined;
  const events = {
    ...{ onSnapshot: nothing, onUpdate: nothing, onFollowed: nothing, onEnd: nothing },
  };
  const client = new CoreClient(socket, clock, events);
  try {
    await client.ask('stop', {}, signal, ANSWER_MS);
  } catch (error) {
    // Of other errors none matters: it may end before it answers.
    if (isErrorCode(error, 'timeout')) throw error;
  } finally {
    client.dispose();
  }
}
