import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { viewStateOf, type WindowPlace } from '../present/viewState';
import { CONTEXT_KEYS } from './ids';
import { onDidChangeSettings, readSettings } from './settings';
import type { WindowExposure } from './windowExposure';

/**
 * Keeps the context keys current on which menus and welcome texts depend; sets only what changed.
 */
export function syncContextKeys(exposure: WindowExposure, place: WindowPlace): Disposable {
  const store = new DisposableStore();
  const known = new Map<string, unknown>();
  const set = (key: string, value: unknown): void => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  };
  set(CONTEXT_KEYS.isInside, place === 'inside');
  const keep = (): void => {
    const { engine, phoebus } = readSettings();
    const { isExposing, snapshot } = exposure;
    set(CONTEXT_KEYS.isExposing, isExposing);
    set(CONTEXT_KEYS.hasPhoebus, phoebus !== '');
    set(
      CONTEXT_KEYS.situation,
      viewStateOf({
        isExposing,
        isTrusted: vscode.workspace.isTrusted,
        place,
        isEngineNamed: engine !== '',
        problem: exposure.problem?.kind,
        snapshot,
      }),
    );
  };
  store.add(exposure.onDidChange(keep));
  store.add(onDidChangeSettings(keep));
  store.add(vscode.workspace.onDidGrantWorkspaceTrust(keep));
  keep();
  return store;
}
