/** Asks for a PV by a part of its name, listing as one types. */
import * as vscode from 'vscode';
import { printable } from '../base/printable';
import { DisposableStore } from '../base/disposable';
import type { CoreApi, PvRow } from '../model/coreApi';
import { withTimeout } from './withTimeout';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

/** More than this nobody reads; the person types on. */
const SHOWN = 200;
const LIST_TIMEOUT_MS = 5000;

interface PvItem extends vscode.QuickPickItem {
  readonly row?: PvRow;
}

export function pickPv(exposure: CoreApi, title: string): Promise<PvRow | undefined> {
  const store = new DisposableStore();
  const picker = store.add(vscode.window.createQuickPick<PvItem>());
  picker.title = title;
  picker.placeholder = 'A part of its name; * and ? stand for anything';
  let listed = 0;
  const list = async (): Promise<void> => {
    const turn = ++listed;
    picker.busy = true;
    const items = await listItems(exposure, picker.value);
    // An older answer that comes late is not what was typed.
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
      description: `${row.protocol.toUpperCase()}, ${row.state.replaceAll('-', ' ')}`,
      detail: withoutIcons(`${row.iocName} in ${row.containerName}`),
      alwaysShow: true, // the core has filtered; VS Code does not know * and ?
      row,
    }));
    const rest = page.total - items.length;
    return rest > 0
      ? [...items, { label: `${rest} more`, description: 'type on', alwaysShow: true }]
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

/** Printable; `$(name)` in a label is drawn as an icon, in a PV's name it is text. */
export function withoutIcons(text: string): string {
  return printable(text).replace(/\$\([a-z0-9-]+(~[a-z]+)?\)/gi, (icon) => `\\${icon}`);
}
