import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { delay, withDeadline } from '../../base/abort';
import type { Clock } from '../../base/clock';
import { TransportError } from '../../base/errors';
import { waitFor } from '../../base/waitFor';
import { type BrokerPaths, type Environment, preparePlace } from './brokerPaths';
import { dialBroker } from './dialBroker';

/** In the command line of every broker that is started here: what it is, for who looks. */
export const BROKER_WORD = 'epics-expose-broker';
/**
 * V8 lets short-lived objects grow to three times 16 MB before it looks at them. With 4 MB the broker
 * needs 123 MB for 100,000 PVs instead of 158 (docs/benchmarks.md).
 */
const YOUNG_GENERATION = '--max-semi-space-size=4';
/** Of glibc: what was freed is not kept once for each thread. */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' };
const START_TIMEOUT_MS = 10_000;
const FIRST_LOOK_MS = 30;
const LOOK_MS = 10;

/** What to start, and where it will listen. */
export interface StartBrokerInput {
  readonly place: BrokerPaths;
  /** Path of dist/broker.js. */
  readonly program: string;
  readonly env: Environment;
  readonly clock: Clock;
}

/**
 * Starts a broker that outlives us, and connects to it. If another front end does so at the same
 * time, one of the two brokers ends at once and both front ends get the other one. Rejects with
 * TransportError, which names the log.
 */
export async function startBroker(input: StartBrokerInput, signal: AbortSignal): Promise<Socket> {
  const { place, program, env, clock } = input;
  preparePlace(place);
  const log = openSync(place.logFile, 'a', 0o600);
  // The extra word shows in process lists what this is; VS Code's port forwarder recognises it and
  // leaves the ports alone (package.json, remote.portsAttributes).
  const child = spawn(process.execPath, [YOUNG_GENERATION, resolve(program), BROKER_WORD], {
    // In an editor the executable is Electron, which has to be told to be Node.
    env: {
      ...FEW_ARENAS,
      ...env,
      // Where we look for it, even if the broker would choose another folder.
      EPICS_EXPOSE_BROKER_DIR: place.folder,
      ...('electron' in process.versions && { ELECTRON_RUN_AS_NODE: '1' }),
    },
    cwd: place.folder,
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let failure: string | undefined;
  child.once('error', (error) => (failure = error.message));
  // 0: another broker was first.
  child.once('exit', (code, name) => {
    if (code !== 0) failure = `it ended with ${name ?? code}`;
  });
  child.unref();
  return withDeadline(
    clock,
    START_TIMEOUT_MS,
    `the background process did not start within ${START_TIMEOUT_MS / 1000} s; see ${place.logFile}`,
    signal,
    async (inner) => {
      await delay(clock, FIRST_LOOK_MS, inner);
      const look = async (): Promise<Socket | undefined> => {
        const socket = await dialBroker(place, clock, inner);
        if (!socket && failure !== undefined) {
          throw new TransportError(
            `the background process did not start: ${failure}. ${lastLine(place.logFile)}See ${place.logFile}`,
          );
        }
        return socket;
      };
      return waitFor(clock, look, LOOK_MS, inner);
    },
  );
}

function lastLine(logFile: string): string {
  try {
    const line = readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1);
    return line ? `Its last line: ${line}. ` : '';
  } catch {
    return '';
  }
}
