/** Exposing when a window opens: because it did so before, because it shall always, or if asked. */
import * as vscode from 'vscode';
import { SETTINGS, SETTINGS_SECTION } from './ids';
import { readSettings } from './settings';

/** In the workspace's state: the person was asked and did not want it. */
const WAS_ASKED = 'wasAsked';

export async function exposeByItself(
  workspaceState: vscode.Memento,
  wasExposing: boolean,
  isContainerWindow: boolean,
  expose: () => Promise<void>,
): Promise<void> {
  const { autoExpose } = readSettings();
  if (wasExposing) await expose();
  else if (!vscode.workspace.isTrusted) return;
  else if (autoExpose === 'always') await expose();
  else if (autoExpose === 'ask' && isContainerWindow) {
    if (workspaceState.get(WAS_ASKED) === true) return;
    await workspaceState.update(WAS_ASKED, true);
    const yes = 'Expose PVs';
    const always = 'Always';
    const answer = await vscode.window.showInformationMessage(
      'Expose the PVs of IOCs in containers on this machine?',
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
}
