import type * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { WindowPlace } from '../present/viewState';
import { terminalEnvironment } from '../present/terminalEnvironment';
import { onDidChangeSettings, readSettings } from './settings';
import type { WindowExposure } from './windowExposure';

/**
 * Keeps the name servers current in the environment of this window's new terminals, with ours
 * before the user's.
 */
export function keepTerminalVariables(
  collection: vscode.EnvironmentVariableCollection,
  exposure: WindowExposure,
  place: WindowPlace,
  ownContainerKey: () => string | undefined,
): Disposable {
  const store = new DisposableStore();
  // A window that starts without exposing must not have last week's values.
  collection.persistent = false;
  collection.clear();
  let known = '{}';
  const keep = (): void => {
    const environment = terminalEnvironment(
      readSettings().terminalEnvironment,
      place,
      exposure.snapshot,
      ownContainerKey(),
    );
    const text = JSON.stringify(environment);
    // Each change marks the open terminals as outdated.
    if (text === known) return;
    known = text;
    collection.clear();
    for (const [name, list] of Object.entries(environment)) collection.prepend(name, `${list} `);
    collection.description = 'EPICS clients find the PVs that EPICS Expose offers on this machine.';
  };
  store.add(exposure.onDidChange(keep));
  store.add(onDidChangeSettings(keep));
  store.add({ dispose: () => collection.clear() });
  return store;
}
