/** Commands on containers: what is exposed of them, and what their engine's own command does. */
import * as vscode from 'vscode';
import { UsageError } from '../base/errors';
import { formatEndpoint } from '../model/endpoint';
import type { KnownContainer } from '../model/coreApi';
import {
  type ContainerState,
  type ContainerStatus,
  type IocState,
  placeOfServer,
  type ServerState,
  type Snapshot,
} from '../model/snapshot';
import { type ContainerTask, engineCommand } from '../present/engineCommand';
import type { TreeNode } from '../present/pvTree';
import { chooseContainers, knownContainers } from './chooseContainers';
import { runHere } from './hostTerminal';
import { COMMANDS, type CommandId } from './ids';
import { notificationText } from './notificationText';
import { withoutIcons } from './pickPv';
import type { WindowExposure } from './windowExposure';

/** What the commands need. */
export interface ContainerCommandsInput {
  readonly exposure: WindowExposure;
  readonly homeFolder: string;
  readonly copy: (text: string, what: string) => Promise<void>;
  /** Leaves out these containers, over reloads of the window too. */
  readonly leaveOut: (names: readonly string[]) => Promise<void>;
}

/** A line of the tree; from the palette there is none, and from a link a key. */
type ContainerArgument =
  TreeNode | { readonly containerKey: string } | { readonly serverKey: string } | undefined;

/** What each command does; for the caller to register. */
export function containerCommands(
  input: ContainerCommandsInput,
): readonly (readonly [CommandId, (argument: ContainerArgument) => Promise<void>])[] {
  const { exposure } = input;
  const run =
    (task: ContainerTask, title: string) =>
    async (argument: ContainerArgument): Promise<void> => {
      const container = await containerOf(exposure, argument, title, STATUS_FOR[task]);
      if (container) await runTask(input, container, task);
    };
  return [
    [COMMANDS.openContainerShell, run('shell', 'Open Shell in Container')],
    [COMMANDS.showContainerLog, run('log', 'Show Log of Container')],
    [COMMANDS.inspectContainer, run('inspect', 'Inspect Container')],
    [COMMANDS.restartContainer, run('restart', 'Restart Container')],
    [COMMANDS.startContainer, run('start', 'Start Container')],
    [COMMANDS.unpauseContainer, run('unpause', 'Unpause Container')],
    [
      COMMANDS.leaveOutContainer,
      async (argument) => {
        const container = await containerOf(exposure, argument, 'Leave Out Container');
        if (!container) return;
        await input.leaveOut([...new Set([...exposure.leftOut, container.name])]);
        vscode.window.setStatusBarMessage(
          `${withoutIcons(container.name)} is left out; Choose Containers brings it back`,
          5000,
        );
      },
    ],
    [
      COMMANDS.chooseContainers,
      async () => {
        const names = await chooseContainers(exposure);
        if (names) await input.leaveOut(names);
      },
    ],
    [
      COMMANDS.copyAddress,
      async (argument) => {
        const servers = serversOf(exposure, argument);
        const addresses = servers.flatMap(({ local }) => (local ? [formatEndpoint(local)] : []));
        if (addresses.length === 0) {
          throw new UsageError('It has no address on this machine; its hover says why.');
        }
        await input.copy(addresses.join(' '), addresses.join(' '));
      },
    ],
  ];
}

/** In which state a container is that this can be done to; absent: in any. */
const STATUS_FOR: Partial<Record<ContainerTask, ContainerStatus>> = {
  ...{ shell: 'running', start: 'stopped', unpause: 'paused' },
};

async function runTask(
  input: ContainerCommandsInput,
  container: KnownContainer,
  task: ContainerTask,
): Promise<void> {
  const engine = input.exposure.snapshot.engines.find(({ key }) => key === container.engineKey);
  const line = engine && engineCommand(engine, container, task);
  if (line === undefined) {
    throw new UsageError(
      'There is no command for this container: it is not one of Docker or Podman.',
    );
  }
  if (task === 'restart' && !(await isSure(container, line, input.exposure.snapshot))) return;
  runHere(input, withoutIcons(container.name), line);
}

async function isSure(
  { name, engineKey, id }: KnownContainer,
  line: string,
  { containers }: Snapshot,
): Promise<boolean> {
  const restart = 'Restart';
  const count =
    containers.find((one) => one.id === id && one.engineKey === engineKey)?.iocs.length ?? 0;
  const ending =
    count === 1
      ? 'Its IOC ends, and with it every connection. '
      : `Its ${count} IOCs end, and with them every connection. `;
  const chosen = await vscode.window.showWarningMessage(
    notificationText(`Restart container ${name}?`),
    { modal: true, detail: `${count === 0 ? '' : ending}This runs: ${line}` },
    restart,
  );
  return chosen === restart;
}

/** The container that is meant; asks for one if the argument does not say. */
async function containerOf(
  exposure: WindowExposure,
  argument: ContainerArgument,
  title: string,
  status?: ContainerStatus,
): Promise<KnownContainer | undefined> {
  const { core, snapshot } = exposure;
  const known = argument && keyOf(exposure, argument);
  const found = snapshot.containers.find(({ key }) => key === known);
  if (found) return found;
  const all = core ? await knownContainers(core) : [];
  const possible = all.filter((one) => (status ?? one.status) === one.status);
  if (possible.length === 0) throw new UsageError(`There is no ${status ?? ''} container.`);
  const picked = await vscode.window.showQuickPick(
    possible.map((container) => ({
      label: withoutIcons(container.name),
      description: `${withoutIcons(container.image)}, ${container.status}`,
      container,
    })),
    { title, placeHolder: 'Which container?' },
  );
  return picked?.container;
}

function keyOf(exposure: WindowExposure, argument: NonNullable<ContainerArgument>): string {
  if ('containerKey' in argument) return argument.containerKey;
  if ('serverKey' in argument) return '';
  if (argument.kind === 'container') return argument.container.key;
  const { containers } = exposure.snapshot;
  const has = (one: ContainerState): boolean =>
    argument.kind === 'ioc'
      ? one.iocs.some(({ key }) => key === argument.ioc.key)
      : argument.kind === 'server' &&
        serversIn(one.iocs).some(({ key }) => key === argument.server.key);
  return containers.find(has)?.key ?? '';
}

function serversOf(
  { snapshot }: WindowExposure,
  argument: ContainerArgument,
): readonly ServerState[] {
  if (!argument || 'containerKey' in argument) return [];
  if ('serverKey' in argument) {
    const { serverKey } = argument;
    const servers = placeOfServer(snapshot, serverKey)?.ioc.servers ?? [];
    return servers.filter(({ key }) => key === serverKey);
  }
  if (argument.kind === 'server') return [argument.server];
  if (argument.kind === 'ioc') return argument.ioc.servers;
  return argument.kind === 'container' ? serversIn(argument.container.iocs) : [];
}

function serversIn(iocs: readonly IocState[]): readonly ServerState[] {
  return iocs.flatMap(({ servers }) => servers);
}
