import * as vscode from 'vscode';
import { printable } from '../base/printable';
import { DisposableStore } from '../base/disposable';
import type { CoreApi, PvPage, PvRow } from '../model/coreApi';
import { parsePvText } from '../model/pvName';
import { withTimeout } from './withTimeout';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText, stateWords } from '../present/problemText';

/** Nobody reads more than this; the user keeps typing. */
const SHOWN = 200;
const LIST_TIMEOUT_MS = 5000;

/** What the user picked: a PV of the list, or a field of one (`REC.EGU`). */
export interface PickedPv {
  readonly name: string;
  /** The PV itself, or the record of the field. */
  readonly row: PvRow;
}

interface PvItem extends vscode.QuickPickItem {
  readonly pv?: PickedPv;
}

/**
 * Asks for a PV by part of its name, listing PVs while the user types. Undefined when the user
 * gives up.
 */
export function pickPv(exposure: CoreApi, title: string): Promise<PickedPv | undefined> {
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
        const picked = picker.selectedItems[0]?.pv;
        if (!picked) return;
        resolve(picked);
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
  const asked = parsePvText(typed);
  const { name, record } = asked?.kind === 'pv' ? asked : { name: typed.trim(), record: '' };
  const list = (pattern: string): Promise<PvPage> =>
    withTimeout(LIST_TIMEOUT_MS, (signal) =>
      exposure.listPvs({ ...(pattern !== '' && { pattern }), offset: 0, limit: SHOWN }, signal),
    );
  try {
    let page = await list(name);
    let field = '';
    if (page.total === 0 && record !== '' && record !== name) {
      // Fields are in no list; those of the records are offered.
      page = await list(record);
      field = name.slice(record.length);
    }
    const items = page.rows.map((row) => ({
      label: withoutIcons(row.name + field),
      description: `${row.protocol.toUpperCase()}, ${stateWords(row.state)}`,
      detail: withoutIcons(`${row.iocName} in ${row.containerName}`),
      alwaysShow: true, // the core has filtered; VS Code does not know * and ?
      pv: { row, name: row.name + field },
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
