/** `epics-expose env`: prints lines that set up, or clear, the environment of a shell, or one client. */
import { UsageError } from '../../base/errors';
import { CLIENTS, type Client, type ClientName } from '../../model/diagnosis/clients';
import {
  formatChanges,
  type NameServers,
  type Shell,
  withoutOurs,
} from '../../present/clientEnvironment';
import { clientSetUp, clientVariablesOf } from '../../present/clientSetUp';
import { brokerNameServers } from '../brokerNameServers';
import { clientVariables } from '../clientVariables';
import { EXIT } from '../exitCodes';
import type { CommonOptions } from '../options';
import type { Terminal } from '../terminal';
import { emptyExit, withLook, wordsFor } from '../withLook';
import { TERMINAL_WORDS } from '../../present/frontEndWords';

/** The options of `env`. */
export interface EnvOptions extends CommonOptions {
  /** Whose lines; absent: bash, or those of the client. */
  readonly shell?: Shell;
  /** What this client reads alone, and how it reads a PV. */
  readonly client?: ClientName;
  /** Remove our entries from the shell again. */
  readonly unset?: boolean;
}

const NOBODY: NameServers = { ca: [], pva: [] };

/** Runs the command; resolves to its exit code. */
export async function runEnv(
  options: EnvOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { shell = 'bash', client } = options;
  if (client !== undefined) checkClient(client, options);
  const print = async (nameServers: NameServers, words = TERMINAL_WORDS): Promise<number> => {
    const all = await clientVariables(nameServers, terminal, signal);
    const input = client && { client, environment: all, nameServers, pv: options.pv[0] ?? 'MY:PV' };
    const environment = input ? clientVariablesOf(input) : all;
    const isWhole = input && options.shell === undefined;
    const lines = isWhole ? clientSetUp(input) : formatChanges(environment, shell);
    if (options.json === true) terminal.printJson(environment);
    else for (const line of lines) terminal.print(line);
    if (nameServers.ca.length + nameServers.pva.length > 0) return EXIT.ok;
    terminal.report(`Nothing is relayed to this machine now. ${words.expose}.`);
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
    if (empty === undefined) return print(opened.nameServers, wordsFor(opened));
    if (client !== undefined) return (await print(NOBODY)) && empty;
    // Nothing is there any more; the shell should not go on waiting for it.
    for (const line of formatChanges(await clientVariables(NOBODY, terminal, signal), shell)) {
      if (options.json !== true) terminal.print(line);
    }
    return empty;
  });
}

function checkClient(name: ClientName, { shell, unset = false }: EnvOptions): void {
  if (unset) throw new UsageError('--unset is about all clients: leave out --client.');
  const { title, hasPreferences = false }: Client = CLIENTS[name];
  if (shell !== undefined && hasPreferences) {
    throw new UsageError(`${title} is told by preferences, not by variables: leave out --shell.`);
  }
}

function isChoice({ container, label, engine, workspace }: CommonOptions): boolean {
  return container.length + label.length + engine.length > 0 || workspace !== undefined;
}
