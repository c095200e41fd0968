import type { EnvironmentVariableCollection } from 'vscode';
import type { Endpoint } from '../model/endpoint';
import { clientEnvironment, loopbackEntries, nameServersOf } from '../present/nameServers';
import type { Snapshot } from '../model/snapshot';

/** What of this machine the commands need; the composition root has it from Node. */
export interface HostServices {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of endpoints of this machine those at which nobody listens, as texts. */
  readonly findRefused: (endpoints: readonly Endpoint[]) => Promise<ReadonlySet<string>>;
  readonly homeFolder: string;
  /** What every new terminal of the window gets anyway. */
  readonly terminalVariables: EnvironmentVariableCollection;
  /** Starts a program that outlives us. Rejects with a sentence when it cannot be started. */
  readonly launch: (executable: string, environment: Record<string, string>) => Promise<void>;
}

/** For clients that start on this machine now; '' where a variable has only remains of ours in it. */
export async function clientVariables(
  snapshot: Snapshot,
  { environment, findRefused }: HostServices,
): Promise<Record<string, string>> {
  const refused = await findRefused(loopbackEntries(environment));
  return clientEnvironment(nameServersOf(snapshot), environment, refused);
}
