import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { totalsOf, unreachableText } from '../present/pvTree';
import { engineProblems } from '../present/viewState';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { problemSentence } from '../present/problemText';
import { COMMANDS, PVS_VIEW } from './ids';
import type { WindowExposure } from './windowExposure';

/**
 * Creates the status bar item `EPICS 42/42`: how many PVs are reachable. A click opens the view.
 */
export function createStatusBar(exposure: WindowExposure): Disposable {
  const store = new DisposableStore();
  const item = store.add(
    vscode.window.createStatusBarItem('epicsExpose.status', vscode.StatusBarAlignment.Left, 10),
  );
  item.name = 'EPICS PVs';
  const draw = (): void => {
    const { text, tooltip, command } = faceOf(exposure);
    // Each assignment is sent to the window, so only changes are assigned.
    if (item.text !== text) item.text = text;
    if (item.tooltip !== tooltip) {
      item.tooltip = tooltip;
      item.accessibilityInformation = { label: `EPICS: ${tooltip}` };
    }
    item.command = command;
  };
  store.add(exposure.onDidChange(draw));
  draw();
  item.show();
  return store;
}

function faceOf(exposure: WindowExposure): { text: string; tooltip: string; command: string } {
  const command = `${PVS_VIEW}.focus`;
  if (!exposure.isExposing) {
    return {
      text: '$(circle-outline) EPICS',
      tooltip: 'PVs are not exposed. Click to expose the PVs of IOCs in containers.',
      command: COMMANDS.expose,
    };
  }
  if (exposure.problem !== undefined) {
    return { text: '$(error) EPICS', tooltip: exposure.problem.message, command };
  }
  const totals = totalsOf(exposure.snapshot);
  const { total, reachable, pending } = totals;
  const unreachable = unreachableText(totals);
  const isBusy = pending > 0 || !exposure.snapshot.isSettled;
  const icon = isBusy ? 'sync~spin' : unreachable !== '' || total === 0 ? 'warning' : 'pass';
  if (total > 0) {
    const rest = unreachable === '' ? '' : ` ${unreachable}.`;
    const tooltip = `${reachable} of ${total} PVs are reachable on this machine.${rest}`;
    return { text: `$(${icon}) EPICS ${reachable}/${total}`, tooltip, command };
  }
  const [problem] = engineProblems(exposure.snapshot);
  const known = problem
    ? problemSentence(problem, WINDOW_WORDS)
    : 'No PV is known yet. Click for the view.';
  const tooltip = isBusy ? 'Looking for IOCs in containers.' : known;
  return { text: `$(${icon}) EPICS`, tooltip, command };
}
