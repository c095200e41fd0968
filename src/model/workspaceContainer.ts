/**
 * Which container a VS Code window works in, from the authority of its folder's URI. The format
 * belongs to Dev Containers and is not documented: whatever is not understood is 'unknown', never
 * an error.
 */
import { normaliseFolder } from './workspaceFolder';
import type { ContainerState } from './snapshot';

/** What the authority says about the container; each field alone may be enough to find it. */
export interface ContainerHint {
  /** Folder on the container's host that it was created for. */
  readonly folder?: string;
  readonly configFile?: string;
  readonly name?: string;
  /** The id, or its beginning. */
  readonly id?: string;
}

/** Where a window works, from its URI. */
export interface WindowRemote {
  readonly kind:
    | 'none' // the folder is on this machine
    | 'container'
    | 'wsl'
    | 'machine' // ssh, tunnel, codespace: another machine
    | 'unknown';
  readonly container?: ContainerHint;
  /** Context name or `ssh://` URI of the engine, if the window names one. */
  readonly engine?: string;
  /** Set if the container is not on this machine but there. */
  readonly parent?: 'wsl' | 'machine' | 'unknown';
}

/** Parses the `authority` of a `vscode-remote:` URI; '' for a folder of this machine. */
export function parseRemoteAuthority(authority: string): WindowRemote {
  const decoded = decodePercent(authority);
  if (decoded === '') return { kind: 'none' };
  const at = decoded.indexOf('@');
  const own = at < 0 ? decoded : decoded.slice(0, at);
  const parent = at < 0 ? undefined : parentOf(decoded.slice(at + 1));
  const plus = own.indexOf('+');
  const scheme = plus < 0 ? own : own.slice(0, plus);
  const rest = plus < 0 ? '' : own.slice(plus + 1);
  if (scheme !== 'dev-container' && scheme !== 'attached-container') {
    return { kind: kindOf(scheme) };
  }
  return {
    kind: 'container',
    ...containerOf(scheme, decodeHex(rest)),
    ...(parent && { parent }),
  };
}

function kindOf(scheme: string): Exclude<WindowRemote['kind'], 'none' | 'container'> {
  if (scheme === 'wsl') return 'wsl';
  return /^(ssh-remote|tunnel|codespaces|github|k8s-container)$/.test(scheme)
    ? 'machine'
    : 'unknown';
}

function parentOf(authority: string): NonNullable<WindowRemote['parent']> {
  return kindOf(authority.split('+')[0] ?? '');
}

function containerOf(
  scheme: string,
  text: string | undefined,
): Pick<WindowRemote, 'container' | 'engine'> {
  if (text === undefined || text === '') return {};
  const data = parseObject(text);
  if (!data) {
    const name = text.replace(/^\//, '');
    if (scheme === 'dev-container') return { container: { folder: text } };
    return { container: isId(name) ? { id: name, name } : { name } };
  }
  const settings = isObject(data['settings']) ? data['settings'] : {};
  const engine = textIn(settings, 'host') ?? textIn(settings, 'context');
  const folder = textIn(data, 'hostPath') ?? textIn(data, 'workspacePath');
  const configFile = isObject(data['configFile'])
    ? textIn(data['configFile'], 'path')
    : (textIn(data, 'configFile') ?? textIn(data, 'devcontainerPath'));
  const name = textIn(data, 'containerName')?.replace(/^\//, '');
  const id = textIn(data, 'containerId');
  return {
    container: {
      ...(folder !== undefined && { folder }),
      ...(configFile !== undefined && { configFile }),
      ...(name !== undefined && { name }),
      ...(id !== undefined && { id }),
    },
    ...(engine !== undefined && { engine }),
  };
}

type Identified = Pick<ContainerState, 'id' | 'name' | 'labels' | 'status'>;

/** The container of this window among the known ones; undefined if none or several fit. */
export function findOwnContainer<C extends Identified>(
  { containers }: { readonly containers: readonly C[] },
  hint: ContainerHint,
): C | undefined {
  const only = (test: (container: C) => boolean): C | undefined => {
    const found = containers.filter(test);
    // After a rebuild the old container is still shown for a moment.
    const running = found.filter(({ status }) => status === 'running');
    const fit = running.length > 0 ? running : found;
    return fit.length === 1 ? fit[0] : undefined;
  };
  const { id, name, folder, configFile } = hint;
  const isOfFolder = (container: C): boolean =>
    folder !== undefined && isSamePath(container.labels['devcontainer.local_folder'], folder);
  return (
    (id === undefined ? undefined : only((container) => container.id.startsWith(id))) ??
    (name === undefined ? undefined : only((container) => container.name === name)) ??
    only(isOfFolder) ??
    // A folder with several configurations has a container for each.
    only(
      (container) =>
        isOfFolder(container) &&
        isSamePath(container.labels['devcontainer.config_file'], configFile),
    )
  );
}

function isSamePath(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && normaliseFolder(a) === normaliseFolder(b);
}

function isId(text: string): boolean {
  return /^[0-9a-f]{12,64}$/.test(text);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % is part of the name
  }
}

/** Decodes hex of UTF-8; undefined if it is not that. */
function decodeHex(hex: string): string | undefined {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) return undefined;
  const bytes = new Uint8Array((hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined; // not text: an unknown format
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const data: unknown = JSON.parse(text);
    return isObject(data) ? data : undefined;
  } catch {
    return undefined; // the plain format
  }
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function textIn(data: Record<string, unknown>, key: string): string | undefined {
  const value = data[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
