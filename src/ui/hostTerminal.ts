/** Terminals on this machine with the environment of EPICS clients, in every kind of window. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { clientEnvironment, nameServersOf } from '../model/nameServers';
import type { HostSystem } from './hostSystem';
import { HOST_TERMINAL_PROFILE } from './ids';
import type { WindowExposure } from './windowExposure';

export function openHostTerminal(exposure: WindowExposure, system: HostSystem): void {
  vscode.window.createTerminal(terminalOptions(exposure, system)).show();
}

export function registerHostTerminalProfile(
  exposure: WindowExposure,
  system: HostSystem,
): Disposable {
  return vscode.window.registerTerminalProfileProvider(HOST_TERMINAL_PROFILE, {
    provideTerminalProfile: () => new vscode.TerminalProfile(terminalOptions(exposure, system)),
  });
}

function terminalOptions(exposure: WindowExposure, system: HostSystem): vscode.TerminalOptions {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const environment = clientEnvironment(nameServersOf(exposure.snapshot), system.environment);
  // What the window adds to all its terminals would be there twice.
  const missing = Object.entries(environment).filter(
    ([name]) => !system.terminalVariables.get(name),
  );
  return {
    name: 'EPICS Host',
    iconPath: new vscode.ThemeIcon('broadcast'),
    env: Object.fromEntries(missing),
    // In a remote window a terminal is remote unless its folder is a file: URI; a string is not enough.
    cwd: folder?.scheme === 'file' ? folder : vscode.Uri.file(system.homeFolder),
  };
}
