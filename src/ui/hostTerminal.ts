/** Terminals on this machine with the environment for EPICS clients, in every kind of window. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { clientVariables, type HostServices } from './hostServices';
import { COMMAND_ENGINE, COMMAND_NODE, HOST_TERMINAL_PROFILE } from './ids';
import { readSettings } from './settings';
import { stepDone } from './walkthroughSteps';
import type { WindowExposure } from './windowExposure';

/** Opens such a terminal and shows it. */
export async function openHostTerminal(
  exposure: WindowExposure,
  system: HostServices,
): Promise<void> {
  const options = await terminalOptions(exposure, system);
  vscode.window.createTerminal(options).show();
  // Before anything is exposed it would be a terminal like any other.
  if (exposure.snapshot.nameServers) stepDone('hasHostTerminal');
}

/** Offers such terminals as a terminal profile. */
export function registerHostTerminalProfile(
  exposure: WindowExposure,
  system: HostServices,
): Disposable {
  return vscode.window.registerTerminalProfileProvider(HOST_TERMINAL_PROFILE, {
    provideTerminalProfile: async () =>
      new vscode.TerminalProfile(await terminalOptions(exposure, system)),
  });
}

/** The user's own command comes first, if there is one. */
function commandVariables({ command, environment, terminalVariables }: HostServices): {
  readonly [name: string]: string;
} {
  const { folder, node, delimiter } = command;
  // Windows calls it Path.
  const name = Object.keys(environment).find((one) => one.toUpperCase() === 'PATH') ?? 'PATH';
  const { engine } = readSettings();
  const isThere = terminalVariables.get(COMMAND_NODE) !== undefined;
  return isThere
    ? {}
    : {
        [name]: [environment[name], folder].filter(Boolean).join(delimiter),
        [COMMAND_NODE]: node,
        ...(engine !== '' && { [COMMAND_ENGINE]: engine }),
      };
}

async function terminalOptions(
  exposure: WindowExposure,
  system: HostServices,
): Promise<vscode.TerminalOptions> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const environment = await clientVariables(exposure.snapshot, system);
  // What the window adds to all its terminals would be there twice.
  const missing = Object.entries(environment).filter(
    ([name]) => !system.terminalVariables.get(name),
  );
  return {
    name: 'EPICS Host',
    iconPath: new vscode.ThemeIcon('broadcast'),
    env: {
      ...commandVariables(system),
      ...Object.fromEntries(missing.map(([name, list]) => [name, list === '' ? null : list])),
    },
    // In a remote window a terminal is remote unless its folder is a file: URI; a string is not
    // enough.
    cwd: folder?.scheme === 'file' ? folder : vscode.Uri.file(system.homeFolder),
  };
}

/** Runs a line in a terminal of this machine, where the user sees what happens. */
export function runHere(
  { homeFolder }: Pick<HostServices, 'homeFolder'>,
  name: string,
  line: string,
): void {
  const terminal = vscode.window.createTerminal({
    name,
    iconPath: new vscode.ThemeIcon('package'),
    cwd: vscode.Uri.file(homeFolder),
  });
  terminal.show();
  terminal.sendText(line);
}
