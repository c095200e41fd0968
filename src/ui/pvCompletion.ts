/** Names of exposed PVs while the user types one in a file. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { printable } from '../base/printable';
import { beginningWith } from '../model/pvPattern';
import { parsePvText } from '../model/pvName';
import { stateWords } from '../present/problemText';
import { expandName } from '../present/pvReferences/expandName';
import { FILE_PATTERNS } from '../present/pvReferences/fileTypes';
import { isDefining } from '../present/pvReferences/isDefining';
import { isNoPv } from '../present/pvReferences/pvReference';
import { referenceAt } from './documentReferences';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';

const SHOWN = 100;
/** A longer file is read anew at each letter for too long. */
const MAX_CHARACTERS = 1_000_000;
const LIST_TIMEOUT_MS = 1000;
/** Nobody types in a longer line. */
const MAX_LINE = 10_000;

/** Registers completion of PV names in the files in which hovers work. */
export function registerPvCompletion(exposure: WindowExposure): Disposable {
  return vscode.languages.registerCompletionItemProvider(
    FILE_PATTERNS.map((pattern) => ({ pattern })),
    {
      async provideCompletionItems(document, position) {
        const { core } = exposure;
        const before = document.lineAt(position).text.slice(0, position.character);
        if (!core || before.length > MAX_LINE || isDefining(before)) return undefined;
        const end = document.lineAt(document.lineCount - 1).range.end;
        if (document.offsetAt(end) > MAX_CHARACTERS) return undefined;
        const reference = await referenceAt(document, position);
        if (!reference || isNoPv(reference.kind)) return undefined;
        const start = document.positionAt(reference.start);
        const typed = document.getText(new vscode.Range(start, position));
        const { name } = expandName(typed, reference.macros);
        const parsed = name === undefined ? undefined : parsePvText(name);
        // A macro without a value may begin with anything; the text of a field is no name.
        if (parsed?.kind !== 'pv' || parsed.field !== undefined) return undefined;
        const known = parsed.name;
        const page = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
          core.listPvs({ pattern: beginningWith(known), offset: 0, limit: SHOWN }, signal),
        ).catch(() => undefined);
        const range = new vscode.Range(start, document.positionAt(reference.end));
        const items = new Map<string, vscode.CompletionItem>();
        for (const row of page?.rows ?? []) {
          // Nobody means to insert what cannot be seen.
          const isPlain = printable(row.name) === row.name;
          if (!isPlain || !row.name.startsWith(known) || items.has(row.name)) continue;
          items.set(row.name, itemOf(row, typed, known, range));
        }
        return new vscode.CompletionList([...items.values()], (page?.total ?? 0) > SHOWN);
      },
    },
    ...[':', '_', '-', '.'],
  );
}

function itemOf(
  row: { readonly name: string; readonly state: string; readonly iocName: string },
  typed: string,
  known: string,
  range: vscode.Range,
): vscode.CompletionItem {
  const item = new vscode.CompletionItem(
    { label: printable(row.name), description: printable(row.iocName) },
    vscode.CompletionItemKind.Value,
  );
  item.detail = stateWords(row.state);
  // What was typed stays: its macros, its scheme.
  item.insertText = typed + row.name.slice(known.length);
  item.filterText = item.insertText;
  item.range = range;
  return item;
}
