/** From a PV in a file or a row to the record in a database file of the workspace. */
import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import type { PvRow } from '../model/coreApi';
import { beginningWith } from '../model/pvPattern';
import { placeOfServer } from '../model/snapshot';
import { parsePvText, recordNameOf } from '../model/pvName';
import { expandName } from '../present/pvReferences/expandName';
import { FILE_PATTERNS } from '../present/pvReferences/fileTypes';
import { isNoPv, type PvReference } from '../present/pvReferences/pvReference';
import { referenceAt } from './documentReferences';
import { notificationText } from './notificationText';
import { withoutIcons } from './pickPv';
import type { RecordFiles, RecordPlace } from './recordFiles';
import type { WindowExposure } from './windowExposure';
import { withTimeout } from './withTimeout';

const LIST_TIMEOUT_MS = 2000;

/** Registers Go to Definition for the PVs in files; works without any IOC. */
export function registerRecordDefinition(files: RecordFiles): Disposable {
  return vscode.languages.registerDefinitionProvider(
    FILE_PATTERNS.map((pattern) => ({ pattern })),
    {
      async provideDefinition(document, position) {
        const reference = await referenceAt(document, position);
        const record = reference && recordIn(reference);
        if (record === undefined || !reference) return undefined;
        const origin = new vscode.Range(
          document.positionAt(reference.start),
          document.positionAt(reference.end),
        );
        return (await files.find(record)).map(({ uri, range }) => ({
          originSelectionRange: origin,
          targetUri: uri,
          targetRange: range,
        }));
      },
    },
  );
}

/** What is needed to show a record. */
export interface ShowRecordInput {
  readonly files: RecordFiles;
  readonly exposure: WindowExposure;
  readonly ownContainerKey: () => string | undefined;
}

/**
 * Opens the definition of a PV's record: in the workspace, several to choose from, else the file that
 * its IOC loaded if this window works in that container. Otherwise it says where that is.
 */
export async function showRecord(input: ShowRecordInput, pv: string): Promise<void> {
  const record = recordNameOf(pv) ?? pv;
  const places = await input.files.find(record);
  const loaded = places.length === 0 ? await loadedFrom(input.exposure, record) : undefined;
  const place = loaded ? ownPlace(input, loaded) : await choosePlace(places);
  if (place) {
    await vscode.window.showTextDocument(place.uri, { selection: place.range });
  } else if (places.length === 0) {
    const where = loaded
      ? `; its IOC loaded it from ${loaded.file}, line ${loaded.line}, in container ${loaded.row.containerName}`
      : '';
    await vscode.window.showInformationMessage(
      notificationText(`No database file in this workspace defines ${record}${where}.`),
    );
  }
}

async function choosePlace(places: readonly RecordPlace[]): Promise<RecordPlace | undefined> {
  if (places.length <= 1) return places[0];
  return vscode.window.showQuickPick(
    places.map((place) => ({
      ...place,
      label: withoutIcons(vscode.workspace.asRelativePath(place.uri)),
      description: `line ${place.range.start.line + 1}`,
    })),
    { title: 'Go to Record' },
  );
}

interface Loaded {
  readonly row: PvRow;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** The file from which an IOC loaded a record, if its names come from files. */
async function loadedFrom({ core }: WindowExposure, record: string): Promise<Loaded | undefined> {
  const page = await withTimeout(LIST_TIMEOUT_MS, async (signal) =>
    // Without a wildcard it would be a part of a name.
    core?.listPvs({ pattern: beginningWith(record), offset: 0, limit: 10 }, signal),
  ).catch(() => undefined);
  for (const row of page?.rows ?? []) {
    if (row.name === record && row.source.kind === 'database') {
      return { row, file: row.source.file, line: row.source.line };
    }
  }
  return undefined;
}

function ownPlace(
  { exposure, ownContainerKey }: ShowRecordInput,
  { row, file, line }: Loaded,
): RecordPlace | undefined {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const key = placeOfServer(exposure.snapshot, row.serverKey)?.container.key;
  const isOwn = key !== undefined && key === ownContainerKey();
  if (folder?.scheme !== 'vscode-remote' || !isOwn || !file.startsWith('/')) {
    return undefined;
  }
  const start = new vscode.Position(Math.max(0, line - 1), 0);
  return { uri: folder.with({ path: file }), range: new vscode.Range(start, start) };
}

/** Unknown macros stay as `*`, which only a macro of a definition stands for. */
function recordIn({ kind, text, macros }: PvReference): string | undefined {
  if (isNoPv(kind)) return undefined;
  const { name, pattern } = expandName(text, macros);
  const parsed = parsePvText(name ?? pattern);
  return parsed?.kind === 'pv' ? parsed.record : undefined;
}
