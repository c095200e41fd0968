import type { Selection } from '../../model/coreApi';
import { normaliseFolder } from '../../model/workspaceFolder';
import type { ContainerInfo } from '../host/engine';

export { normaliseFolder, type Selection };

type Selectable = Pick<ContainerInfo, 'id' | 'name' | 'labels'>;

/** Selects all containers. */
export const EVERYTHING: Selection = { containers: [], labels: [] };

/**
 * Whether a request selects the container: by name or id, by workspace folder, by labels; all that
 * are given must match, and it must not be left out.
 */
export function isSelected(container: Selectable, selection: Selection): boolean {
  const { containers, except = [], workspace, labels } = selection;
  if (except.some((unwanted) => isNamed(container, unwanted))) return false;
  if (containers.length > 0 && !containers.some((wanted) => isNamed(container, wanted))) {
    return false;
  }
  if (workspace !== undefined && !isDevcontainerOf(container, workspace)) return false;
  return labels.every((wanted) => {
    const at = wanted.indexOf('=');
    const key = at < 0 ? wanted : wanted.slice(0, at);
    const value = container.labels[key];
    return value !== undefined && (at < 0 || value === wanted.slice(at + 1));
  });
}

/**
 * Whether `wanted` is the container's name or the beginning of its id (at least four hex digits).
 */
export function isNamed(container: Pick<Selectable, 'id' | 'name'>, wanted: string): boolean {
  const isIdPrefix = /^[0-9a-f]{4,64}$/.test(wanted) && container.id.startsWith(wanted);
  return container.name === wanted || isIdPrefix;
}

/** The Dev Containers CLI and extension label a container with the folder it was created for. */
function isDevcontainerOf(container: Selectable, folder: string): boolean {
  const label = container.labels['devcontainer.local_folder'];
  return label !== undefined && normaliseFolder(label) === normaliseFolder(folder);
}
