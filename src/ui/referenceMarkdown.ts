/** What a hover over a reference to a PV in an editor says. */
import type * as vscode from 'vscode';
import type { PvDetails, PvPage } from '../model/coreApi';
import { parsePvText, type PvName } from '../model/pvName';
import { type DetailsLine, type DetailsSection, incompleteLines } from '../present/pvDetailsText';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { expandName } from '../present/pvReferences/expandName';
import type { PvReference } from '../present/pvReferences/pvReference';
import { PROTOCOL_NAMES } from '../present/problemText';
import { detailsMarkdown } from './detailsMarkdown';
import { LATE, pvMarkdown } from './pvTooltip';
import type { WindowExposure } from './windowExposure';
import { withTimeout } from './withTimeout';

/** The core lists names from memory; details may follow. */
const LIST_MS = 250;
/** The shortest part of a name that is looked up, so that not every number is. */
const MIN_PART = 3;
const SHOWN_NAMES = 5;

/** Undefined when there is nothing to say. Never rejects. */
export async function referenceMarkdown(
  exposure: WindowExposure,
  reference: PvReference,
): Promise<vscode.MarkdownString | undefined> {
  const { text, kind } = reference;
  if (kind === 'local' || kind === 'formula') return neutral(text, kind);
  const expanded = expandName(text, reference.macros);
  const { name, unknown } = expanded;
  const isPv = kind === 'pv';
  const parsed = name === undefined ? undefined : parsePvText(name);
  if (parsed && parsed.kind !== 'pv') return isPv ? neutral(text, parsed.kind) : undefined;
  const pattern = parsePvText(expanded.pattern);
  if (pattern?.kind !== 'pv') return undefined;
  if (parsed && (isPv || parsed.name.length >= MIN_PART)) {
    const details = await describe(exposure, parsed);
    if (!details) return isPv ? detailsMarkdown(text, [LATE], []) : undefined;
    if (details.paths.length > 0 || (isPv && expanded.pattern === name)) {
      return pvMarkdown(details, beforeDetails(parsed, details), exposure.snapshot);
    }
  }
  if (kind === 'guess') return undefined;
  const glob = isPv ? pattern.record : `${pattern.record}*`;
  if (!isPv && glob.replaceAll('*', '').length < MIN_PART) return undefined;
  if (glob === '*') return detailsMarkdown(text, [unknownSection(unknown)], []);
  const page = await withTimeout(LIST_MS, async (signal) =>
    exposure.core?.listPvs({ pattern: glob, offset: 0, limit: 4 * SHOWN_NAMES }, signal),
  ).catch(() => undefined);
  if (!page) return isPv ? detailsMarkdown(text, [LATE], []) : undefined;
  if (!isPv && page.total === 0) return undefined;
  const notes = [
    ...defaultLines(expanded.pattern === name ? undefined : parsed?.name),
    ...unknownLines(unknown),
  ];
  const names = [...new Set(page.rows.map((row) => row.name))];
  const [only] = names;
  if (only !== undefined && names.length === 1 && page.total <= page.rows.length) {
    const details = await describe(exposure, { ...pattern, ...nameIn(only, pattern) });
    const found = fitsSection(text, notes);
    return details ? pvMarkdown(details, [found]) : detailsMarkdown(only, [found, LATE], []);
  }
  const incomplete = page.total === 0 ? incompleteLines(exposure.snapshot, WINDOW_WORDS) : [];
  return detailsMarkdown(text, [listSection(glob, [...notes, ...incomplete], names, page)], []);
}

/** The reference with the record that its macros turned out to mean; a field that is unknown is not. */
function nameIn(
  record: string,
  { name, record: pattern }: PvName,
): Pick<PvName, 'name' | 'record'> {
  const rest = name.slice(pattern.length);
  return { record, name: rest.includes('*') ? record : record + rest };
}

/**
 * What is known of the PV that is meant. A name with slashes may be a PV, or a part of one, which is
 * described then. Undefined if the core is late.
 */
async function describe(
  exposure: WindowExposure,
  { name, record, path, protocol }: PvName,
): Promise<PvDetails | undefined> {
  const names = path.length > 0 ? [name, record] : [name];
  const all = await Promise.all(names.map((one) => exposure.describePv(one)));
  const details = all.find((one) => one && one.paths.length > 0) ?? all[0];
  const asked = details?.paths.filter(({ row }) => row.protocol === protocol) ?? [];
  return details && asked.length > 0 ? { ...details, paths: asked } : details;
}

/** How what is described differs from what was written. */
function beforeDetails({ name, path, protocol }: PvName, details: PvDetails): DetailsSection[] {
  const sections: DetailsSection[] = [];
  if (details.paths.length === 0) return [];
  if (path.length > 0 && details.name !== name) {
    sections.push({
      heading: `${path.join('/')} is a part of ${details.name}`,
      health: 'good',
      lines: [{ label: 'Its value', text: `is not read alone; ${details.name} itself is:` }],
    });
  }
  if (protocol && details.paths.every(({ row }) => row.protocol !== protocol)) {
    sections.push({
      heading: `not found over ${PROTOCOL_NAMES[protocol]}, which ${protocol}:// asks for`,
      health: 'bad',
      lines: [],
    });
  }
  return sections;
}

/** PVs that no IOC has are no problem. */
function neutral(text: string, kind: 'local' | 'formula'): vscode.MarkdownString {
  const heading =
    kind === 'local'
      ? 'local PV of the display; not from an IOC'
      : 'formula of the display; hover over a PV in it';
  return detailsMarkdown(text, [{ heading, health: 'none', lines: [] }], []);
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
