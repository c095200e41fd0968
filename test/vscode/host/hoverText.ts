import * as vscode from 'vscode';

/** What a hover at a place of a file says, without Markdown; empty if there is none. */
export async function hoverText(uri: vscode.Uri, index: number): Promise<string> {
  const document = await vscode.workspace.openTextDocument(uri);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    document.positionAt(index),
  );
  return hovers
    .flatMap(({ contents }) => contents)
    .map((content) => (typeof content === 'string' ? content : content.value))
    .join('\n')
    .replaceAll('\\', '')
    .replaceAll('&quot;', '"');
}
