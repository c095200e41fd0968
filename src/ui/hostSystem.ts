import type { EnvironmentVariableCollection } from 'vscode';

/** What of this machine the commands need; the composition root has it from Node. */
export interface HostSystem {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  /** What every new terminal of the window gets anyway. */
  readonly terminalVariables: EnvironmentVariableCollection;
  /** Starts a program that outlives us. Rejects with a sentence when it cannot be started. */
  readonly launch: (executable: string, environment: Record<string, string>) => Promise<void>;
}
