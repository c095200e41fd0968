import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { clientEnvironment, nameServersOf } from '../present/clientEnvironment';
import { environmentFiles } from '../present/terminalEnvironment';
import type { WindowExposure } from './windowExposure';

/** The first file as it is when nothing is exposed. */
const CLEARED = environmentFiles({}).map(({ name, content }) => ({
  name,
  bytes: new TextEncoder().encode(content),
}))[0] as { readonly name: string; readonly bytes: Uint8Array };

/**
 * Keeps the files to source current, for shells outside VS Code. `folder` belongs to the extension,
 * on the machine it runs on.
 */
export function keepEnvironmentFiles(
  folder: vscode.Uri,
  exposure: WindowExposure,
  log: vscode.LogOutputChannel,
  isResuming: boolean,
): Disposable {
  const store = new DisposableStore();
  // A window that comes back finds the files as it left them, until it knows better.
  let known = isResuming ? undefined : '{}';
  const isUndecided = (): boolean =>
    known === undefined &&
    exposure.isExposing &&
    exposure.problem === undefined &&
    !exposure.snapshot.isSettled;
  let writing = Promise.resolve();
  const keep = (isForced = false): void => {
    const environment = clientEnvironment(nameServersOf(exposure.snapshot));
    const text = JSON.stringify(environment);
    if ((text === known && !isForced) || isUndecided()) return;
    known = text;
    writing = writing
      .then(() => write(folder, environment))
      .catch((error: unknown) => {
        log.warn(`The files in ${folder.fsPath} cannot be written: ${messageOf(error)}`);
      });
  };
  store.add(exposure.onDidChange(() => keep()));
  // Another window that stops writes that nothing is exposed, although we still expose.
  const watcher = store.add(
    vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, CLEARED.name)),
  );
  store.add(
    watcher.onDidChange((file) => {
      if (known === undefined || known === '{}') return;
      void isSame(file, CLEARED.bytes).then((isCleared) => isCleared && keep(true));
    }),
  );
  // A window that was closed could not clear them; a window that still exposes writes them again.
  if (!isResuming) {
    const first = vscode.Uri.joinPath(folder, CLEARED.name);
    void vscode.workspace.fs.stat(first).then(
      () => keep(true),
      () => undefined, // never written
    );
  }
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

/** Another window may have written the same. */
async function isSame(file: vscode.Uri, bytes: Uint8Array): Promise<boolean> {
  try {
    const there = await vscode.workspace.fs.readFile(file);
    return there.length === bytes.length && there.every((byte, index) => byte === bytes[index]);
  } catch {
    return false; // not there yet
  }
}
