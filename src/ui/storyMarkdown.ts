/** Stories as Markdown. Names and values come from outside: they are only ever appended as text. */
import * as vscode from 'vscode';
import type { StorySection } from '../model/pvStoryText';
import type { Health } from '../model/table';
import type { CommandId } from './ids';

export interface CommandLink {
  readonly title: string;
  readonly command: CommandId;
  readonly args: readonly unknown[];
}

const ICONS: Record<Health, string> = { good: 'pass', busy: 'sync', bad: 'error' };

export function storyMarkdown(
  title: string | undefined,
  sections: readonly StorySection[],
  links: readonly CommandLink[],
): vscode.MarkdownString {
  const markdown = new vscode.MarkdownString('', true);
  // Only these commands, with arguments that we encode, ever run from a hover.
  markdown.isTrusted = { enabledCommands: links.map(({ command }) => command) };
  if (title !== undefined) {
    markdown.appendMarkdown('**').appendText(inOneLine(title)).appendMarkdown('**\n\n');
  }
  for (const { heading, health, lines } of sections) {
    markdown.appendMarkdown(`$(${ICONS[health]}) **`);
    markdown.appendText(inOneLine(heading)).appendMarkdown('**');
    for (const { label, text } of lines) {
      markdown.appendMarkdown(`  \n${label}: `).appendText(inOneLine(text));
    }
    markdown.appendMarkdown('\n\n');
  }
  markdown.appendMarkdown(links.map(linkMarkdown).join(' | '));
  return markdown;
}

function linkMarkdown({ title, command, args }: CommandLink): string {
  // Parentheses would end the link; encodeURIComponent leaves them.
  const query = encodeURIComponent(JSON.stringify(args)).replace(
    /[()']/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `[${title}](command:${command}?${query})`;
}

/** appendText turns line ends into paragraphs, which would break out of a bold run. */
function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
