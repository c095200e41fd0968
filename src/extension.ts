/** The extension: wiring only. Nothing heavy is loaded before the person exposes PVs. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { DisposableStore } from './base/disposable';
import { UsageError } from './base/errors';
import { launchProgram } from './node/launchProgram';
import { registerCommands } from './ui/commands';
import { exposeByItself } from './ui/exposeByItself';
import { registerHostTerminalProfile } from './ui/hostTerminal';
import { keepContextKeys } from './ui/keepContextKeys';
import { keepEnvironmentFiles } from './ui/keepEnvironmentFiles';
import { keepTerminalVariables } from './ui/keepTerminalVariables';
import { MonitorPanels } from './ui/monitorPanel';
import { registerPvHover } from './ui/pvHover';
import { tooltipOf } from './ui/pvTooltip';
import { PvsView } from './ui/pvsView';
import { onDidChangeSettings } from './ui/settings';
import { createStatusBar } from './ui/statusBar';
import { WindowExposure } from './ui/windowExposure';
import { OwnContainer, windowPlace, windowRemote } from './ui/windowPlace';

/** In the workspace's state: whether the window exposes, also after a reload. */
const IS_EXPOSING = 'isExposing';

export function activate(context: vscode.ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('EPICS Expose', { log: true }));
  const system = { environment: process.env, homeFolder: homedir(), launch: launchProgram };
  const place = windowPlace(context.extension);
  const { engine } = windowRemote();
  const exposure = store.add(new WindowExposure(connect, engine === undefined ? [] : [engine]));
  const ownContainer = store.add(new OwnContainer(exposure));
  const ownContainerKey = (): string | undefined => ownContainer.container?.key;
  const view = store.add(
    new PvsView({
      exposure,
      ownContainerKey,
      tooltipOf: (node, signal) => tooltipOf(exposure, node, signal),
    }),
  );
  const monitors = store.add(new MonitorPanels(exposure, context.extensionUri));
  store.add(keepContextKeys(exposure, place));
  store.add(createStatusBar(exposure));
  store.add(registerPvHover(exposure));
  store.add(registerHostTerminalProfile(exposure, system));
  store.add(
    keepTerminalVariables(context.environmentVariableCollection, exposure, place, ownContainerKey),
  );
  store.add(keepEnvironmentFiles(context.globalStorageUri, exposure, log));
  store.add(onDidChangeSettings(() => void exposure.updateWish()));
  store.add(
    registerCommands({
      exposure,
      view,
      monitors,
      log,
      extensionId: context.extension.id,
      system,
      restartBroker: async () => undefined,
      rememberExposing: (isExposing) => context.workspaceState.update(IS_EXPOSING, isExposing),
    }),
  );
  const wasExposing = context.workspaceState.get(IS_EXPOSING) === true;
  void exposeByItself(context.workspaceState, wasExposing, place);
}

function connect(): Promise<never> {
  return Promise.reject(new UsageError('The broker is not there yet.'));
}
