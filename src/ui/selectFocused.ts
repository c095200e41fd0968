import * as vscode from 'vscode';
import type { Clock } from '../base/clock';

/** VS Code tells what is selected some milliseconds later; and nothing where it was selected before. */
const TOLD_MS = 150;

/**
 * Selects the row that has the focus, which VS Code does not tell us, as a click on it would: the
 * arrow keys move the focus and leave the selection behind. Several rows stay selected.
 */
export async function selectFocused(
  view: Pick<vscode.TreeView<unknown>, 'selection' | 'onDidChangeSelection'>,
  clock: Clock,
): Promise<void> {
  if (view.selection.length > 1) return;
  const told = new Promise<void>((resolve) => {
    const end = (): void => {
      listening.dispose();
      timer.dispose();
      resolve();
    };
    const listening = view.onDidChangeSelection(end);
    const timer = clock.after(TOLD_MS, end);
  });
  // What Enter does in every view: it also opens or closes what is below the row.
  await vscode.commands.executeCommand('list.select');
  await told;
}
