import type * as vscode from 'vscode';
import type { PvReference } from '../present/pvReferences/pvReference';

/** Read once per version: users move the mouse over a file more often than they change it. */
let last:
  | { document: vscode.TextDocument; version: number; references: readonly PvReference[] }
  | undefined;

/** What a document says about PVs. Does not reject. */
export async function referencesOf(document: vscode.TextDocument): Promise<readonly PvReference[]> {
  // The parsers take as long to load as all the rest.
  const { pvReferencesIn } = await import('../present/pvReferences/pvReferenceAt');
  if (last?.document !== document || last.version !== document.version) {
    const references = pvReferencesIn(document.fileName, document.getText());
    last = { document, version: document.version, references };
  }
  return last.references;
}

/** What a document says at a place about a PV; undefined if nothing. Does not reject. */
export async function referenceAt(
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<PvReference | undefined> {
  const references = await referencesOf(document);
  const { pvReferenceAt } = await import('../present/pvReferences/pvReferenceAt');
  return pvReferenceAt(references, document.offsetAt(position));
}
