/** Details of a line of the tree or of a PV in an editor, fetched on demand. */
import type * as vscode from 'vscode';
import {
  NO_ANSWER_YET,
  type DetailsSection,
  pvText,
  type PvTextOptions,
  tooltipSections,
} from '../present/pvDetailsText';
import type { PvDetails } from '../model/coreApi';
import type { PvProtocol, Snapshot } from '../model/snapshot';
import type { TreeNode } from '../present/pvTree';
import { COMMANDS } from './ids';
import { detailsMarkdown } from './detailsMarkdown';
import { lineLinks, pvLinks } from './hoverLinks';
import { MAX_LIVE_ROWS } from './liveRows';
import type { LiveValues } from './liveValues';
import { stepDone } from './walkthroughSteps';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';

/** The text of a hover. */
export interface Tooltip {
  readonly markdown: vscode.MarkdownString;
  /** False if it only says that there is no answer yet. */
  readonly isAnswer: boolean;
}

/**
 * The hover of a line of the tree. Never rejects: if details do not arrive, it says so. `live`: the
 * values that rows show; undefined: this row shows none, because there are too many.
 */
export async function tooltipOf(
  exposure: WindowExposure,
  node: TreeNode,
  live: LiveValues | undefined,
): Promise<Tooltip> {
  if (node.kind !== 'pv') {
    const sections = tooltipSections(node, Date.now(), WINDOW_WORDS);
    const markdown = detailsMarkdown(undefined, sections, lineLinks(exposure.snapshot, node));
    return { markdown, isAnswer: true };
  }
  const { name, protocol } = node.row;
  const tooltip = await pvTooltip(exposure, {
    ...{ name, protocol },
    ...(live ? { live } : { isNotLive: true }),
  });
  if (tooltip.isAnswer) stepDone('hasHovered');
  return tooltip;
}

/** Which PV a hover is about. */
export interface PvTooltipOptions {
  readonly name: string;
  /** Of the row that is hovered. */
  readonly protocol?: PvProtocol;
  /** The values that rows show. */
  readonly live?: LiveValues;
  /** There are too many rows for this one to show a value. */
  readonly isNotLive?: true;
}

/** The hover of a PV. Never rejects: if details do not arrive, it says so. */
export async function pvTooltip(
  exposure: WindowExposure,
  { name, protocol, live, isNotLive }: PvTooltipOptions,
): Promise<Tooltip> {
  const details = await exposure.describePv(name);
  if (!details) return { markdown: detailsMarkdown(name, [LATE], []), isAnswer: false };
  const address = protocol && { name, protocol };
  const { reading, readAtMs = 0, problem } = (address && live?.latest(address)) ?? {};
  const { head, rest } = pvText(details, Date.now(), WINDOW_WORDS, {
    ...(protocol && { protocol }),
    ...(reading && {
      live: { reading, receivedAtMs: readAtMs, isCurrent: problem === undefined },
    }),
  });
  const links = pvLinks(exposure.snapshot, details, protocol);
  const more = isNotLive ? [...rest, NOT_LIVE] : rest;
  return { markdown: detailsMarkdown(name, [head], links, more), isAnswer: true };
}

const NOT_LIVE: DetailsSection = {
  heading: 'this row is not live',
  health: 'none',
  lines: [
    {
      label: 'Why',
      text: `the ${MAX_LIVE_ROWS} rows of the branches that were opened last are; close some`,
    },
  ],
};

/** Shown instead of details that did not arrive. */
export const LATE: DetailsSection = {
  heading: NO_ANSWER_YET,
  health: 'busy',
  lines: [{ label: 'What to do', text: 'Hover again; if that does not help, see the log.' }],
};

/** The hover of a PV in an editor. `before` says how the name was found, if it is not literal. */
export function pvMarkdown(
  snapshot: Snapshot,
  details: PvDetails,
  before: readonly DetailsSection[] = [],
  options: PvTextOptions = {},
): vscode.MarkdownString {
  const { head, rest } = pvText(details, Date.now(), WINDOW_WORDS, options);
  const [path] = details.paths;
  // Of a field, its record is shown.
  const reveal = path && { name: path.row.name, protocol: path.row.protocol };
  const links = pvLinks(snapshot, details, options.protocol, [
    { title: 'Show in the tree', command: COMMANDS.revealPv, args: [reveal] },
  ]);
  return detailsMarkdown(details.name, [...before, head], links, rest);
}
