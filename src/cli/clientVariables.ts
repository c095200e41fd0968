import {
  clientEnvironment,
  loopbackEntries,
  type NameServers,
  refusedNotes,
} from '../present/nameServers';
import { findRefused } from '../node/findRefused';
import type { Terminal } from './terminal';

/**
 * The environment for clients, with what the person had set less our own remains that refuse; what
 * refuses and is the person's is told with what it costs. '' takes a variable away.
 */
export async function clientVariables(
  nameServers: NameServers,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const refused = await findRefused(loopbackEntries(process.env), signal);
  for (const note of refusedNotes(process.env, refused)) terminal.tell(`! ${note}.`);
  return clientEnvironment(nameServers, process.env, refused);
}
