/** `epics-expose env`: prints lines that set up, or clear, the environment of a shell. */
import {
  formatChanges,
  type NameServers,
  type Shell,
  withoutOurs,
} from '../../present/clientEnvironment';
import { brokerNameServers } from '../brokerNameServers';
import { clientVariables } from '../clientVariables';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook } from '../withLook';

/** The options of `env`. */
export interface EnvOptions extends CommonOptions {
  /** Remove our entries from the shell again. */
  readonly unset?: boolean;
}

const NOBODY: NameServers = { ca: [], pva: [] };

/** Runs the command; resolves to its exit code. */
export async function runEnv(
  shell: Shell,
  options: EnvOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const print = async (nameServers: NameServers): Promise<number> => {
    const environment = await clientVariables(nameServers, terminal, signal);
    if (options.json === true) terminal.printJson(environment);
    else for (const line of formatChanges(environment, shell)) terminal.print(line);
    if (nameServers.ca.length + nameServers.pva.length > 0) return EXIT.ok;
    terminal.report(
      'Nothing is relayed to this machine now. Keep `epics-expose` running in another terminal.',
    );
    return EXIT.unreachable;
  };
  if (options.unset === true) {
    for (const line of formatChanges(withoutOurs(process.env), shell)) terminal.print(line);
    return EXIT.ok;
  }
  // It is the same for everybody: without a selection there is nothing to look for.
  const told = isChoice(options) ? undefined : await brokerNameServers(terminal, signal);
  if (told) return print(told);
  return withLook(options, terminal, signal, 'look', async (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty === undefined) return print(opened.nameServers);
    // Nothing is there any more; the shell should not go on waiting for it.
    for (const line of formatChanges(await clientVariables(NOBODY, terminal, signal), shell)) {
      if (options.json !== true) terminal.print(line);
    }
    return empty;
  });
}

function isChoice({ container, label, engine, workspace }: CommonOptions): boolean {
  return container.length + label.length + engine.length > 0 || workspace !== undefined;
}
