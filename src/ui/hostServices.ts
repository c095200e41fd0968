import type { EnvironmentVariableCollection } from 'vscode';
import type { Endpoint } from '../model/endpoint';
import { clientEnvironment, loopbackEntries, nameServersOf } from '../present/clientEnvironment';
import type { Snapshot } from '../model/snapshot';

/** What the commands need from this machine; the composition root implements it with Node. */
export interface HostServices {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Finds the endpoints of this machine at which nothing listens, as texts. */
  readonly findRefused: (endpoints: readonly Endpoint[]) => Promise<ReadonlySet<string>>;
  readonly homeFolder: string;
  /** What every new terminal of the window gets anyway. */
  readonly terminalVariables: EnvironmentVariableCollection;
  /** Starts a program that outlives us. Rejects with a sentence when it cannot be started. */
  readonly launch: (executable: string, environment: Record<string, string>) => Promise<void>;
}

/**
 * The environment for clients that start on this machine now; '' for a variable that had only old
 * entries of ours.
 */
export async function clientVariables(
  snapshot: Snapshot,
  { environment, findRefused }: HostServices,
): Promise<Record<string, string>> {
  const refused = await findRefused(loopbackEntries(environment));
  return clientEnvironment(nameServersOf(snapshot), environment, refused);
}
