import {
  clientEnvironment,
  loopbackEntries,
  type NameServers,
  refusedNotes,
} from '../present/clientEnvironment';
import { findRefused } from '../node/findRefused';
import type { Terminal } from './terminal';

/**
 * The environment for clients: what the user had set, without entries of ours that refuse
 * connections. The user's own entries that refuse are reported with what they cost. '' removes a
 * variable.
 */
export async function clientVariables(
  nameServers: NameServers,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const refused = await findRefused(loopbackEntries(process.env), signal);
  for (const note of refusedNotes(process.env, refused)) terminal.report(`! ${note}.`);
  return clientEnvironment(nameServers, process.env, refused);
}
