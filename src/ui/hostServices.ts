import type { EnvironmentVariableCollection } from 'vscode';
import type { MachineLook } from '../model/diagnosis/machineFacts';
import type { WorkspaceFile } from '../model/diagnosis/workspaceSettings';
import type { Endpoint } from '../model/endpoint';
import { clientEnvironment, loopbackEntries, nameServersOf } from '../present/clientEnvironment';
import type { Snapshot } from '../model/snapshot';
import type { Identity } from '../model/identity';

/** How terminals find the command. */
export interface CommandLocation {
  /** The folder that has it. */
  readonly folder: string;
  /** The Node that runs it, VS Code's own. */
  readonly node: string;
  /** Between the entries of a PATH. */
  readonly delimiter: string;
}

/** What the commands need from this machine; the composition root implements it with Node. */
export interface HostServices {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Finds the endpoints of this machine at which nothing listens, as texts. */
  readonly findRefused: (endpoints: readonly Endpoint[]) => Promise<ReadonlySet<string>>;
  /** Who answers on this machine, at these endpoints too. Rejects with CancelledError. */
  readonly lookAtMachine: (
    endpoints: readonly Endpoint[],
    signal: AbortSignal,
  ) => Promise<MachineLook>;
  /**
   * The files of a folder of this machine that make containers or set up clients, and the preferences
   * of the Phoebus of this path ('': of the PATH).
   */
  readonly readSettingsFiles: (
    folder: string | undefined,
    phoebus: string,
  ) => Promise<readonly WorkspaceFile[]>;
  readonly homeFolder: string;
  /** As Node names it. */
  readonly platform: string;
  /** How terminals of this machine find the command `epics-expose`. */
  readonly command: CommandLocation;
  /** Whether there is a program of that name in the PATH. */
  readonly hasProgram: (name: string) => Promise<boolean>;
  /** For reports: our version and what runs it, a line each. */
  readonly versions: readonly string[];
  /** Where reports may be sent: a URL. */
  readonly reportAddress: string;
  /** What reports do not tell. */
  readonly identity: Identity;
  /** Ends the background process, also one that does not answer; false: there is none. */
  readonly stopBroker: (signal: AbortSignal) => Promise<boolean>;
  /** The end of a log; undefined: it cannot be read. */
  readonly readLog: (path: string) => Promise<string | undefined>;
  /** What every new terminal of the window gets anyway. */
  readonly terminalVariables: EnvironmentVariableCollection;
  /** Starts Phoebus, which outlives us. Rejects with a sentence when it does not start. */
  readonly launchPhoebus: (
    executable: string,
    words: readonly string[],
    environment: Record<string, string>,
  ) => Promise<void>;
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
