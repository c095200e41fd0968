/**
 * Details of PVs as Markdown. Names and values come from outside, so they are only ever appended as
 * text.
 */
import * as vscode from 'vscode';
import { printable } from '../base/printable';
import type { DetailsSection } from '../present/pvDetailsText';
import type { CommandId } from './ids';

/** A link that runs one of our commands. */
export interface CommandLink {
  readonly title: string;
  readonly command: CommandId;
  readonly args: readonly unknown[];
}

const ICONS: Record<DetailsSection['health'], string> = {
  ...{ good: 'pass', busy: 'sync', bad: 'error' },
  ...{ alarm: 'warning', none: 'info' },
};

/** Renders sections as Markdown, then links, and the rest below a rule. */
export function detailsMarkdown(
  title: string | undefined,
  sections: readonly DetailsSection[],
  links: readonly CommandLink[],
  rest: readonly DetailsSection[] = [],
): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('', true);
  // Only these commands, with arguments that we encode, can ever run from a hover.
  markdown.isTrusted = { enabledCommands: links.map(({ command }) => command) };
  if (title !== undefined) {
    appendWords(markdown.appendMarkdown('**'), title).appendMarkdown('**');
    const own = sections.find(({ heading }) => heading === '');
    markdown.appendMarkdown(own ? ` $(${ICONS[own.health]})\n\n` : '\n\n');
  }
  for (const section of sections) appendSection(markdown, section);
  markdown.appendMarkdown(links.map(linkMarkdown).join(' | '));
  if (rest.length > 0) markdown.appendMarkdown('\n\n---\n\n');
  for (const section of rest) appendSection(markdown, section);
  return markdown;
}

function appendSection(
  markdown: vscode.MarkdownString,
  { heading, health, lines }: DetailsSection,
): void {
  if (heading !== '') {
    appendWords(markdown.appendMarkdown(`$(${ICONS[health]}) **`), heading).appendMarkdown('**');
  }
  for (const [index, { label, text }] of lines.entries()) {
    if (index > 0 || heading !== '') markdown.appendMarkdown('  \n');
    appendWords(markdown.appendMarkdown(`${label}: `), text);
  }
  markdown.appendMarkdown('\n\n');
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
