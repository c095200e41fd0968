/** Keeps files to source current, for everything outside VS Code. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { clientEnvironment, nameServersOf } from '../model/nameServers';
import { environmentFiles } from '../model/terminalEnvironment';
import type { WindowExposure } from './windowExposure';

/** `folder` is of the extension, on the machine it runs on. */
export function keepEnvironmentFiles(
  folder: vscode.Uri,
  exposure: WindowExposure,
  log: vscode.LogOutputChannel,
): Disposable {
  const store = new DisposableStore();
  let known = '{}';
  let writing = Promise.resolve();
  const keep = (): void => {
    const environment = clientEnvironment(nameServersOf(exposure.snapshot));
    const text = JSON.stringify(environment);
    if (text === known) return;
    known = text;
    writing = writing
      .then(() => write(folder, environment))
      .catch((error: unknown) => {
        log.warn(`The files in ${folder.fsPath} cannot be written: ${messageOf(error)}`);
      });
  };
  store.add(exposure.onDidChange(keep));
  return store;
}

async function write(folder: vscode.Uri, environment: Record<string, string>): Promise<void> {
  await vscode.workspace.fs.createDirectory(folder);
  for (const { name, content } of environmentFiles(environment)) {
    const file = vscode.Uri.joinPath(folder, name);
    const bytes = new TextEncoder().encode(content);
    if (await isSame(file, bytes)) continue;
    await vscode.workspace.fs.writeFile(file, bytes);
  }
}

/** Another window may have written the very same. */
async function isSame(file: vscode.Uri, bytes: Uint8Array): Promise<boolean> {
  try {
    const there = await vscode.workspace.fs.readFile(file);
    return there.length === bytes.length && there.every((byte, index) => byte === bytes[index]);
  } catch {
    return false; // not there yet
  }
}
