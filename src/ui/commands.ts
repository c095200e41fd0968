/** The commands. Each also works from the palette, where it asks for the PV it needs. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf, UsageError } from '../base/errors';
import { printable, printableLines } from '../base/printable';
import { clientLines } from '../present/clientLine';
import type { PvRow } from '../model/coreApi';
import { formatChanges, phoebusVariables, type Shell } from '../present/clientEnvironment';
import type { TreeNode } from '../present/pvTree';
import type { PvProtocol } from '../model/snapshot';
import type { BrokerLog } from './brokerLog';
import { clientVariables, type HostServices } from './hostServices';
import { notificationText } from './notificationText';
import { openHostTerminal } from './hostTerminal';
import { COMMANDS, type CommandId, PVS_VIEW, SETTINGS_SECTION } from './ids';
import type { MonitorPanels } from './monitorPanel';
import { pickPv, withoutIcons } from './pickPv';
import type { PvsView } from './pvsView';
import { readSettings } from './settings';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

/** The longest time that the progress bar in the view moves. */
const PROGRESS_MS = 60_000;
const RESTART_TIMEOUT_MS = 20_000;

/** What the commands need. */
export interface CommandsInput {
  readonly exposure: WindowExposure;
  readonly view: PvsView;
  readonly monitors: MonitorPanels;
  readonly log: vscode.LogOutputChannel;
  readonly extensionId: string;
  readonly system: HostServices;
  readonly brokerLog: BrokerLog;
  /** Remembers, over reloads of the window, whether it exposes PVs. */
  readonly rememberExposing: (isExposing: boolean) => Thenable<void>;
}

/**
 * The argument of a command: a line of the tree, a name from a link, or nothing from the palette.
 */
type PvArgument = TreeNode | { readonly name: string; readonly protocol: PvProtocol } | undefined;
type NamedPv = Pick<PvRow, 'name' | 'protocol'>;

/** Registers all commands; dispose to unregister them. */
export function registerCommands(input: CommandsInput): Disposable {
  const { exposure, view, monitors, log, system } = input;
  const store = new DisposableStore();
  const register = (
    id: CommandId,
    run: (argument?: PvArgument) => Promise<unknown> | Thenable<unknown> | void,
  ): void => {
    store.add(
      vscode.commands.registerCommand(id, async (argument?: PvArgument) => {
        try {
          await run(argument);
        } catch (error) {
          log.error(printableLines((error instanceof Error && error.stack) || messageOf(error)));
          await vscode.window.showErrorMessage(notificationText(errorText(error, WINDOW_WORDS)));
        }
      }),
    );
  };
  const askPv = async (argument: PvArgument, title: string): Promise<NamedPv | undefined> => {
    if (argument && !('kind' in argument)) return argument;
    if (argument?.kind === 'pv') return argument.row;
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
  register(COMMANDS.filter, async () => {
    const pattern = await vscode.window.showInputBox({
      title: 'Filter PVs',
      prompt: 'Part of the name; * and ? match anything',
      value: view.filter,
    });
    if (pattern !== undefined) view.filter = pattern;
  });
  register(COMMANDS.clearFilter, () => {
    view.filter = '';
  });
  register(COMMANDS.revealPv, async (argument) => {
    const title = 'Reveal PV in the Tree';
    const row =
      argument && 'kind' in argument && argument.kind === 'pv'
        ? argument.row
        : exposure.core && (await pickPv(exposure.core, title))?.row;
    if (row) await view.reveal(row);
  });
  register(COMMANDS.monitorPv, async (argument) => {
    const pv = await askPv(argument ?? selected(view), 'Monitor PV');
    if (pv) monitors.open(pv.name, pv.protocol);
  });
  register(COMMANDS.copyPvName, async (argument) => {
    const pv = await askPv(argument ?? selected(view), 'Copy PV Name');
    if (pv) await copy(pv.name, pv.name);
  });
  register(COMMANDS.copyClientLine, async (argument) => {
    const pv = await askPv(argument ?? selected(view), 'Copy Line for a Client');
    if (!pv) return;
    const chosen = await vscode.window.showQuickPick(
      clientLines(pv.name, pv.protocol).map(({ client, line }) => ({
        label: client,
        detail: withoutIcons(line),
        line,
      })),
      { title: `Copy Line for a Client: ${printable(pv.name)}` },
    );
    if (chosen) await copy(chosen.line, `the line for ${chosen.label}`);
  });
  register(COMMANDS.copyEnvironment, async () => {
    const chosen = await vscode.window.showQuickPick(SHELL_CHOICES, {
      title: 'Copy Environment for EPICS Clients',
      placeHolder: 'For which shell?',
    });
    if (!chosen) return;
    const environment = await clientVariables(exposure.snapshot, system);
    const lines = formatChanges(environment, chosen.shell);
    if (lines.length === 0) {
      await vscode.window.showInformationMessage('No EPICS server is exposed yet.');
      return;
    }
    await copy(lines.join('\n'), `the environment for ${chosen.label}`);
  });
  register(COMMANDS.openHostTerminal, () => openHostTerminal(exposure, system));
  register(COMMANDS.startPhoebus, async () => {
    const { phoebus } = readSettings();
    if (phoebus === '') {
      await showSettings('phoebus');
      return;
    }
    const environment = await clientVariables(exposure.snapshot, system);
    try {
      await system.launch(phoebus, { ...environment, ...phoebusVariables(system.environment) });
    } catch (cause) {
      throw new UsageError(
        `${errorText(cause, WINDOW_WORDS)}. Name the executable of Phoebus in the setting epicsExpose.phoebus.`,
        { cause },
      );
    }
    vscode.window.setStatusBarMessage('Phoebus started', 5000);
  });
  register(COMMANDS.showLog, async () => {
    log.show(true);
    await input.brokerLog.tell();
  });
  register(COMMANDS.openSettings, () => showSettings());
  register(COMMANDS.restartBroker, () =>
    vscode.window.withProgress({ location: { viewId: PVS_VIEW } }, async () => {
      const { core } = exposure;
      // If there is none, exposing starts one.
      if (!core || exposure.problem?.kind === 'no-broker') return exposure.expose();
      await input.brokerLog.duringRestart(() =>
        withTimeout(RESTART_TIMEOUT_MS, (signal) => core.restart(signal)),
      );
    }),
  );
  register(COMMANDS.installLocally, () =>
    vscode.commands.executeCommand('workbench.extensions.search', `@id:${input.extensionId}`),
  );
  return store;
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

const SHELL_CHOICES: readonly (vscode.QuickPickItem & { shell: Shell })[] = [
  { label: 'bash, zsh, sh', shell: 'bash' },
  { label: 'fish', shell: 'fish' },
  { label: 'csh, tcsh', shell: 'csh' },
  { label: 'PowerShell', shell: 'powershell' },
  { label: 'cmd', shell: 'cmd' },
  { label: '.env file', shell: 'dotenv' },
];

function selected(view: PvsView): NamedPv | undefined {
  return view.selectedPv;
}

async function copy(text: string, what: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage(`Copied ${withoutIcons(what)}`, 3000);
}

function showSettings(name = ''): Thenable<unknown> {
  const query = name === '' ? `${SETTINGS_SECTION}.` : `${SETTINGS_SECTION}.${name}`;
  return vscode.commands.executeCommand('workbench.action.openSettings', query);
}
