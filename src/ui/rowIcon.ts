import * as vscode from 'vscode';
import type { TreeNode } from '../present/pvTree';
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
      : node.health === 'good' && node.kind in own
        ? own[node.kind as keyof typeof own]
        : shapes[node.health];
  return new vscode.ThemeIcon(shape, new vscode.ThemeColor(HEALTH_COLORS[node.health]));
}
