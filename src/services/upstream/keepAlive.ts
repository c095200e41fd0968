import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { TimeoutError } from '../../base/errors';
import type { ProtocolLink } from './protocolLink';

/**
 * How often a sign of life is asked for, be the machine busy or not: servers of pvAccess end a circuit
 * whose client is silent for 40 s, whatever they send themselves (pvxs and p4p ask every 15 s).
 */
const PING_MS = 15_000;
/** An answer is waited for so long, and longer on a busy machine. */
const ANSWER_TIMEOUT_MS = 5000;
const TICK_MS = 5000;

/**
 * Keeps a circuit alive until the signal aborts; then it rejects with CancelledError. Rejects with
 * TimeoutError when nothing is heard for too long. What counts is time in which we ran: a process that
 * was stopped itself does not take its servers for dead.
 */
export async function keepAlive(
  clock: Clock,
  link: Pick<ProtocolLink, 'takeHeard' | 'flush'>,
  ping: () => void,
  signal: AbortSignal,
): Promise<never> {
  let silentMs = 0;
  for (let tick = 1; ; tick++) {
    await delay(clock, TICK_MS, signal);
    silentMs = link.takeHeard() ? 0 : silentMs + TICK_MS;
    if (silentMs >= PING_MS + clock.stretch(ANSWER_TIMEOUT_MS)) {
      throw new TimeoutError(`no sign of life within ${silentMs / 1000} s`);
    }
    if ((tick * TICK_MS) % PING_MS !== 0) continue;
    ping();
    link.flush();
  }
}
