/** The commands. Each also works from the palette, where it asks for the PV it needs. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { isErrorCode, messageOf, UsageError } from '../base/errors';
import { printable, printableLines } from '../base/printable';
import { clientLines } from '../present/clientLine';
import type { CoreApi, PvRow } from '../model/coreApi';
import type { PvProtocol } from '../model/pvProtocol';
import { formatChanges, nameServersOf, type Shell } from '../present/clientEnvironment';
import { clientSetUp } from '../present/clientSetUp';
import { CLIENT_NAMES, type ClientName, CLIENTS } from '../model/diagnosis/clients';
import type { TreeNode } from '../present/pvTree';
import type { WantedPv } from '../model/pvList';
import type { BrokerLog } from './brokerLog';
import { clientVariables, type HostServices } from './hostServices';
import { permitEngineLine, startEngineLine } from '../present/engineCures';
import { containerCommands } from './containerCommands';
import { notificationText } from './notificationText';
import { openHostTerminal, runHere } from './hostTerminal';
import { COMMANDS, type CommandId, PVS_VIEW, SETTINGS, SETTINGS_SECTION, WATCH_VIEW } from './ids';
import { pickPv, withoutIcons } from './pickPv';
import type { PlotPanels } from './plotPanels';
import type { PvsView } from './pvsView';
import { resolvePv } from './resolvePv';
import { readSettings } from './settings';
import { showReport } from './showReport';
import { MAX_ALARMS_READ, type ShownFilter } from './viewFilter';
import type { WhyTarget, WhyView } from './whyView';
import { withTimeout } from './withTimeout';
import { type WatchCommandsInput, watchCommands } from './watchCommands';
import type { WatchNode } from './watchView';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { phoebusResource } from '../model/phoebusStart';
import { errorText } from '../present/problemText';

/** The longest time that the progress bar in the view moves. */
const PROGRESS_MS = 60_000;
const RESTART_TIMEOUT_MS = 20_000;
const LIST_TIMEOUT_MS = 5000;
/** PVs whose names begin like the one that is looked for; it is among the first. */
const FOUND_ROWS = 200;

/** What the commands need. */
export interface CommandsInput {
  readonly exposure: WindowExposure;
  readonly view: PvsView;
  readonly plots: PlotPanels;
  readonly watch: Pick<WatchCommandsInput, 'list' | 'values' | 'watchView'>;
  readonly log: vscode.LogOutputChannel;
  readonly extensionId: string;
  readonly system: HostServices;
  readonly brokerLog: BrokerLog;
  readonly why: WhyView;
  /** Opens the record of a PV, or says where it is. */
  readonly showRecord: (pv: string) => Promise<void>;
  /** Remembers, over reloads of the window, whether it exposes PVs. */
  readonly rememberExposing: (isExposing: boolean) => Thenable<void>;
  /** Leaves out these containers, over reloads of the window too. */
  readonly leaveOut: (names: readonly string[]) => Promise<void>;
}

/** The row of a PV whose name is given; undefined if no IOC reports it. */
async function findRow(core: CoreApi, { name, protocol }: WantedPv): Promise<PvRow | undefined> {
  const { rows } = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
    core.listPvs({ pattern: name, offset: 0, limit: FOUND_ROWS }, signal),
  );
  const own = rows.filter((row) => row.name === name);
  return own.find((row) => row.protocol === protocol) ?? own[0];
}

const STATE_CHOICES: readonly (vscode.QuickPickItem & { readonly state?: ShownFilter['state'] })[] =
  [
    { label: 'All', description: 'in every state' },
    {
      label: 'Not reachable',
      description: 'over Channel Access or pvAccess, for whatever reason',
      state: 'unreachable',
    },
    {
      label: 'In Alarm',
      description: `read once; of more than ${MAX_ALARMS_READ} PVs, set a filter by name first`,
      state: 'alarm',
    },
    {
      label: 'Disconnected',
      description: 'they were there, and are not now',
      state: 'disconnected',
    },
  ];

/** The argument of a command: a line of a view, a name from a link, or nothing from the palette. */
type PvArgument = TreeNode | WatchNode | NamedPv | vscode.Uri | undefined;
type NamedPv = Pick<PvRow, 'name' | 'protocol'>;

/** Registers all commands; dispose to unregister them. */
export function registerCommands(input: CommandsInput): Disposable {
  const { exposure, view, plots, log, system } = input;
  const store = new DisposableStore();
  const register = (
    id: CommandId,
    run: (argument?: PvArgument, all?: readonly PvArgument[]) => Thenable<unknown> | void,
  ): void => {
    store.add(
      vscode.commands.registerCommand(id, async (argument?: PvArgument, all?: unknown) => {
        try {
          // Where several rows are selected, VS Code gives them all.
          await run(argument, Array.isArray(all) ? all : undefined);
        } catch (error) {
          log.error(printableLines((error instanceof Error && error.stack) || messageOf(error)));
          await vscode.window.showErrorMessage(notificationText(errorText(error, WINDOW_WORDS)));
        }
      }),
    );
  };
  const askPv = async (argument: PvArgument, title: string): Promise<NamedPv | undefined> => {
    const named = pvIn(argument);
    if (named) return input.watch.values.addressOf(named) ?? resolvePv(exposure.core, named);
    const picked = exposure.core && (await pickPv(exposure.core, title));
    return picked && { name: picked.name, protocol: picked.row.protocol };
  };

  register(COMMANDS.expose, async () => {
    await input.rememberExposing(true);
    await exposeWithProgress(exposure);
    // The user may not see the view, which shows it, too.
    if (exposure.problem) throw new UsageError(exposure.problem.message);
  });
  register(COMMANDS.stop, async () => {
    await input.rememberExposing(false);
    await exposure.stop();
  });
  register(COMMANDS.refresh, () => view.refresh());
  register(COMMANDS.filter, async (argument) => {
    const isGroup = argument && 'kind' in argument && argument.kind === 'group';
    const pattern = await vscode.window.showInputBox({
      title: 'Filter PVs',
      prompt: 'Part of the name; * and ? match anything',
      value: isGroup ? argument.group.prefix : (view.filter.pattern ?? ''),
    });
    if (pattern !== undefined) view.filter = { ...view.filter, pattern };
  });
  register(COMMANDS.filterByState, async () => {
    const chosen = await vscode.window.showQuickPick(STATE_CHOICES, {
      title: 'Filter PVs by State',
      placeHolder: 'Which PVs are shown?',
    });
    if (!chosen) return;
    const { pattern } = view.filter;
    view.filter = {
      ...(pattern !== undefined && { pattern }),
      ...(chosen.state && { state: chosen.state }),
    };
  });
  register(COMMANDS.clearFilter, () => {
    view.filter = {};
  });
  register(COMMANDS.sortByName, () => {
    view.order = 'name';
  });
  register(COMMANDS.sortBySeverity, () => {
    view.order = 'severity';
  });
  for (const [id, arrangement] of [
    [COMMANDS.viewByRecord, 'records'],
    [COMMANDS.viewByServer, 'servers'],
  ] as const) {
    register(id, () => {
      view.arrangement = arrangement;
    });
  }
  register(COMMANDS.revealPv, async (argument) => {
    const title = 'Reveal PV in the Tree';
    const { core } = exposure;
    if (!core) return;
    const pv = pvIn(argument);
    const row = (pv && (await findRow(core, pv))) ?? (await pickPv(core, title))?.row;
    if (row) await view.reveal(row);
  });
  register(COMMANDS.monitorPv, async (argument, all = []) => {
    const several = all.filter((row) => pvIn(row) !== undefined);
    const first = argument ?? selected(view);
    const pvs = await Promise.all(
      (several.length > 1 ? several : [first]).map((pv) => askPv(pv, 'Monitor PV')),
    );
    const addresses = pvs.flatMap((pv) => (pv ? [{ name: pv.name, protocol: pv.protocol }] : []));
    if (addresses.length > 0) plots.open(addresses);
  });
  register(COMMANDS.openRow, async () => {
    await view.selectFocused();
    const { selectedPv } = view;
    if (selectedPv) plots.open([selectedPv]);
  });
  /** A key names no row: what is selected in its view is meant. */
  const selectedBy = async (key: unknown): Promise<readonly (WantedPv | PvRow)[]> => {
    const { watchView } = input.watch;
    await (key === WATCH_VIEW ? watchView : view).selectFocused();
    return key === WATCH_VIEW ? watchView.selected : view.selectedPvs;
  };
  register(COMMANDS.copyPvName, async (argument, all) => {
    const chosen = typeof argument === 'object' ? (all ?? []) : await selectedBy(argument);
    const several = chosen.flatMap((row) => pvIn(row) ?? []);
    if (several.length > 1) {
      const names = several.map(({ name }) => name);
      await copy(names.join('\n'), `${names.length} names`, ...names);
      return;
    }
    const pv = several[0] ?? (await askPv(argument, 'Copy PV Name'));
    if (pv) await copy(pv.name, pv.name, pv.name);
  });
  const pvsOf = async (rows: readonly unknown[], title: string): Promise<readonly WantedPv[]> => {
    const named = rows.flatMap((row) => pvIn(row) ?? []);
    if (named.length > 0) return named;
    const pv = await askPv(undefined, title);
    return pv ? [pv] : [];
  };
  for (const [id, run] of watchCommands({ ...input.watch, plots, exposure, pvsOf })) {
    register(id, (argument, all) => run(all ?? (argument ? [argument] : [])));
  }
  register(COMMANDS.copyClientLine, async (argument) => {
    const pv = await askPv(argument ?? selected(view), 'Copy Line for a Client');
    if (!pv) return;
    const lines = protocolsOf(argument, pv).flatMap((one) => clientLines(pv.name, one));
    // Where the usual client is not installed, ours is there all the same.
    const isInstalled = await system.hasProgram(lines[0]?.client ?? '');
    const ours = lines.filter(({ client }) => client === 'epics-expose');
    const sorted = isInstalled ? lines : [...new Set([...ours, ...lines])];
    const chosen = await vscode.window.showQuickPick(
      sorted.map(({ client, line }) => ({
        label: client,
        detail: withoutIcons(line),
        line,
      })),
      { title: `Copy Line for a Client: ${printable(pv.name)}` },
    );
    if (chosen) await copy(chosen.line, `the line for ${chosen.label}`, pv.name);
  });
  register(COMMANDS.copyEnvironment, async () => {
    const chosen = await vscode.window.showQuickPick([...SHELL_CHOICES, ...CLIENT_CHOICES], {
      title: 'Copy Environment for EPICS Clients',
      placeHolder: 'For which shell, or which client?',
    });
    if (!chosen) return;
    const environment = await clientVariables(exposure.snapshot, system);
    if (Object.keys(environment).length === 0) {
      await vscode.window.showInformationMessage('No EPICS server is exposed yet.');
      return;
    }
    const nameServers = nameServersOf(exposure.snapshot);
    const { shell, client } = chosen;
    const pv = selected(view)?.name ?? 'MY:PV';
    const lines = client
      ? clientSetUp({ client, environment, nameServers, pv })
      : formatChanges(environment, shell ?? 'bash');
    await copy(lines.join('\n'), `the environment for ${chosen.label}`, ...(client ? [pv] : []));
  });
  register(COMMANDS.openHostTerminal, () => openHostTerminal(exposure, system));
  register(COMMANDS.startPhoebus, () => startPhoebus(input, []));
  register(COMMANDS.openInPhoebus, async (argument) => {
    const file = argument instanceof vscode.Uri ? argument : undefined;
    const pv = file ? undefined : await askPv(argument ?? selected(view), 'Open PV in Phoebus');
    if (file) await startPhoebus(input, phoebusResource({ file: file.fsPath }));
    else if (pv) await startPhoebus(input, phoebusResource({ pv }));
  });
  register(COMMANDS.why, (argument) => {
    const pv = pvIn(argument);
    return input.why.show(pv ? { name: pv.name } : whyTarget(argument));
  });
  register(COMMANDS.goToRecord, async (argument) => {
    const pv = await askPv(argument ?? selected(view), 'Go to Record');
    if (pv) await input.showRecord(pv.name);
  });
  register(COMMANDS.startEngine, () => {
    runHere(system, 'Start the Engine', startEngineLine(exposure.snapshot, system.platform));
  });
  register(COMMANDS.permitEngine, async () => {
    const line = permitEngineLine(exposure.snapshot);
    await vscode.env.clipboard.writeText(line);
    await vscode.window.showInformationMessage(
      line.startsWith('sudo')
        ? `Copied "${line}". Run it in a terminal of this machine, then log in again: the group counts from then on. It has the rights of root.`
        : `Copied "${line}", which starts a Podman of your own. Run it in a terminal of this machine.`,
    );
  });
  register(COMMANDS.showLog, async () => {
    log.show(true);
    await input.brokerLog.tell();
  });
  register(COMMANDS.report, () => showReport(exposure, system));
  register(COMMANDS.openSettings, (argument) => {
    // From the line about a wrong setting; there is one that can be wrong.
    const isLine = argument && 'kind' in argument && argument.kind === 'problem';
    return showSettings(isLine ? SETTINGS.engine : '');
  });
  register(COMMANDS.restartBroker, () =>
    vscode.window.withProgress({ location: { viewId: PVS_VIEW } }, async () => {
      const { core } = exposure;
      // If there is none, exposing starts one; there may be one that we could not connect to.
      if (!core?.isConnected) {
        await withTimeout(RESTART_TIMEOUT_MS, (signal) => system.stopBroker(signal));
        return exposure.expose();
      }
      await input.brokerLog.duringRestart(() =>
        withTimeout(RESTART_TIMEOUT_MS, (signal) => core.restart(signal)),
      );
    }),
  );
  register(COMMANDS.installLocally, () =>
    vscode.commands.executeCommand('workbench.extensions.search', `@id:${input.extensionId}`),
  );
  for (const [id, run] of containerCommands({ ...input, ...system, copy })) {
    register(id, (argument) => run(argument as Parameters<typeof run>[0]));
  }
  return store;
}

/** Starts Phoebus so that it finds the PVs; offers the setting that names it if it does not start. */
async function startPhoebus(
  { exposure, system }: Pick<CommandsInput, 'exposure' | 'system'>,
  words: readonly string[],
): Promise<void> {
  const { phoebus } = readSettings();
  const environment = await clientVariables(exposure.snapshot, system);
  try {
    await system.launchPhoebus(phoebus, words, environment);
  } catch (error) {
    if (!isErrorCode(error, 'usage')) throw error;
    const name = 'Name Its Program';
    const text = notificationText(errorText(error, WINDOW_WORDS));
    const chosen = await vscode.window.showErrorMessage(text, name);
    if (chosen === name) await showSettings(SETTINGS.phoebus);
    return;
  }
  vscode.window.setStatusBarMessage('Phoebus started', 5000);
}

/**
 * Exposes, with the progress bar in the view moving until everything that was found is exposed or
 * has its reason.
 */
export async function exposeWithProgress(exposure: WindowExposure): Promise<void> {
  await vscode.window.withProgress({ location: { viewId: PVS_VIEW } }, async () => {
    await exposure.expose();
    await settled(exposure);
  });
}

function settled(exposure: WindowExposure): Promise<void> {
  return new Promise((resolve) => {
    const store = new DisposableStore();
    const look = (): void => {
      const isBusy = exposure.isExposing && exposure.problem === undefined;
      if (isBusy && !exposure.snapshot.isSettled) return;
      store.dispose();
      resolve();
    };
    const timer = setTimeout(() => {
      store.dispose();
      resolve();
    }, PROGRESS_MS);
    store.add({ dispose: () => clearTimeout(timer) });
    store.add(exposure.onDidChange(look));
    look();
  });
}

/** What lines are to be copied for: all clients of a shell, or one client. */
type EnvironmentChoice = vscode.QuickPickItem & {
  readonly shell?: Shell;
  readonly client?: ClientName;
};

const SHELL_CHOICES: readonly EnvironmentChoice[] = [
  { label: 'bash, zsh, sh', shell: 'bash' },
  { label: 'fish', shell: 'fish' },
  { label: 'csh, tcsh', shell: 'csh' },
  { label: 'PowerShell', shell: 'powershell' },
  { label: 'cmd', shell: 'cmd' },
  { label: '.env file', shell: 'dotenv' },
];

/** Each with lines that read a PV, too. */
const CLIENT_CHOICES: readonly EnvironmentChoice[] = [
  { label: 'clients', kind: vscode.QuickPickItemKind.Separator },
  ...CLIENT_NAMES.map((client) => ({ label: CLIENTS[client].title, client })),
];

/** The PV of a line of a view, or of a link; undefined: of neither. */
function pvIn(argument: unknown): WantedPv | undefined {
  if (typeof argument !== 'object' || argument === null || argument instanceof vscode.Uri) {
    return undefined;
  }
  const line = argument as TreeNode | WatchNode | NamedPv;
  if (!('kind' in line)) {
    return 'name' in line ? { name: line.name, protocol: line.protocol } : undefined;
  }
  if (line.kind === 'watched') return line.pv;
  return line.kind === 'pv' ? { name: line.row.name, protocol: line.row.protocol } : undefined;
}

/** Over which protocols it is had, its own first: a row may stand for both. */
function protocolsOf(argument: unknown, { protocol }: NamedPv): readonly PvProtocol[] {
  const others =
    typeof argument === 'object' && argument !== null && 'row' in argument
      ? ((argument as { readonly row: PvRow }).row.others ?? [])
      : [];
  return [...new Set([protocol, ...others.map((other) => other.protocol)])];
}

/** What "Why?" is about on a line that is no PV, or in a link. */
function whyTarget(argument: unknown): WhyTarget {
  if (typeof argument !== 'object' || argument === null) return {};
  if ('part' in argument) return argument as WhyTarget;
  const line = argument as TreeNode;
  switch (line.kind) {
    case 'container':
    case 'ioc':
    case 'server':
      return { part: { key: line.id, label: line.label } };
    default:
      return {};
  }
}

function selected(view: PvsView): NamedPv | undefined {
  return view.selectedPv;
}

/**
 * Copies a text with these names of PVs in it. Servers choose the names: pasted into a terminal, a
 * control character is a key that is pressed, also within quotes.
 * @throws UsageError for a name with such a character
 */
async function copy(text: string, what: string, ...names: readonly string[]): Promise<void> {
  const odd = names.find((name) => printable(name) !== name);
  if (odd !== undefined) {
    throw new UsageError(
      `${printable(odd)} has characters that a terminal would take for keys. It was not copied.`,
    );
  }
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage(`Copied ${withoutIcons(what)}`, 3000);
}

function showSettings(name = ''): Thenable<unknown> {
  const query = name === '' ? `${SETTINGS_SECTION}.` : `${SETTINGS_SECTION}.${name}`;
  return vscode.commands.executeCommand('workbench.action.openSettings', query);
}
