/** Terminals on this machine with the environment for EPICS clients, in every kind of window. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { clientVariables, type HostServices } from './hostServices';
import { HOST_TERMINAL_PROFILE } from './ids';
import type { WindowExposure } from './windowExposure';

/** Opens such a terminal and shows it. */
export async function openHostTerminal(
  exposure: WindowExposure,
  system: HostServices,
): Promise<void> {
  vscode.window.createTerminal(await terminalOptions(exposure, system)).show();
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
    env: Object.fromEntries(missing.map(([name, list]) => [name, list === '' ? null : list])),
    // In a remote window a terminal is remote unless its folder is a file: URI; a string is not
    // enough.
    cwd: folder?.scheme === 'file' ? folder : vscode.Uri.file(system.homeFolder),
  };
}
