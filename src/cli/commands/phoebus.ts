/**
 * `epics-expose phoebus`: starts Phoebus so that it finds the PVs, and keeps them exposed until it
 * ends.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onAbort } from '../../base/abort';
import { UsageError } from '../../base/errors';
import { printable } from '../../base/printable';
import { brokerPaths } from '../../node/broker/brokerPaths';
import { preparePhoebus, type PreparedPhoebus } from '../../node/phoebus/preparePhoebus';
import { clientVariables } from '../clientVariables';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook } from '../withLook';

/** Options of the command. */
export interface PhoebusOptions extends CommonOptions {
  /** Path of Phoebus' script or program. */
  readonly program?: string;
}

/** Runs the command; resolves to its exit code when Phoebus has ended. */
export function runPhoebus(
  words: readonly string[],
  options: PhoebusOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'relay', async (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    const environment = await clientVariables(opened.nameServers, terminal, signal);
    const own = brokerPaths(process.env)?.folder;
    // Without a broker there is no folder that is ours alone.
    const folder = own ?? (await mkdtemp(join(tmpdir(), 'epics-expose-')));
    try {
      const start = { executable: options.program ?? '', words, environment, folder };
      const prepared = await preparePhoebus(start).catch((error: unknown) => {
        if (!(error instanceof UsageError)) throw error;
        throw new UsageError(`${error.message} Name it: epics-expose phoebus --program PATH`);
      });
      terminal.report(
        `Starting ${printable(prepared.program)}. Its PVs stay exposed until it ends, or Ctrl-C.`,
      );
      return await run(prepared, terminal, signal);
    } finally {
      if (own === undefined) await rm(folder, { recursive: true, force: true });
    }
  });
}

/**
 * Until all that it started has ended: its script ends at once, and Java goes on; both have our pipes.
 */
function run(
  { program, words, folder, env }: PreparedPhoebus,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve) => {
    // Of a group of its own: Ctrl-C ends us, not the user's displays.
    const options = { cwd: folder, env, detached: true };
    const child = spawn(program, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(process.stdout, { end: false });
    child.stderr.pipe(process.stderr, { end: false });
    const leaving = onAbort(signal, () => {
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(EXIT.ok);
    });
    const finish = (code: number): void => {
      leaving.dispose();
      resolve(code);
    };
    child.once('error', (error) => {
      terminal.report(`Cannot run "${program}": ${error.message}`);
      finish(EXIT.commandNotFound - 1);
    });
    child.once('close', (code) => finish(code ?? EXIT.internal));
  });
}
