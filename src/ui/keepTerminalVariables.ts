import type * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { WindowPlace } from '../present/viewState';
import { terminalEnvironment } from '../present/terminalEnvironment';
import type { CommandLocation } from './hostServices';
import { COMMAND_ENGINE, COMMAND_NODE } from './ids';
import { onDidChangeSettings, readSettings } from './settings';
import type { WindowExposure } from './windowExposure';

/**
 * Keeps the name servers current in the environment of this window's new terminals, with ours
 * before the user's; on this machine the command is there, too, behind the user's own.
 */
export function keepTerminalVariables(
  collection: vscode.EnvironmentVariableCollection,
  exposure: WindowExposure,
  place: WindowPlace,
  ownContainerKey: () => string | undefined,
  command: CommandLocation,
): Disposable {
  const store = new DisposableStore();
  // A window that starts without exposing must not have last week's values.
  collection.persistent = false;
  const begin = (): void => {
    collection.clear();
    // Containers get the window's variables, too, and have neither the folder nor that Node.
    if (place !== 'here') return;
    collection.append('PATH', `${command.delimiter}${command.folder}`);
    collection.replace(COMMAND_NODE, command.node);
    const { engine } = readSettings();
    if (engine !== '') collection.replace(COMMAND_ENGINE, engine);
  };
  begin();
  const stateOf = (environment: object): string =>
    JSON.stringify([environment, readSettings().engine]);
  let known = stateOf({});
  const keep = (): void => {
    const environment = terminalEnvironment(
      readSettings().terminalEnvironment,
      place,
      exposure.snapshot,
      ownContainerKey(),
    );
    const text = stateOf(environment);
    // Each change marks the open terminals as outdated.
    if (text === known) return;
    known = text;
    begin();
    for (const [name, list] of Object.entries(environment)) collection.prepend(name, `${list} `);
    collection.description =
      'EPICS clients find the PVs that EPICS Expose offers on this machine, and `epics-expose` works.';
  };
  store.add(exposure.onDidChange(keep));
  store.add(onDidChangeSettings(keep));
  store.add({ dispose: () => collection.clear() });
  return store;
}
