import * as vscode from 'vscode';
import type { TreeNode } from '../present/pvTree';
import type { RowState } from '../present/rowFace';
import type { Health } from '../present/table';

const HEALTH_COLORS: Record<Health, string> = {
  good: 'testing.iconPassed',
  busy: 'testing.iconQueued',
  bad: 'testing.iconFailed',
};

/**
 * The icon of a line of the tree: a shape for each state; containers and IOCs without problems show
 * what they are.
 */
export function iconOf(node: TreeNode): vscode.ThemeIcon {
  const shapes: Record<Health, string> = { good: 'pass', busy: 'sync', bad: 'error' };
  const own = { container: 'package', ioc: 'chip', group: 'folder', search: 'search' };
  const shape =
    node.kind === 'problem'
      ? 'warning'
      : node.kind === 'filter'
        ? 'filter-filled'
        : node.health === 'good' && node.kind in own
          ? own[node.kind as keyof typeof own]
          : shapes[node.health];
  return new vscode.ThemeIcon(shape, new vscode.ThemeColor(HEALTH_COLORS[node.health]));
}

/** A shape for each state; colour only repeats it. The names are those of VS Code. */
const ROW_ICONS: Record<RowState, readonly [shape: string, color: string]> = {
  ok: ['pass', 'testing.iconPassed'],
  minor: ['warning', 'list.warningForeground'],
  // Not that of servers and containers with a problem.
  major: ['bell-dot', 'list.errorForeground'],
  invalid: ['question', 'charts.purple'],
  waiting: ['sync', 'testing.iconQueued'],
  off: ['circle-outline', 'disabledForeground'],
  unreachable: ['debug-disconnect', 'testing.iconFailed'],
  unreadable: ['lock', 'testing.iconFailed'],
};

/** The icon of a PV's row. */
export function rowIconOf(state: RowState): vscode.ThemeIcon {
  const [shape, color] = ROW_ICONS[state];
  return new vscode.ThemeIcon(shape, new vscode.ThemeColor(color));
}
