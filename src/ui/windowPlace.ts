/** Where this window works, and in which container. */
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

/** Reads go through the window's own remote connection, which may be busy. */
const READ_TIMEOUT_MS = 5000;

/** Where the extension runs, relative to the window. */
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

/** Where the window's folder is, from its URI. */
export function windowRemote(): WindowRemote {
  const { workspaceFolders, workspaceFile } = vscode.workspace;
  const uri = workspaceFolders?.[0]?.uri ?? workspaceFile;
  if (uri?.scheme === 'vscode-remote') return parseRemoteAuthority(uri.authority);
  // The dev container of a local folder may be running.
  return { kind: 'none', ...(uri?.scheme === 'file' && { container: { folder: uri.fsPath } }) };
}

/** Finds the container of this window in the snapshot, again after each rebuild. */
export class OwnContainer implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #remote = windowRemote();
  /** The host name in the container, which is the beginning of its id; asked once. */
  #hostName: Promise<string | undefined> | undefined;
  #hint: ContainerHint | undefined;
  readonly #store = new DisposableStore();

  constructor(exposure: WindowExposure) {
    this.#exposure = exposure;
    this.#hint = this.#remote.container;
    this.#store.add(exposure.onDidChange(() => this.#askHostName()));
  }

  /** The container of this window; undefined if it is not known, or none. */
  get container(): ContainerState | undefined {
    const { snapshot } = this.#exposure;
    return this.#hint && findOwnContainer(snapshot, this.#hint);
  }

  /**
   * If the authority says nothing that we know: a container's host name is the beginning of its id.
   */
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

/**
 * Reads a file of the window's machine or container. Rejects when it cannot be read, or not in
 * time.
 */
export async function readRemoteText(uri: vscode.Uri): Promise<string> {
  const bytes = await withTimeout(READ_TIMEOUT_MS, async () => vscode.workspace.fs.readFile(uri));
  return new TextDecoder().decode(bytes);
}
