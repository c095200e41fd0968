/** The commands of the view Watch, and those that plot several PVs. */
import * as vscode from 'vscode';
import { UsageError } from '../base/errors';
import { printable } from '../base/printable';
import type { PvAddress } from '../model/pvAddress';
import { type BadLine, formatPvList, keyOf, parsePvList, type WantedPv } from '../model/pvList';
import { referencesOf } from './documentReferences';
import { COMMANDS, type CommandId } from './ids';
import type { PlotPanels } from './plotPanels';
import { resolvePv } from './resolvePv';
import type { WatchedValues } from './watchedValues';
import { MAX_WATCHED, type WatchList } from './watchList';
import { tellAdded, type WatchView } from './watchView';
import type { WindowExposure } from './windowExposure';

/** Of a file with a list. */
const MAX_LIST_BYTES = 1024 * 1024;
const SHOWN_LINES = 3;
const LIST_FILES = { 'Lists of PVs': ['txt', 'lst', 'list', 'pvs'], 'All files': ['*'] };

/** What the commands need. */
export interface WatchCommandsInput {
  readonly list: WatchList;
  readonly values: WatchedValues;
  readonly watchView: WatchView;
  readonly plots: PlotPanels;
  readonly exposure: WindowExposure;
  /** The PVs that a command means: those of its rows, of a link, selected, or asked for. */
  readonly pvsOf: (rows: readonly unknown[], title: string) => Promise<readonly WantedPv[]>;
}

type Run = (rows: readonly unknown[]) => Promise<unknown> | void;

/** The commands with what they do. */
export function watchCommands(input: WatchCommandsInput): readonly (readonly [CommandId, Run])[] {
  const { list, watchView, plots, pvsOf } = input;
  const addressOf = async (pv: WantedPv): Promise<PvAddress> =>
    input.values.addressOf(pv) ?? resolvePv(input.exposure.core, pv);
  const addresses = (pvs: readonly WantedPv[]): Promise<PvAddress[]> =>
    Promise.all(pvs.map(addressOf));
  const plot = async (rows: readonly unknown[], title: string): Promise<PvAddress[]> =>
    addresses(await pvsOf(rows, title));
  return [
    [
      COMMANDS.watchPv,
      async (rows) => {
        const pvs = await pvsOf(rows, 'Add PV to Watch');
        if (pvs.length > 0) tellAdded(await list.add(pvs));
      },
    ],
    [COMMANDS.watchSelection, () => watchSelection(list)],
    [COMMANDS.unwatchPv, async (rows) => list.remove(await watchedIn(rows))],
    [COMMANDS.moveWatchedUp, (rows) => moveBy(-1, rows)],
    [COMMANDS.moveWatchedDown, (rows) => moveBy(1, rows)],
    [
      COMMANDS.plotPvs,
      async (rows) => {
        const pvs = await plot(rows, 'Plot PV');
        if (pvs.length > 0) plots.open(pvs);
      },
    ],
    [
      COMMANDS.addToPlot,
      async (rows) => {
        const pvs = await plot(rows, 'Add to Open Plot');
        if (pvs.length > 0) plots.addToLast(pvs);
      },
    ],
    [
      COMMANDS.plotWatched,
      async () => {
        const pvs = await addresses(list.pvs);
        if (pvs.length > 0) plots.open(pvs);
      },
    ],
    [COMMANDS.importWatched, () => importList(list)],
    [COMMANDS.exportWatched, () => exportList(list)],
  ];

  /** By a key, what is selected is meant. */
  async function watchedIn(rows: readonly unknown[]): Promise<readonly WantedPv[]> {
    if (rows.length > 0) return watched(await pvsOf(rows, ''));
    await watchView.selectFocused();
    return watchView.selected;
  }

  /** A row of the other view may mean a PV over another protocol than that by which it is watched. */
  function watched(pvs: readonly WantedPv[]): readonly WantedPv[] {
    const keys = new Set(list.pvs.map(keyOf));
    return pvs.flatMap((pv) =>
      keys.has(keyOf(pv)) ? pv : list.pvs.filter(({ name }) => name === pv.name),
    );
  }

  async function moveBy(step: 1 | -1, rows: readonly unknown[]): Promise<void> {
    const moved = await watchedIn(rows);
    const keys = new Set(moved.map(keyOf));
    const places = list.pvs.flatMap((pv, at) => (keys.has(keyOf(pv)) ? [at] : []));
    const [first, last] = [places[0], places.at(-1)];
    if (first === undefined || last === undefined) return;
    const before = step < 0 ? list.pvs[Math.max(0, first - 1)] : list.pvs[last + 2];
    await list.move(moved, before);
  }
}

async function watchSelection(list: WatchList): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new UsageError('No editor is active.');
  const { document, selection } = editor;
  const range = selection.isEmpty ? document.lineAt(selection.active).range : selection;
  const { pvsBetween } = await import('../present/pvReferences/pvsBetween');
  const references = await referencesOf(document);
  const found = pvsBetween(
    references,
    document.offsetAt(range.start),
    document.offsetAt(range.end),
    MAX_WATCHED,
  );
  // In a file of no kind that we read, the text itself is a list.
  const pvs = references.length > 0 ? found.pvs : parsePvList(document.getText(range)).pvs;
  if (pvs.length === 0) {
    const [macro] = found.unknownMacros;
    throw new UsageError(
      macro === undefined
        ? 'No PV is in the selected text.'
        : `The PVs in the selected text depend on the macro ${printable(macro)}, whose value is not in this file.`,
    );
  }
  tellAdded(await list.add(pvs));
}

async function importList(list: WatchList): Promise<void> {
  const [file] =
    (await vscode.window.showOpenDialog({ filters: LIST_FILES, title: 'Import Watch List' })) ?? [];
  if (!file) return;
  const { size } = await vscode.workspace.fs.stat(file);
  if (size > MAX_LIST_BYTES) throw new UsageError('The file is too long for a list of PVs.');
  const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const { pvs, badLines, isCut } = parsePvList(text.replace(/^\uFEFF/, ''));
  tellAdded(await list.add(pvs));
  if (badLines.length > 0 || isCut) {
    void vscode.window.showWarningMessage(badLinesText(badLines, isCut));
  }
}

function badLinesText(badLines: readonly BadLine[], isCut: boolean): string {
  const shown = badLines
    .slice(0, SHOWN_LINES)
    .map(({ line, text }) => `line ${line} (${printable(text.slice(0, 60))})`);
  const more = badLines.length - shown.length;
  const named = [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const parts = [
    ...(badLines.length > 0 ? [`Not a PV: ${named}.`] : []),
    ...(isCut ? ['The file is too long; only its beginning was read.'] : []),
  ];
  return parts.join(' ');
}

async function exportList(list: WatchList): Promise<void> {
  if (list.pvs.length === 0) throw new UsageError('No PV is watched.');
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const file = await vscode.window.showSaveDialog({
    filters: LIST_FILES,
    title: 'Export Watch List',
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, 'watch.txt') }),
  });
  if (!file) return;
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(formatPvList(list.pvs)));
  vscode.window.setStatusBarMessage(`Saved ${printable(file.path)}`, 5000);
}
