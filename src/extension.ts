/** The extension: wiring only. Nothing heavy is loaded before the user exposes PVs. */
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore, toDisposable } from './base/disposable';
import { printableLines } from './base/printable';
import type { Endpoint } from './model/endpoint';
import type { WorkspaceFile } from './model/diagnosis/workspaceSettings';
import type { WindowPlace } from './present/viewState';
import { findProgram } from './node/findProgram';
import { reportFacts } from './node/reportFacts';
import { findRefused } from './node/findRefused';
import { lookAtMachine } from './node/lookAtMachine';
import { readWorkspaceFiles } from './node/readWorkspaceFiles';
import { readPhoebusSettings } from './node/phoebus/preparePhoebus';
import { launchPhoebus } from './node/phoebus/launchPhoebus';
import { systemClock } from './node/systemClock';
import { awaitIoc } from './ui/awaitIoc';
import { BrokerLog } from './ui/brokerLog';
import { exposeWithProgress, registerCommands } from './ui/commands';
import { exposeAutomatically } from './ui/exposeAutomatically';
import { registerHostTerminalProfile } from './ui/hostTerminal';
import { syncContextKeys } from './ui/syncContextKeys';
import { keepEnvironmentFiles } from './ui/keepEnvironmentFiles';
import { keepTerminalVariables } from './ui/keepTerminalVariables';
import { LiveValues } from './ui/liveValues';
import { logProblems } from './ui/logProblems';
import { notifyOfLostIoc } from './ui/notifyOfLostIoc';
import { notifyOfWatched } from './ui/notifyOfWatched';
import { registerPvCompletion } from './ui/pvCompletion';
import { PlotPanels } from './ui/plotPanels';
import { registerPvHover } from './ui/pvHover';
import { registerRecordDefinition, showRecord } from './ui/recordDefinition';
import { RecordFiles } from './ui/recordFiles';
import { pvTooltip, tooltipOf } from './ui/pvTooltip';
import { PvsView } from './ui/pvsView';
import { onDidChangeSettings, readSettings } from './ui/settings';
import { createStatusBar } from './ui/statusBar';
import { UnservedPvs } from './ui/unservedPvs';
import { WhyView } from './ui/whyView';
import { WatchedValues } from './ui/watchedValues';
import { WatchList } from './ui/watchList';
import { WatchView } from './ui/watchView';
import { type Connect, WindowExposure } from './ui/windowExposure';
import { OwnContainer, readRemoteText, windowPlace, windowRemote } from './ui/windowPlace';

/** Key in the workspace's state: whether the window exposes PVs, also after a reload. */
const IS_EXPOSING = 'isExposing';
/** Names of the containers that this workspace leaves out. */
const LEFT_OUT = 'leftOut';
const WINDOW_ID = 'windowId';
/** Loopback addresses answer at once. */
const REFUSED_TIMEOUT_MS = 2000;

/** Called by VS Code once it has started. */
export function activate(context: vscode.ExtensionContext): void {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('EPICS Expose', { log: true }));
  const closing = new AbortController();
  store.add(toDisposable(() => closing.abort()));
  const { version, bugs } = context.extension.packageJSON as {
    version: string;
    bugs: { url: string };
  };
  const system = {
    environment: process.env,
    homeFolder: homedir(),
    platform: process.platform,
    ...reportFacts(version),
    reportAddress: bugs.url,
    terminalVariables: context.environmentVariableCollection,
    launchPhoebus: (
      executable: string,
      words: readonly string[],
      environment: Record<string, string>,
    ) => {
      const folder = context.globalStorageUri.fsPath;
      return launchPhoebus({ executable, words, environment, folder }, systemClock, closing.signal);
    },
    stopBroker,
    lookAtMachine,
    readSettingsFiles,
    hasProgram: async (name: string) => (await findProgram(name)) !== undefined,
    command: {
      folder: vscode.Uri.joinPath(context.extensionUri, 'dist', 'bin').fsPath,
      node: process.execPath,
      delimiter,
    },
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
  void exposure.leaveOut(context.workspaceState.get<string[]>(LEFT_OUT) ?? []);
  const ownContainer = store.add(new OwnContainer(exposure));
  const ownContainerKey = (): string | undefined => ownContainer.container?.key;
  const live = store.add(new LiveValues(exposure, systemClock));
  const list = store.add(new WatchList(context.workspaceState));
  const view = store.add(
    new PvsView({
      exposure,
      live,
      watched: list,
      ownContainerKey,
      place,
      tooltipOf: (node, isLive) => tooltipOf(exposure, node, isLive ? live : undefined),
      memory: context.workspaceState,
      clock: systemClock,
    }),
  );
  const plots = store.add(
    new PlotPanels({ exposure, extensionFolder: context.extensionUri, clock: systemClock }),
  );
  const values = store.add(new WatchedValues(live));
  const watchView = store.add(
    new WatchView({
      ...{ list, values, exposure, clock: systemClock },
      isNotifying: () => readSettings().notify,
      tooltipOf: (name) => pvTooltip(exposure, { name }),
    }),
  );
  store.add(notifyOfWatched({ list, values, watchView, clock: systemClock }));
  store.add(syncContextKeys(exposure, place));
  store.add(createStatusBar(exposure));
  store.add(logProblems(exposure, log));
  store.add(registerPvHover(exposure, () => view.pointerLeft()));
  const why = store.add(new WhyView({ exposure, system, place, folder: container?.folder }));
  const recordFiles = store.add(new RecordFiles());
  store.add(registerRecordDefinition(recordFiles));
  store.add(registerPvCompletion(exposure));
  store.add(new UnservedPvs(exposure, systemClock));
  store.add(notifyOfLostIoc({ exposure, ownContainerKey, clock: systemClock }));
  store.add(registerHostTerminalProfile(exposure, system));
  store.add(
    keepTerminalVariables(
      context.environmentVariableCollection,
      exposure,
      place,
      ownContainerKey,
      system.command,
    ),
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
      plots,
      watch: { list, values, watchView },
      log,
      extensionId: context.extension.id,
      system,
      brokerLog,
      why,
      showRecord: (pv) => showRecord({ files: recordFiles, exposure, ownContainerKey }, pv),
      rememberExposing,
      leaveOut: async (names) => {
        await context.workspaceState.update(LEFT_OUT, names);
        await exposure.leaveOut(names);
      },
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

/** What files say that set up clients; parsers are loaded when somebody asks. */
async function readSettingsFiles(
  folder: string | undefined,
  phoebus: string,
): Promise<readonly WorkspaceFile[]> {
  const { parseWorkspaceFile } = await import('./present/settingsFiles/parseWorkspaceFile');
  const ofFolder =
    folder === undefined
      ? []
      : await readWorkspaceFiles(folder, parseWorkspaceFile).catch(() => []);
  const installed = await readPhoebusSettings(phoebus);
  const ofPhoebus = installed && parseWorkspaceFile(installed.text, installed.file);
  return [...ofFolder, ...(ofPhoebus ? [ofPhoebus] : [])];
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

/** As `HostServices.stopBroker`; loaded when it is wanted. */
async function stopBroker(signal: AbortSignal): Promise<boolean> {
  const [{ brokerPaths }, { stopBroker: stop }] = await Promise.all([
    import('./node/broker/brokerPaths'),
    import('./node/broker/stopBroker'),
  ]);
  const place = brokerPaths(process.env);
  return place !== undefined && (await stop(place, systemClock, signal));
}

/** Identifies the window, also after a reload, so that the core recognises it. */
async function windowId(state: vscode.Memento): Promise<string> {
  const known = state.get<string>(WINDOW_ID);
  if (known !== undefined) return known;
  const made = randomUUID();
  await state.update(WINDOW_ID, made);
  return made;
}
