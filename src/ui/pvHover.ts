import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import { FILE_PATTERNS } from '../present/pvReferences/fileTypes';
import { referenceAt } from './documentReferences';
import { referenceMarkdown } from './referenceMarkdown';
import { stepDone } from './walkthroughSteps';
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
        const reference = await referenceAt(document, position);
        if (!reference) return undefined;
        const markdown = await referenceMarkdown(exposure, reference);
        if (!markdown) return undefined;
        stepDone('hasHovered');
        const [start, end] = [reference.start, reference.end].map((at) => document.positionAt(at));
        return new vscode.Hover(markdown, start && end && new vscode.Range(start, end));
      },
    },
  );
}
