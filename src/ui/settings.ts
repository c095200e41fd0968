import * as vscode from 'vscode';
import type { AnswerMode, SearchMode } from '../model/coreApi';
import { SETTINGS, SETTINGS_SECTION } from './ids';

/** The setting `autoExpose`. */
export type AutoExpose = 'never' | 'ask' | 'always';
/** The setting `terminalEnvironment`. */
export type TerminalEnvironmentMode = 'auto' | 'always' | 'never';

/** The settings; a malformed value counts as unset. */
export interface Settings {
  readonly autoExpose: AutoExpose;
  /** Endpoint as a URI or context name; '' means every engine that is found. */
  readonly engine: string;
  readonly pvNames: readonly string[];
  readonly search: SearchMode;
  readonly answers: AnswerMode;
  readonly terminalEnvironment: TerminalEnvironmentMode;
  /** Whether the end of this window's IOC, and what happens to watched PVs, is told. */
  readonly notify: boolean;
  /** Whether PVs of open files that no IOC has are reported. */
  readonly problems: boolean;
  /** Path of the Phoebus executable on this machine; '' if there is none. */
  readonly phoebus: string;
}

/** Reads the current settings. */
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
    answers: oneOf(SETTINGS.answers, 'auto', 'direct', 'relay'),
    terminalEnvironment: oneOf(SETTINGS.terminalEnvironment, 'auto', 'always', 'never'),
    notify: section.get<unknown>(SETTINGS.notify) === true,
    problems: section.get<unknown>(SETTINGS.problems) === true,
    phoebus: text(SETTINGS.phoebus),
  };
}

/** Calls back when any of our settings has changed. */
export function onDidChangeSettings(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(SETTINGS_SECTION)) listener();
  });
}
