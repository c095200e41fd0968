/** Where this window works, and which container that is. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { WindowPlace } from '../present/viewState';
import type { ContainerState } from '../model/snapshot';
import {
  type ContainerHint,
  findOwnContainer,
  parseRemoteAuthority,
  type WindowRemote,
} from '../model/workspaceContainer';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';

/** Through the window's own remote connection, which may be busy. */
const READ_TIMEOUT_MS = 5000;

export function windowPlace(extension: vscode.Extension<unknown>): WindowPlace {
  const { remoteName } = vscode.env;
  const isInContainer = /^(dev-container|attached-container|codespaces)$/.test(remoteName ?? '');
  if (extension.extensionKind === vscode.ExtensionKind.Workspace) {
    return isInContainer ? 'inside' : 'here';
  }
  if (remoteName === undefined) return 'here';
  const { kind, parent } = windowRemote();
  const isAway = kind === 'machine' || parent === 'machine' || remoteName === 'codespaces';
  return isAway ? 'elsewhere' : 'remote-window';
}

export function windowRemote(): WindowRemote {
  const { workspaceFolders, workspaceFile } = vscode.workspace;
  const uri = workspaceFolders?.[0]?.uri ?? workspaceFile;
  if (uri?.scheme === 'vscode-remote') return parseRemoteAuthority(uri.authority);
  // A folder that is open here may have its dev container running beside.
  return { kind: 'none', ...(uri?.scheme === 'file' && { container: { folder: uri.fsPath } }) };
}

/** Finds the container of this window in the snapshot, again after each rebuild. */
export class OwnContainer implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #remote = windowRemote();
  /** The beginning of its id, as its host name; asked once. */
  #hostName: Promise<string | undefined> | undefined;
  #hint: ContainerHint | undefined;
  readonly #store = new DisposableStore();

  constructor(exposure: WindowExposure) {
    this.#exposure = exposure;
    this.#hint = this.#remote.container;
    this.#store.add(exposure.onDidChange(() => this.#askHostName()));
  }

  get container(): ContainerState | undefined {
    const { snapshot } = this.#exposure;
    return this.#hint && findOwnContainer(snapshot, this.#hint);
  }

  /** Where the authority says nothing we know, a container's host name is the start of its id. */
  #askHostName(): void {
    const isKnown = this.#remote.kind !== 'container' || this.container !== undefined;
    if (isKnown || this.#hostName || !this.#exposure.snapshot.isSettled) return;
    const uri = vscode.workspace.workspaceFolders?.[0]?.uri.with({ path: '/etc/hostname' });
    if (!uri) return;
    this.#hostName = readRemoteText(uri).then(
      (text) => text.trim(),
      () => undefined, // only a hint
    );
    void this.#hostName.then((hostName) => {
      if (hostName !== undefined && /^[0-9a-f]{12,64}$/.test(hostName)) {
        this.#hint = { ...this.#hint, id: hostName };
      }
    });
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** A file where this window works. Rejects when it cannot be read, or not in time. */
export async function readRemoteText(uri: vscode.Uri): Promise<string> {
  const bytes = await withTimeout(READ_TIMEOUT_MS, async () => vscode.workspace.fs.readFile(uri));
  return new TextDecoder().decode(bytes);
}
