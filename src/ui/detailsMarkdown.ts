/**
 * Details of PVs as Markdown. Names and values come from outside, so they are only ever appended as
 * text.
 */
import * as vscode from 'vscode';
import { printable } from '../base/printable';
import type { DetailsSection } from '../present/pvDetailsText';
import type { Health } from '../present/table';
import type { CommandId } from './ids';

/** A link that runs one of our commands. */
export interface CommandLink {
  readonly title: string;
  readonly command: CommandId;
  readonly args: readonly unknown[];
}

const ICONS: Record<Health | 'none', string> = {
  ...{ good: 'pass', busy: 'sync', bad: 'error' },
  none: 'info',
};

/** Renders sections as Markdown, with links at the end. */
export function detailsMarkdown(
  title: string | undefined,
  sections: readonly DetailsSection[],
  links: readonly CommandLink[],
): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('', true);
  // Only these commands, with arguments that we encode, can ever run from a hover.
  markdown.isTrusted = { enabledCommands: links.map(({ command }) => command) };
  if (title !== undefined) {
    appendWords(markdown.appendMarkdown('**'), title).appendMarkdown('**\n\n');
  }
  for (const { heading, health, lines } of sections) {
    markdown.appendMarkdown(`$(${ICONS[health]}) **`);
    appendWords(markdown, heading).appendMarkdown('**');
    for (const { label, text } of lines) {
      appendWords(markdown.appendMarkdown(`  \n${label}: `), text);
    }
    markdown.appendMarkdown('\n\n');
  }
  markdown.appendMarkdown(links.map(linkMarkdown).join(' | '));
  return markdown;
}

function linkMarkdown({ title, command, args }: CommandLink): string {
  // Parentheses would end the link; encodeURIComponent leaves them alone.
  const query = encodeURIComponent(JSON.stringify(args)).replace(
    /[()']/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `[${title}](command:${command}?${query})`;
}

/**
 * Appends text on one line. appendText makes each blank non-breaking, and turns line ends into
 * paragraphs, which would break out of a bold run; so it gets one word at a time.
 */
function appendWords(markdown: vscode.MarkdownString, text: string): vscode.MarkdownString {
  for (const [index, word] of printable(text.trim()).split(/\s+/).entries()) {
    if (index > 0) markdown.appendMarkdown(' ');
    // A tag with blanks in it would be taken for HTML and dropped.
    markdown.appendText(word.replaceAll('&', '&amp;').replaceAll('<', '&lt;'));
  }
  return markdown;
}
