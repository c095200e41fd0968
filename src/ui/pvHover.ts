import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { FILE_PATTERNS } from '../present/pvReferences/fileTypes';
import type { PvReference } from '../present/pvReferences/pvReference';
import { referenceMarkdown } from './referenceMarkdown';
import type { WindowExposure } from './windowExposure';

/**
 * Registers hovers over the PVs in the files of IOCs, displays and programs. `onHover` is called
 * when the pointer is over an editor.
 */
export function registerPvHover(exposure: WindowExposure, onHover: () => void): Disposable {
  // Without a scheme, because documents of a remote window are `vscode-remote:`.
  return vscode.languages.registerHoverProvider(
    FILE_PATTERNS.map((pattern) => ({ pattern })),
    {
      async provideHover(document, position) {
        if (!exposure.core) return undefined;
        onHover();
        // The parsers take as long to load as all the rest.
        const { pvReferenceAt, pvReferencesIn } =
          await import('../present/pvReferences/pvReferenceAt');
        const references = referencesIn(document, pvReferencesIn);
        const reference = pvReferenceAt(references, document.offsetAt(position));
        if (!reference) return undefined;
        const markdown = await referenceMarkdown(exposure, reference);
        if (!markdown) return undefined;
        const [start, end] = [reference.start, reference.end].map((at) => document.positionAt(at));
        return new vscode.Hover(markdown, start && end && new vscode.Range(start, end));
      },
    },
  );
}

/** Read once per version: users move the mouse over a file more often than they change it. */
let last:
  | { document: vscode.TextDocument; version: number; references: readonly PvReference[] }
  | undefined;

function referencesIn(
  document: vscode.TextDocument,
  read: (path: string, text: string) => readonly PvReference[],
): readonly PvReference[] {
  if (last?.document !== document || last.version !== document.version) {
    const references = read(document.fileName, document.getText());
    last = { document, version: document.version, references };
  }
  return last.references;
}
