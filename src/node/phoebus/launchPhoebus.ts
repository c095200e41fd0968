import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '../../base/abort';
import { clipped } from '../../base/clipped';
import type { Clock } from '../../base/clock';
import { UsageError } from '../../base/errors';
import { phoebusFailure } from '../../model/phoebusStart';
import { readHead } from '../readParts';
import { type PhoebusStart, preparePhoebus } from './preparePhoebus';

/** Java tells within this time whether it can start. */
const WATCH_MS = 4000;
const LOOK_MS = 100;
/** What Java says when it cannot start comes first. */
const LOG_BYTES = 64_000;
const SHOWN_CHARACTERS = 300;

/**
 * Starts Phoebus, which outlives us, and watches whether it starts: its script ends at once and
 * without an error, whatever becomes of the Java that it has started. Rejects with UsageError, with
 * the line that says why it does not.
 */
export async function launchPhoebus(
  start: PhoebusStart,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { program, words, folder, env } = await preparePhoebus(start);
  const log = join(start.folder, 'phoebus.log');
  const output = openSync(log, 'w', 0o600);
  const child = spawn(program, words, {
    ...{ cwd: folder, env },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code) => {
    if (code !== 0) failure ??= `it ended with ${code ?? 'a signal'}, see ${log}`;
  });
  child.unref();
  const endMs = clock.nowMs() + WATCH_MS;
  while (clock.nowMs() < endMs) {
    await delay(clock, LOOK_MS, signal);
    const why = phoebusFailure(await readHead(log, LOG_BYTES)) ?? failure;
    if (why !== undefined) {
      throw new UsageError(`${program} does not start: ${clipped(why, SHOWN_CHARACTERS)}`);
    }
  }
}
