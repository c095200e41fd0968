/** The whole story of a line of the tree or of a PV in an editor, made when asked for. */
import type * as vscode from 'vscode';
import { type StorySection, storySections, tooltipSections } from '../model/pvStoryText';
import type { PvStory } from '../model/exposure';
import type { TreeNode } from '../model/pvTree';
import { COMMANDS } from './ids';
import { type CommandLink, storyMarkdown } from './storyMarkdown';
import type { WindowExposure } from './windowExposure';

/** A newer value than the last known is waited for so long: a hover is there within 300 ms. */
export const NEW_VALUE_MS = 200;

export async function tooltipOf(
  exposure: WindowExposure,
  node: TreeNode,
  signal: AbortSignal,
): Promise<vscode.MarkdownString | undefined> {
  if (node.kind !== 'pv') return storyMarkdown(undefined, tooltipSections(node, Date.now()), []);
  const story = await exposure.exposure?.tellPv(node.row.name, NEW_VALUE_MS, signal);
  return story && pvMarkdown(story);
}

/** `before` tells how the name was found, where it was not written as it is. */
export function pvMarkdown(
  story: PvStory,
  before: readonly StorySection[] = [],
): vscode.MarkdownString {
  const sections = [...before, ...storySections(story, Date.now())];
  return storyMarkdown(story.name, sections, pvLinks(story));
}

function pvLinks({ name, paths }: PvStory): CommandLink[] {
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
