import * as vscode from 'vscode';
import { SETTINGS, SETTINGS_SECTION } from './ids';
import { readSettings } from './settings';

/** Key in the workspace's state: the user was asked. */
const WAS_ASKED = 'wasAsked';

/** What `exposeAutomatically` needs. */
export interface ExposeAutomaticallyInput {
  readonly workspaceState: vscode.Memento;
  readonly wasExposing: boolean;
  readonly isContainerWindow: boolean;
  /** Resolves to true when it is time to ask; to false: never. */
  readonly untilIocListens: () => Promise<boolean>;
  readonly expose: () => Promise<void>;
}

/**
 * Exposes PVs without a click: because the window did so before its reload, because of the setting
 * `always`, or because the user agrees when asked, which happens once per folder, when an IOC
 * listens in the window's container.
 */
export async function exposeAutomatically(input: ExposeAutomaticallyInput): Promise<void> {
  const { workspaceState, wasExposing, isContainerWindow, untilIocListens, expose } = input;
  const { autoExpose } = readSettings();
  if (wasExposing) return expose();
  if (!vscode.workspace.isTrusted) return;
  if (autoExpose === 'always') return expose();
  if (autoExpose !== 'ask' || !isContainerWindow || workspaceState.get(WAS_ASKED) === true) return;
  if (!(await untilIocListens())) return;
  await workspaceState.update(WAS_ASKED, true);
  const yes = 'Expose PVs';
  const always = 'Always';
  const answer = await vscode.window.showInformationMessage(
    'Make the PVs of IOCs in containers reachable on this machine? VS Code itself does not forward their ports.',
    yes,
    always,
    'Not Now',
  );
  if (answer === always) {
    await vscode.workspace
      .getConfiguration(SETTINGS_SECTION)
      .update(SETTINGS.autoExpose, 'always', vscode.ConfigurationTarget.Global);
  }
  if (answer === yes || answer === always) await expose();
}
