import * as vscode from 'vscode';
import { printable } from '../base/printable';
import { DisposableStore } from '../base/disposable';
import type { CoreApi, PvRow } from '../model/coreApi';
import { withTimeout } from './withTimeout';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText, stateWords } from '../present/problemText';

/** Nobody reads more than this; the user keeps typing. */
const SHOWN = 200;
const LIST_TIMEOUT_MS = 5000;

interface PvItem extends vscode.QuickPickItem {
  readonly row?: PvRow;
}

/**
 * Asks for a PV by part of its name, listing PVs while the user types. Undefined when the user
 * gives up.
 */
export function pickPv(exposure: CoreApi, title: string): Promise<PvRow | undefined> {
  const store = new DisposableStore();
  const picker = store.add(vscode.window.createQuickPick<PvItem>());
  picker.title = title;
  picker.placeholder = 'Part of its name; * and ? match anything';
  let listed = 0;
  const list = async (): Promise<void> => {
    const turn = ++listed;
    picker.busy = true;
    const items = await listItems(exposure, picker.value);
    // A late answer to an earlier text is not what was typed.
    if (turn !== listed || store.isDisposed) return;
    picker.items = items;
    picker.busy = false;
  };
  return new Promise((resolve) => {
    store.add(picker.onDidChangeValue(() => void list()));
    store.add(
      picker.onDidAccept(() => {
        const row = picker.selectedItems[0]?.row;
        if (!row) return;
        resolve(row);
        picker.hide();
      }),
    );
    store.add(
      picker.onDidHide(() => {
        resolve(undefined);
        store.dispose();
      }),
    );
    void list();
    picker.show();
  });
}

async function listItems(exposure: CoreApi, typed: string): Promise<PvItem[]> {
  const pattern = typed.trim();
  try {
    const page = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
      exposure.listPvs({ ...(pattern !== '' && { pattern }), offset: 0, limit: SHOWN }, signal),
    );
    const items = page.rows.map((row) => ({
      label: withoutIcons(row.name),
      description: `${row.protocol.toUpperCase()}, ${stateWords(row.state)}`,
      detail: withoutIcons(`${row.iocName} in ${row.containerName}`),
      alwaysShow: true, // the core has filtered; VS Code does not know * and ?
      row,
    }));
    const rest = page.total - items.length;
    return rest > 0
      ? [...items, { label: `${rest} more`, description: 'keep typing', alwaysShow: true }]
      : items;
  } catch (error) {
    return [
      {
        label: withoutIcons(`The PVs cannot be listed: ${errorText(error, WINDOW_WORDS)}`),
        alwaysShow: true,
      },
    ];
  }
}

/**
 * Printable text for a label, in which `$(name)` would be drawn as an icon but belongs to the PV's
 * name.
 */
export function withoutIcons(text: string): string {
  return printable(text).replace(/\$\([a-z0-9-]+(~[a-z]+)?\)/gi, (icon) => `\\${icon}`);
}
