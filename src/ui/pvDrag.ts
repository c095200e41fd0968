/** What is dragged from our views: to the view Watch, and as text to editors and anywhere else. */
import * as vscode from 'vscode';
import { printable } from '../base/printable';
import { formatPvList, type WantedPv } from '../model/pvList';
import type { TreeNode } from '../present/pvTree';
import { WATCH_VIEW } from './ids';

/** VS Code names what is dragged from a view by its id. PVs, for the view itself. */
export const DRAGGED_WATCHED = `application/vnd.code.tree.${WATCH_VIEW.toLowerCase()}`;
/** A list with protocols (model/pvList). Between views, VS Code carries texts only. */
export const LIST = 'application/vnd.epics-expose.pvs';
/** Names, one a line. */
export const TEXT = 'text/plain';

/**
 * Names, one a line, as they are written in files; without those that have characters which a
 * terminal takes for keys.
 */
export function namesText(pvs: readonly WantedPv[]): string {
  const names = pvs.map(({ name }) => name);
  return names.filter((name) => printable(name) === name).join('\n');
}

/**
 * The PVs that were dragged within the view Watch; undefined: they are from elsewhere. VS Code adds
 * an item of its own under the same type.
 */
export function draggedWithin(data: vscode.DataTransfer): readonly WantedPv[] | undefined {
  for (const [found, { value }] of data) {
    if (found === DRAGGED_WATCHED && Array.isArray(value)) return value as WantedPv[];
  }
  return undefined;
}

/** The list, or else the text, that was dragged; '' if there is none. */
export async function draggedText(data: vscode.DataTransfer): Promise<string> {
  for (const type of [LIST, TEXT]) {
    for (const [found, item] of data) {
      const text = found === type ? await item.asString() : '';
      if (text !== '') return text;
    }
  }
  return '';
}

/** Lets the PVs of the view PVs be dragged; nothing is dropped there. */
export const pvDrag: vscode.TreeDragAndDropController<TreeNode> = {
  dropMimeTypes: [],
  dragMimeTypes: [LIST, TEXT],
  handleDrag(nodes, data) {
    const pvs = nodes.flatMap((node) =>
      node.kind === 'pv' ? [{ name: node.row.name, protocol: node.row.protocol }] : [],
    );
    if (pvs.length === 0) return;
    data.set(LIST, new vscode.DataTransferItem(formatPvList(pvs)));
    data.set(TEXT, new vscode.DataTransferItem(namesText(pvs)));
  },
};
