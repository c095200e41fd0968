/** Which containers a window exposes: all but those that the user leaves out. */
import * as vscode from 'vscode';
import type { CoreApi, KnownContainer } from '../model/coreApi';
import { withoutIcons } from './pickPv';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';

const LIST_TIMEOUT_MS = 5000;

/**
 * Asks which containers to expose, with those that are exposed checked. Resolves to the names to
 * leave out; undefined when the user gives up.
 */
export async function chooseContainers(
  exposure: WindowExposure,
): Promise<readonly string[] | undefined> {
  const { core, leftOut } = exposure;
  if (!core) return undefined;
  const known = await knownContainers(core);
  // One that is left out may be removed now, and come back.
  const gone = leftOut.filter((name) => !known.some((one) => one.name === name));
  const items = [
    ...known.map((one) => itemOf(one, !leftOut.includes(one.name))),
    ...gone.map((name) => ({
      label: withoutIcons(name),
      description: 'not there',
      picked: false,
      name,
    })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Choose Containers to Expose',
    placeHolder: 'New containers are exposed, too',
    canPickMany: true,
  });
  if (!chosen) return undefined;
  const names = chosen.map(({ name }) => name);
  return items.map(({ name }) => name).filter((name) => !names.includes(name));
}

/** All containers, those that are stopped last. */
export async function knownContainers(core: CoreApi): Promise<readonly KnownContainer[]> {
  const known = await withTimeout(LIST_TIMEOUT_MS, (signal) => core.listContainers({}, signal));
  const rank = ({ status }: KnownContainer): number => (status === 'stopped' ? 1 : 0);
  return [...known].sort((a, b) => rank(a) - rank(b));
}

function itemOf(
  { name, image, status }: KnownContainer,
  picked: boolean,
): vscode.QuickPickItem & { readonly name: string } {
  const description = [withoutIcons(image), ...(status === 'running' ? [] : [status])].join(', ');
  return { label: withoutIcons(name), description, picked, name };
}
