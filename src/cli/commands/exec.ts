/**
 * `epics-expose exec -- CMD ARGS`: runs a client with the environment set, and keeps the relays
 * open while it runs.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { failureNotes } from '../../present/table';
import { clientVariables } from '../clientVariables';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook } from '../withLook';
import { TERMINAL_WORDS } from '../../present/frontEndWords';
import { problemSentence } from '../../present/problemText';
import type { Snapshot } from '../../model/snapshot';

/** Runs the command; resolves to the client's exit code. */
export function runExec(
  command: readonly string[],
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'relay', async (opened) => {
    if (signal.aborted) return 128 + constants.signals.SIGINT;
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    const { snapshot } = opened;
    // The client itself will only say "timeout".
    const containers = snapshot.containers.filter(({ status }) => status !== 'stopped');
    for (const note of failureNotes({ ...snapshot, containers }, TERMINAL_WORDS))
      terminal.report(`! ${note}`);
    const environment = await clientVariables(opened.nameServers, terminal, signal);
    const env = { ...process.env, ...environment };
    for (const name in environment) if (environment[name] === '') delete env[name];
    const told = new Set(vainSearches(opened.snapshot));
    const code = await runChild(command, env, terminal);
    for (const vain of vainSearches(opened.snapshot))
      if (!told.has(vain)) terminal.report(`! ${vain}`);
    return code;
  });
}

/** What clients search for although nobody has it, in words. */
function vainSearches({ notices = [] }: Snapshot): string[] {
  return notices.flatMap((notice) =>
    notice.code === 'searched-in-vain' ? problemSentence(notice, TERMINAL_WORDS) : [],
  );
}

function runChild(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: 'inherit' });
    // Ctrl-C reaches the child from the terminal itself; a signal sent to us alone is passed on.
    const pass = (name: NodeJS.Signals): void => void child.kill(name);
    process.on('SIGTERM', pass);
    process.on('SIGHUP', pass);
    const finish = (code: number): void => {
      process.off('SIGTERM', pass);
      process.off('SIGHUP', pass);
      resolve(code);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      terminal.report(
        missing
          ? `There is no command "${program}" on this machine's PATH.`
          : `Cannot run "${program}": ${error.message}`,
      );
      finish(missing ? EXIT.commandNotFound : EXIT.commandNotFound - 1);
    });
    child.once('exit', (code, name) => finish(code ?? 128 + (name ? constants.signals[name] : 0)));
  });
}
