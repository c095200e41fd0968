import * as vscode from 'vscode';
import type { Disposable } from '../base/disposable';
import type { PvPage } from '../model/coreApi';
import { expandName } from '../present/pvReferences/macroText';
import { FILE_PATTERNS, pvReferenceAt } from '../present/pvReferences/pvReferenceAt';
import type { PvReference } from '../present/pvReferences/pvReference';
import type { DetailsLine, DetailsSection } from '../present/pvDetailsText';
import { withTimeout } from './withTimeout';
import { LATE, pvMarkdown } from './pvTooltip';
import { detailsMarkdown } from './detailsMarkdown';
import type { WindowExposure } from './windowExposure';

/** The core lists names from memory; details may follow. */
const LIST_MS = 250;
/** The shortest part of a name that is looked up, so that not every number is. */
const MIN_PART = 3;
const SHOWN_NAMES = 5;

/**
 * Registers hovers over record names in the files of IOCs and displays. `onHover` is called when
 * the pointer is over an editor.
 */
export function registerPvHover(exposure: WindowExposure, onHover: () => void): Disposable {
  // Without a scheme, because documents of a remote window are `vscode-remote:`.
  return vscode.languages.registerHoverProvider(
    FILE_PATTERNS.map((pattern) => ({ pattern })),
    {
      async provideHover(document, { line, character }) {
        if (!exposure.core) return undefined;
        onHover();
        const lines = linesOf(document);
        const reference = pvReferenceAt(document.fileName, { lines, line, character });
        if (!reference) return undefined;
        const markdown = await tell(exposure, reference);
        if (!markdown) return undefined;
        const { start, end } = reference;
        return new vscode.Hover(markdown, new vscode.Range(line, start, line, end));
      },
    },
  );
}

/** Split once per version: users move the mouse over a file more often than they change it. */
let split: { document: vscode.TextDocument; version: number; lines: string[] } | undefined;

function linesOf(document: vscode.TextDocument): string[] {
  if (split?.document !== document || split.version !== document.version) {
    split = { document, version: document.version, lines: document.getText().split(/\r?\n/) };
  }
  return split.lines;
}

async function tell(
  exposure: WindowExposure,
  { text, macros, isPart }: PvReference,
): Promise<vscode.MarkdownString | undefined> {
  const { name, pattern, unknown } = expandName(text, macros);
  if (name !== undefined && (!isPart || name.length >= MIN_PART)) {
    const details = await exposure.describePv(name);
    if (!details) return isPart ? undefined : detailsMarkdown(text, [LATE], []);
    if (details.paths.length > 0 || (!isPart && pattern === name)) return pvMarkdown(details);
  }
  const glob = isPart ? `${pattern}*` : pattern;
  if (isPart && glob.replaceAll('*', '').length < MIN_PART) return undefined;
  if (glob === '*') return detailsMarkdown(text, [unknownSection(unknown)], []);
  const page = await withTimeout(LIST_MS, async (signal) =>
    exposure.core?.listPvs({ pattern: glob, offset: 0, limit: 4 * SHOWN_NAMES }, signal),
  ).catch(() => undefined);
  if (!page) return isPart ? undefined : detailsMarkdown(text, [LATE], []);
  if (isPart && page.total === 0) return undefined;
  const notes = [...defaultLines(pattern === name ? undefined : name), ...unknownLines(unknown)];
  const names = [...new Set(page.rows.map((row) => row.name))];
  const [only] = names;
  if (only !== undefined && names.length === 1 && page.total <= page.rows.length) {
    const details = await exposure.describePv(only);
    const found = fitsSection(text, notes);
    return details ? pvMarkdown(details, [found]) : detailsMarkdown(only, [found, LATE], []);
  }
  return detailsMarkdown(text, [listSection(glob, notes, names, page)], []);
}

function fitsSection(text: string, notes: readonly DetailsLine[]): DetailsSection {
  return {
    heading: `the one exposed PV that fits ${text}`,
    health: 'good',
    lines: notes,
  };
}

function listSection(
  glob: string,
  notes: readonly DetailsLine[],
  names: readonly string[],
  { total, reachable }: PvPage,
): DetailsSection {
  if (total === 0) {
    return {
      heading: `no exposed PV fits ${glob}`,
      health: 'bad',
      lines: [
        ...notes,
        { label: 'What to do', text: 'Check that its IOC is running and has loaded this file.' },
      ],
    };
  }
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  return {
    heading: `${reachable} of ${total} reachable that fit ${glob}`,
    health: reachable === total ? 'good' : 'bad',
    lines: [...notes, { label: 'PVs', text: total > SHOWN_NAMES ? `${shown}, ...` : shown }],
  };
}

/** No part of the name is known: any PV would fit. */
function unknownSection(unknown: readonly string[]): DetailsSection {
  return {
    heading: `${unknown.join(', ')}: not known in this file`,
    health: 'busy',
    lines: [
      { label: 'What to do', text: 'Hover where the file is loaded, or over the PV itself.' },
    ],
  };
}

/** The name with the macros' defaults was looked up first, and no PV has it. */
function defaultLines(name: string | undefined): DetailsLine[] {
  return name === undefined ? [] : [{ label: 'With its defaults', text: `no exposed ${name}` }];
}

function unknownLines(unknown: readonly string[]): DetailsLine[] {
  if (unknown.length === 0) return [];
  return [{ label: 'Macros not known here', text: unknown.join(', ') }];
}
