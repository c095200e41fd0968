/** The extension: wiring only. Nothing heavy is loaded before the user exposes PVs. */
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { DisposableStore, toDisposable } from './base/disposable';
import { printableLines } from './base/printable';
import type { Endpoint } from './model/endpoint';
import type { WindowPlace } from './present/viewState';
import { findRefused } from './node/findRefused';
import { launchProgram } from './node/launchProgram';
import { systemClock } from './node/systemClock';
import { awaitIoc } from './ui/awaitIoc';
import { BrokerLog } from './ui/brokerLog';
import { exposeWithProgress, registerCommands } from './ui/commands';
import { exposeAutomatically } from './ui/exposeAutomatically';
import { registerHostTerminalProfile } from './ui/hostTerminal';
import { syncContextKeys } from './ui/syncContextKeys';
import { keepEnvironmentFiles } from './ui/keepEnvironmentFiles';
import { keepTerminalVariables } from './ui/keepTerminalVariables';
import { logProblems } from './ui/logProblems';
import { MonitorPanels } from './ui/monitorPanel';
import { registerPvHover } from './ui/pvHover';
import { tooltipOf } from './ui/pvTooltip';
import { PvsView } from './ui/pvsView';
import { onDidChangeSettings } from './ui/settings';
import { createStatusBar } from './ui/statusBar';
import { type Connect, WindowExposure } from './ui/windowExposure';
import { OwnContainer, readRemoteText, windowPlace, windowRemote } from './ui/windowPlace';

/** Key in the workspace's state: whether the window exposes PVs, also after a reload. */
const IS_EXPOSING = 'isExposing';
const WINDOW_ID = 'windowId';
/** Loopback addresses answer at once. */
const REFUSED_TIMEOUT_MS = 2000;

/** Called by VS Code once it has started. */
export function activate(context: vscode.ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('EPICS Expose', { log: true }));
  const system = {
    environment: process.env,
    homeFolder: homedir(),
    terminalVariables: context.environmentVariableCollection,
    launch: launchProgram,
    findRefused: (endpoints: readonly Endpoint[]) =>
      findRefused(endpoints, AbortSignal.timeout(REFUSED_TIMEOUT_MS)).catch(
        () => new Set<string>(),
      ),
  };
  const wasExposing = context.workspaceState.get(IS_EXPOSING) === true;
  const place = windowPlace(context.extension);
  const { engine, kind, container } = windowRemote();
  const exposure = store.add(
    new WindowExposure(connectTo(context, log), windowEngines(place, engine), container),
  );
  const ownContainer = store.add(new OwnContainer(exposure));
  const ownContainerKey = (): string | undefined => ownContainer.container?.key;
  const view = store.add(
    new PvsView({
      exposure,
      ownContainerKey,
      place,
      tooltipOf: (node) => tooltipOf(exposure, node),
      clock: systemClock,
    }),
  );
  const monitors = store.add(new MonitorPanels(exposure, context.extensionUri));
  store.add(syncContextKeys(exposure, place));
  store.add(createStatusBar(exposure));
  store.add(logProblems(exposure, log));
  store.add(registerPvHover(exposure, () => view.pointerLeft()));
  store.add(registerHostTerminalProfile(exposure, system));
  store.add(
    keepTerminalVariables(context.environmentVariableCollection, exposure, place, ownContainerKey),
  );
  store.add(keepEnvironmentFiles(context.globalStorageUri, exposure, log, wasExposing));
  const rememberExposing = (isExposing: boolean): Thenable<void> =>
    context.workspaceState.update(IS_EXPOSING, isExposing);
  const brokerLog = store.add(new BrokerLog(exposure, log));
  store.add(onDidChangeSettings(() => void exposure.updateRequest()));
  store.add(
    registerCommands({
      exposure,
      view,
      monitors,
      log,
      extensionId: context.extension.id,
      system,
      brokerLog,
      rememberExposing,
    }),
  );
  void exposeAutomatically({
    workspaceState: context.workspaceState,
    wasExposing,
    isContainerWindow: kind === 'container',
    untilIocListens: () => untilIocListens(exposure, store),
    expose: async () => {
      await rememberExposing(true);
      await exposeWithProgress(exposure);
    },
  });
}

/**
 * Waits until an IOC listens in the window's container. False when the user has exposed PVs
 * meanwhile or the window closes. True at once if it cannot be known.
 */
async function untilIocListens(exposure: WindowExposure, store: DisposableStore): Promise<boolean> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (!folder) return true;
  const abort = new AbortController();
  const end = store.add(toDisposable(() => abort.abort()));
  const change = store.add(
    exposure.onDidChange(() => {
      if (exposure.isExposing) abort.abort();
    }),
  );
  const readText = (path: string): Promise<string> => readRemoteText(folder.with({ path }));
  try {
    await awaitIoc({ readText, clock: systemClock }, abort.signal);
    return !exposure.isExposing;
  } catch {
    return false; // aborted
  } finally {
    store.release(change);
    store.release(end);
  }
}

/** The engines that the window implies; none: search for engines. */
function windowEngines(place: WindowPlace, engine: string | undefined): string[] {
  // A container has no engine to ask; the core looks around in it.
  if (place === 'inside') return ['here:'];
  return engine === undefined ? [] : [engine];
}

/** Connects to the core in the broker, which all windows and terminals share. */
function connectTo(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Connect {
  const { version } = context.extension.packageJSON as { version: string };
  return async (signal) => {
    const { connectBroker } = await import('./node/broker/connectBroker');
    return connectBroker(
      {
        env: process.env,
        clientName: 'VS Code',
        clientId: await windowId(context.workspaceState),
        version,
        program: vscode.Uri.joinPath(context.extensionUri, 'dist', 'broker.js').fsPath,
        log: (level, tag, message) => log[level](`${tag}: ${printableLines(message)}`),
      },
      signal,
    );
  };
}

/** Identifies the window, also after a reload, so that the core recognises it. */
async function windowId(state: vscode.Memento): Promise<string> {
  const known = state.get<string>(WINDOW_ID);
  if (known !== undefined) return known;
  const made = randomUUID();
  await state.update(WINDOW_ID, made);
  return made;
}
