/** The links of hovers: what one would do next, the cure first. */
import type { PvDetails } from '../model/coreApi';
import {
  type ContainerState,
  type IocState,
  placeOfServer,
  type PvProtocol,
  type Snapshot,
} from '../model/snapshot';
import type { ServerNode, TreeNode } from '../present/pvTree';
import type { CommandLink } from './detailsMarkdown';
import { COMMANDS, type CommandId } from './ids';

/** The links of a line that is no PV. */
export function lineLinks(snapshot: Snapshot, node: TreeNode): CommandLink[] {
  switch (node.kind) {
    case 'container':
      return [...containerLinks(node.container), ...whyLink(node, node.container.iocs)];
    case 'ioc': {
      const has = ({ iocs }: ContainerState): boolean =>
        iocs.some(({ key }) => key === node.ioc.key);
      const container = snapshot.containers.find(has);
      return [...(container ? containerLinks(container) : []), ...whyLink(node, [node.ioc])];
    }
    case 'server':
      return serverLinks(snapshot, node);
    default:
      return [];
  }
}

function serverLinks(snapshot: Snapshot, node: ServerNode): CommandLink[] {
  const { key, local } = node.server;
  const place = placeOfServer(snapshot, key);
  if (!place) return [];
  return [
    ...(local ? [link('Copy address', COMMANDS.copyAddress, { serverKey: key })] : []),
    ...containerLinks(place.container),
    ...whyLink(node, [{ ...place.ioc, servers: [node.server] }]),
  ];
}

/** The cure of a container that does not run, and its log. */
function containerLinks({ key, status }: ContainerState): CommandLink[] {
  const of = { containerKey: key };
  return [
    ...(status === 'paused' ? [link('Unpause container', COMMANDS.unpauseContainer, of)] : []),
    ...(status === 'stopped' ? [link('Start container', COMMANDS.startContainer, of)] : []),
    link('Log of container', COMMANDS.showContainerLog, of),
  ];
}

function whyLink({ id, label }: TreeNode, iocs: readonly IocState[]): CommandLink[] {
  const isWhole = iocs.every(
    ({ problem, servers }) =>
      !problem && servers.every((one) => !one.problem && one.pvs.reachable === one.pvs.total),
  );
  return isWhole ? [] : [link('Why?', COMMANDS.why, { part: { key: id, label } })];
}

/**
 * The links of a PV; `more` come after what one does with any. Where it is not reachable, those that
 * cure or explain that come first.
 */
export function pvLinks(
  snapshot: Snapshot,
  { name, paths }: PvDetails,
  protocol: PvProtocol | undefined,
  more: readonly CommandLink[] = [],
): CommandLink[] {
  const path = paths.find(({ row }) => row.protocol === protocol) ?? paths[0];
  const why = link('Why?', COMMANDS.why, { name });
  if (!path) return [why, link('Settings', COMMANDS.openSettings)];
  const pv = { name, protocol: path.row.protocol };
  const container = placeOfServer(snapshot, path.row.serverKey)?.container;
  const isWhole = paths.every(
    ({ problem, readProblem, row }) => !problem && !readProblem && row.state === 'reachable',
  );
  return [
    ...(isWhole ? [] : [why, ...(container ? containerLinks(container) : [])]),
    link('Monitor', COMMANDS.monitorPv, pv),
    link('Watch', COMMANDS.watchPv, pv),
    link('Copy name', COMMANDS.copyPvName, pv),
    link('Copy line for a client', COMMANDS.copyClientLine, pv),
    ...more,
  ];
}

function link(title: string, command: CommandId, ...args: readonly unknown[]): CommandLink {
  return { title, command, args };
}
