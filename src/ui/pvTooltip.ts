/** Details of a line of the tree or of a PV in an editor, fetched on demand. */
import type * as vscode from 'vscode';
import {
  NO_ANSWER_YET,
  type DetailsSection,
  detailsSections,
  tooltipSections,
} from '../present/pvDetailsText';
import type { PvDetails } from '../model/coreApi';
import type { Snapshot } from '../model/snapshot';
import type { TreeNode } from '../present/pvTree';
import { COMMANDS } from './ids';
import { type CommandLink, detailsMarkdown } from './detailsMarkdown';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';

/** The text of a hover. */
export interface Tooltip {
  readonly markdown: vscode.MarkdownString;
  /** False if it only says that there is no answer yet. */
  readonly isAnswer: boolean;
}

/** The hover of a line of the tree. Never rejects: if details do not arrive, it says so. */
export async function tooltipOf(exposure: WindowExposure, node: TreeNode): Promise<Tooltip> {
  if (node.kind !== 'pv') {
    const markdown = detailsMarkdown(
      undefined,
      tooltipSections(node, Date.now(), WINDOW_WORDS),
      [],
    );
    return { markdown, isAnswer: true };
  }
  const { name } = node.row;
  const details = await exposure.describePv(name);
  return details
    ? { markdown: pvMarkdown(details), isAnswer: true }
    : { markdown: detailsMarkdown(name, [LATE], []), isAnswer: false };
}

/** Shown instead of details that did not arrive. */
export const LATE: DetailsSection = {
  heading: NO_ANSWER_YET,
  health: 'busy',
  lines: [{ label: 'What to do', text: 'Hover again; if that does not help, see the log.' }],
};

/**
 * The hover of a PV in an editor. `before` says how the name was found, if it was not written
 * literally; `snapshot` what is said of one that was not found.
 */
export function pvMarkdown(
  details: PvDetails,
  before: readonly DetailsSection[] = [],
  snapshot?: Snapshot,
): vscode.MarkdownString {
  const sections = [...before, ...detailsSections(details, Date.now(), WINDOW_WORDS, snapshot)];
  return detailsMarkdown(details.name, sections, pvLinks(details));
}

function pvLinks({ name, paths }: PvDetails): CommandLink[] {
  const [first] = paths;
  if (!first) return [{ title: 'Settings', command: COMMANDS.openSettings, args: [] }];
  const pv = { name, protocol: first.row.protocol };
  return [
    { title: 'Monitor', command: COMMANDS.monitorPv, args: [pv] },
    { title: 'Copy name', command: COMMANDS.copyPvName, args: [pv] },
    { title: 'Copy line for a client', command: COMMANDS.copyClientLine, args: [pv] },
    ...(paths.some(({ problem }) => problem)
      ? [{ title: 'Log', command: COMMANDS.showLog, args: [] }]
      : []),
  ];
}
