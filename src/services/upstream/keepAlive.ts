import { delay } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { TimeoutError } from '../../base/errors';
import type { ProtocolLink } from './protocolLink';

/**
 * How often a sign of life is requested, however busy the machine is: pvAccess servers end a
 * circuit whose client is silent for 40 s, whatever they send themselves (pvxs and p4p send an echo
 * every 15 s).
 */
const PING_MS = 15_000;
/** How long to wait for the answer, longer on a busy machine. */
const ANSWER_TIMEOUT_MS = 5000;
const TICK_MS = 5000;

/**
 * Keeps a circuit alive from the end of its handshake, when we have just spoken, until the signal
 * aborts; then it rejects with CancelledError. Rejects with TimeoutError if nothing is received for
 * too long. Of our silence, which the server counts, all time counts; of the server's, only time in
 * which we ran: a process that was stopped itself does not take its servers for dead.
 */
export async function keepAlive(
  clock: Clock,
  link: Pick<ProtocolLink, 'takeReceived' | 'flush'>,
  ping: () => void,
  signal: AbortSignal,
): Promise<never> {
  let silentMs = 0;
  let pingedMs = clock.nowMs();
  for (;;) {
    const waitMs = untilTickMs(clock.nowMs());
    await delay(clock, waitMs, signal);
    silentMs = link.takeReceived() ? 0 : silentMs + waitMs;
    // How busy the machine is costs a look at it, which most circuits never need.
    const isLate = silentMs >= PING_MS + ANSWER_TIMEOUT_MS;
    if (isLate && silentMs >= PING_MS + clock.stretch(ANSWER_TIMEOUT_MS)) {
      throw new TimeoutError(`no sign of life within ${Math.round(silentMs / 1000)} s`);
    }
    // By the clock, because ticks come late after a stop; this is the one nearest to its time.
    if (clock.nowMs() - pingedMs < PING_MS - TICK_MS / 2) continue;
    pingedMs = clock.nowMs();
    ping();
    link.flush();
  }
}

/**
 * Until the next tick, between a half and one and a half of its period: all circuits tick at the same
 * moments, because hundreds that wake the process one by one cost more.
 */
function untilTickMs(nowMs: number): number {
  return Math.ceil(nowMs / TICK_MS + 0.5) * TICK_MS - nowMs;
}
