/** What a hover over a reference to a PV in an editor says. */
import type * as vscode from 'vscode';
import type { PvDetails, PvPage } from '../model/coreApi';
import { parsePvText, partIn, type PvName } from '../model/pvName';
import { type DetailsLine, type DetailsSection, incompleteLines } from '../present/pvDetailsText';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { type ExpandedName, expandName } from '../present/pvReferences/expandName';
import { isNoPv, type NoPvKind, type PvReference } from '../present/pvReferences/pvReference';
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
/** Rows, one for each server that has a name; names are counted once if there are no more. */
const LISTED_ROWS = 200;

/** What is written, with its macros expanded. */
interface Meaning {
  readonly text: string;
  readonly expanded: ExpandedName;
  /** Undefined while macros are unknown. */
  readonly parsed: PvName | undefined;
  /** With `*` for what may differ where the file is loaded. */
  readonly pattern: PvName;
}

/** Undefined when there is nothing to say. Never rejects. */
export async function referenceMarkdown(
  exposure: WindowExposure,
  { text, kind, macros }: PvReference,
): Promise<vscode.MarkdownString | undefined> {
  if (isNoPv(kind)) return neutral(text, kind);
  const expanded = expandName(text, macros);
  const parsed = expanded.name === undefined ? undefined : parsePvText(expanded.name);
  const pattern = parsePvText(expanded.pattern);
  // A macro may turn out to be its scheme.
  const other = [parsed, pattern].find((one) => one && one.kind !== 'pv');
  if (other && other.kind !== 'pv') return kind === 'pv' ? neutral(text, other.kind) : undefined;
  if (pattern?.kind !== 'pv') return undefined;
  const meaning = { text, expanded, pattern, parsed: parsed?.kind === 'pv' ? parsed : undefined };
  return kind === 'pv' ? tellPv(exposure, meaning) : tellValue(exposure, meaning, kind);
}

async function tellPv(exposure: WindowExposure, meaning: Meaning): Promise<vscode.MarkdownString> {
  const { text, expanded, parsed, pattern } = meaning;
  if (parsed) {
    const details = await describe(exposure, parsed);
    if (!details) return detailsMarkdown(text, [LATE], []);
    const isCertain = expanded.pattern === expanded.name;
    if (details.paths.length > 0 || isCertain) return found(exposure, parsed, details);
  }
  if (pattern.record === '*') {
    return detailsMarkdown(text, [unknownSection(expanded.unknown)], []);
  }
  const page = await list(exposure, pattern.record);
  if (!page) return detailsMarkdown(text, [LATE], []);
  return tellPage(exposure, meaning, pattern.record, page);
}

/**
 * Tells of a text that may be a PV, or a part of one. Servers are asked for none: what is in no list
 * is no PV.
 */
async function tellValue(
  exposure: WindowExposure,
  meaning: Meaning,
  kind: 'part' | 'guess',
): Promise<vscode.MarkdownString | undefined> {
  const { parsed, pattern } = meaning;
  if (pattern.record.replaceAll('*', '').length < MIN_PART) return undefined;
  const glob = `${pattern.record}*`;
  const page = await list(exposure, glob);
  if (!page || page.total === 0) return undefined;
  const isListed = page.rows.some((row) => row.name === parsed?.record);
  const details = isListed && parsed ? await describe(exposure, parsed) : undefined;
  if (parsed && details) return found(exposure, parsed, details);
  return kind === 'guess' ? undefined : tellPage(exposure, meaning, glob, page);
}

/** Tells which PVs fit, or all about the one that does. */
async function tellPage(
  exposure: WindowExposure,
  { text, expanded, parsed, pattern }: Meaning,
  glob: string,
  page: PvPage,
): Promise<vscode.MarkdownString> {
  const notes = [
    ...defaultLines(expanded.pattern === expanded.name ? undefined : parsed?.name),
    ...unknownLines(expanded.unknown),
  ];
  const names = namesOf(page.rows);
  const [only] = names;
  if (only !== undefined && names.length === 1 && page.total <= page.rows.length) {
    const details = await describe(exposure, { ...pattern, ...nameIn(only, pattern) });
    const fits = fitsSection(text, notes);
    return details
      ? pvMarkdown(exposure.snapshot, details, [fits])
      : detailsMarkdown(only, [fits, LATE], []);
  }
  const incomplete = page.total === 0 ? incompleteLines(exposure.snapshot, WINDOW_WORDS) : [];
  return detailsMarkdown(text, [listSection(glob, [...notes, ...incomplete], page)], []);
}

/** Undefined if the core is late. */
function list(exposure: WindowExposure, pattern: string): Promise<PvPage | undefined> {
  return withTimeout(LIST_MS, async (signal) =>
    exposure.core?.listPvs({ pattern, offset: 0, limit: LISTED_ROWS }, signal),
  ).catch(() => undefined);
}

function found(exposure: WindowExposure, asked: PvName, details: PvDetails): vscode.MarkdownString {
  const { snapshot } = exposure;
  return pvMarkdown(snapshot, details, beforeDetails(asked, details), { snapshot });
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
async function describe(exposure: WindowExposure, asked: PvName): Promise<PvDetails | undefined> {
  const { name, protocol } = asked;
  const details = await exposure.describePv(name, partIn(asked).part);
  const paths = details?.paths.filter(({ row }) => row.protocol === protocol) ?? [];
  return details && paths.length > 0 ? { ...details, paths } : details;
}

/** How what is described differs from what was written. */
function beforeDetails({ protocol }: PvName, details: PvDetails): DetailsSection[] {
  const sections: DetailsSection[] = [];
  if (details.paths.length === 0) return [];
  if (details.part) {
    const heading = `${details.part.join('/')} of ${details.name}`;
    sections.push({ heading, health: 'none', lines: [] });
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
function neutral(text: string, kind: NoPvKind): vscode.MarkdownString {
  return detailsMarkdown(text, [{ heading: NEUTRAL[kind], health: 'none', lines: [] }], []);
}

const NEUTRAL: Readonly<Record<NoPvKind, string>> = {
  local: 'local PV of the display; not from an IOC',
  foreign: 'not a PV of Channel Access or pvAccess',
  formula: 'formula of the display; hover over a PV in it',
};

function fitsSection(text: string, notes: readonly DetailsLine[]): DetailsSection {
  return {
    heading: `the one exposed PV that fits ${text}`,
    health: 'good',
    lines: notes,
  };
}

function listSection(glob: string, notes: readonly DetailsLine[], page: PvPage): DetailsSection {
  if (page.total === 0) {
    return {
      heading: `no exposed PV fits ${glob}`,
      health: 'bad',
      lines: [
        ...notes,
        { label: 'What to do', text: 'Check that its IOC is running and has loaded this file.' },
      ],
    };
  }
  const { names, total, reachable } = countsOf(page);
  const shown = names.slice(0, SHOWN_NAMES);
  const more = total > shown.length ? ['...'] : [];
  return {
    heading: `${reachable} of ${total} reachable that fit ${glob}`,
    health: reachable === total ? 'good' : 'bad',
    lines: [...notes, { label: 'PVs', text: [...shown, ...more].join(', ') }],
  };
}

/** A name that several servers have counts once, unless the page is only the first of several. */
function countsOf({ rows, total, reachable }: PvPage): {
  readonly names: readonly string[];
  readonly total: number;
  readonly reachable: number;
} {
  const names = namesOf(rows);
  if (total > rows.length) return { names, total, reachable };
  const ofReachable = namesOf(rows.filter(({ step }) => step === 'reachable'));
  return { names, total: names.length, reachable: ofReachable.length };
}

function namesOf(rows: PvPage['rows']): string[] {
  return [...new Set(rows.map(({ name }) => name))];
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
