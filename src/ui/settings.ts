/** The settings as the extension reads them; a value that is not what it should be counts as none. */
import * as vscode from 'vscode';
import type { SearchMode } from '../model/coreApi';
import { SETTINGS, SETTINGS_SECTION } from './ids';

export type AutoExpose = 'never' | 'ask' | 'always';
export type TerminalEnvironmentMode = 'auto' | 'always' | 'never';

export interface Settings {
  readonly autoExpose: AutoExpose;
  /** Endpoint as a URI or context name; '' looks for engines. */
  readonly engine: string;
  readonly pvNames: readonly string[];
  readonly search: SearchMode;
  readonly terminalEnvironment: TerminalEnvironmentMode;
  /** Phoebus' executable on this machine; '' when there is none. */
  readonly phoebus: string;
}

export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SETTINGS_SECTION);
  const text = (name: string): string => {
    const value = section.get<unknown>(name);
    return typeof value === 'string' ? value.trim() : '';
  };
  const oneOf = <T extends string>(name: string, first: T, ...others: T[]): T =>
    others.find((choice) => choice === text(name)) ?? first;
  const names = section.get<unknown>(SETTINGS.pvNames);
  return {
    autoExpose: oneOf(SETTINGS.autoExpose, 'ask', 'never', 'always'),
    engine: text(SETTINGS.engine),
    pvNames: Array.isArray(names)
      ? [
          ...new Set(names.filter((name) => typeof name === 'string').map((name) => name.trim())),
        ].filter((name) => name !== '')
      : [],
    search: oneOf(SETTINGS.search, 'loopback', 'thishost', 'off'),
    terminalEnvironment: oneOf(SETTINGS.terminalEnvironment, 'auto', 'always', 'never'),
    phoebus: text(SETTINGS.phoebus),
  };
}

export function onDidChangeSettings(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(SETTINGS_SECTION)) listener();
  });
}
