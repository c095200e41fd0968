import { printable } from '../base/printable';
import { formatEndpoint } from '../model/endpoint';
import type { Branch, PvGroup, PvRow } from '../model/coreApi';
import { problemLog } from '../model/problem';
import type { PvStep } from '../model/pvTable';
import { engineProblems } from './viewState';
import type {
  ContainerState,
  IocState,
  PvProtocol,
  SearchState,
  ServerState,
  Snapshot,
} from '../model/snapshot';
import type { FrontEndWords } from './frontEndWords';
import { notesText } from './noteText';
import { capital, problemText, type ProblemText, sentence, stateWords } from './problemText';
import { type Health, healthOf, MORE_MAY_EXIST, reachableText } from './table';

/**
 * A line of the tree as data: its texts, its health and what it stands for. Those above the PVs
 * come from the snapshot; PVs are listed when a server is opened.
 */
export type TreeNode =
  ProblemNode | ContainerNode | IocNode | ServerNode | GroupNode | PvNode | SearchNode;

/**
 * What all lines have. The shape (by `health`) and the text show the state; colour only repeats it.
 */
interface Line {
  /** Stays the same for the same thing. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly health: Health;
  /** For screen readers: the whole line in words. */
  readonly spoken: string;
}

/** A problem and what to do. */
export interface ProblemNode extends Line {
  readonly kind: 'problem';
  readonly problem: ProblemText;
}
/** A container with its IOCs. */
export interface ContainerNode extends Line {
  readonly kind: 'container';
  readonly container: ContainerState;
  readonly children: readonly (IocNode | ProblemNode)[];
}
/** An IOC with its servers. */
export interface IocNode extends Line {
  readonly kind: 'ioc';
  readonly ioc: IocState;
  readonly children: readonly (ServerNode | ProblemNode)[];
}
/** A server; its PVs are listed when it is opened. */
export interface ServerNode extends Line {
  readonly kind: 'server';
  readonly server: ServerState;
  /** False while there is nothing to list. */
  readonly hasPvs: boolean;
}
/** PVs of a server that share a prefix. */
export interface GroupNode extends Line {
  readonly kind: 'group';
  readonly serverKey: string;
  readonly group: PvGroup;
}
/** A PV of a server. */
export interface PvNode extends Line {
  readonly kind: 'pv';
  readonly row: PvRow;
}

/** Where clients that search for PVs are answered. */
export interface SearchNode extends Line {
  readonly kind: 'search';
  readonly search: SearchState;
  readonly nameServers: NonNullable<Snapshot['nameServers']>;
}

/** The lines above the PVs; `ownContainerKey` is the container of this workspace, which comes first. */
export function treeOf(
  snapshot: Snapshot,
  ownContainerKey: string | undefined,
  words: FrontEndWords,
): readonly TreeNode[] {
  const containers = snapshot.containers
    .filter(({ iocs, problem }) => iocs.length > 0 || problem !== undefined)
    .map((container) => containerNode(container, container.key === ownContainerKey, words));
  // Without any container, the view's welcome text reports the problem, with the button that helps.
  if (containers.length === 0) return [];
  const isOwn = (node: ContainerNode): number => (node.container.key === ownContainerKey ? 0 : 1);
  return [
    ...containers.sort((a, b) => isOwn(a) - isOwn(b)),
    ...searchNode(snapshot),
    ...(snapshot.notices ?? []).map((notice) =>
      problemNode(`notice ${problemLog(notice)}`, problemText(notice, words)),
    ),
    ...engineProblems(snapshot).map((problem) =>
      problemNode(`engine ${problem.code}`, problemText(problem, words)),
    ),
    ...snapshot.unknownNames.map((name) =>
      problemNode(`unknown ${name}`, {
        message: `No IOC here has a PV named ${name}`,
        advice: `${words.correctName}.`,
      }),
    ),
  ];
}

function searchNode({ search = {}, nameServers = {} }: Snapshot): SearchNode[] {
  const protocols = Object.keys({ ...nameServers, ...search }) as PvProtocol[];
  if (protocols.length === 0) return [];
  const places = protocols.map((protocol) => {
    const place = nameServers[protocol] ?? search[protocol]?.local;
    return `${protocol.toUpperCase()} ${place ? formatEndpoint(place) : 'not answered'}`;
  });
  const isAnswered = protocols.every((one) => nameServers[one] ?? search[one]?.local);
  const words = line('Searches', places.join(', '), isAnswered ? 'good' : 'bad', "clients'");
  return [{ kind: 'search', id: 'search', search, nameServers, ...words }];
}

function containerNode(
  container: ContainerState,
  isOwn: boolean,
  words: FrontEndWords,
): ContainerNode {
  const servers = container.iocs.flatMap((ioc) => ioc.servers);
  const children = [
    ...(container.problem
      ? [problemNode(`${container.key} problem`, problemText(container.problem, words))]
      : []),
    ...container.iocs.map((ioc) => iocNode(container, ioc, words)),
  ];
  const counts =
    container.status === 'running'
      ? countsText(servers)
      : container.problem?.code === 'container-restarts'
        ? stateWords(container.problem.code)
        : `container ${container.status}`;
  return {
    kind: 'container',
    id: container.key,
    container,
    children,
    ...line(
      container.name,
      isOwn ? [counts, 'this workspace'].filter((part) => part !== '').join(', ') : counts,
      container.problem || container.iocs.some(({ problem }) => problem)
        ? 'bad'
        : worst(servers.map((server) => healthOf(container, server))),
      'container',
    ),
  };
}

function iocNode(container: ContainerState, ioc: IocState, words: FrontEndWords): IocNode {
  const servers = ioc.servers.map((server) => serverNode(container, server));
  const missing = notesText(ioc.namesNotes, words);
  const namesAreMissing =
    missing !== '' && !ioc.problem && ioc.servers.every(({ pvs }) => pvs.total === 0);
  return {
    kind: 'ioc',
    id: ioc.key,
    ioc,
    children: ioc.problem
      ? [problemNode(`${ioc.key} problem`, problemText(ioc.problem, words))]
      : namesAreMissing
        ? [
            ...servers,
            problemNode(`${ioc.key} names`, {
              message: `PV names unknown: ${missing}`,
              advice: `${capital(words.namePvs)}.`,
            }),
          ]
        : servers,
    ...line(
      ioc.name,
      [
        ioc.role === 'gateway' ? 'gateway' : '',
        ioc.pid === undefined ? '' : `pid ${ioc.pid}`,
        ioc.problem ? stateWords(ioc.problem.code) : countsText(ioc.servers),
        ioc.mayLackNames === true && !namesAreMissing ? MORE_MAY_EXIST : '',
      ]
        .filter((part) => part !== '')
        .join(', '),
      ioc.problem ? 'bad' : worst(servers.map(({ health }) => health)),
      ioc.role === 'gateway' ? 'gateway' : 'IOC',
    ),
  };
}

function serverNode(container: ContainerState, server: ServerState): ServerNode {
  const { protocol, implementation, listening, local, pvs } = server;
  const label = `${protocol.toUpperCase()} ${implementation} :${listening.port}`;
  const target = local ? `\u2192 ${formatEndpoint(local)}` : '';
  const text = serverText(container, server);
  const words = line(
    label,
    [target, text].filter((part) => part !== '').join(', '),
    healthOf(container, server),
    'server',
  );
  return {
    kind: 'server',
    id: server.key,
    server,
    hasPvs: pvs.total > 0,
    ...words,
    // A side bar is narrow: the most important comes first.
    description: printable(`${text} ${target}`.trim()),
  };
}

function serverText({ status }: ContainerState, server: ServerState): string {
  if (status !== 'running') return `container ${status}`;
  if (server.status === 'gone') return 'IOC gone';
  if (server.status === 'failed') {
    return server.problem ? stateWords(server.problem.code) : 'failed';
  }
  if (server.pvs.total > 0) return countsText([server]);
  return server.status === 'identifying' || server.pvs.pending > 0 ? 'asking' : 'PV names unknown';
}

/** A line for a problem; `id` must be unique in the tree. */
export function problemNode(id: string, problem: ProblemText): ProblemNode {
  const words = line(problem.message, '', 'bad', 'problem');
  return { kind: 'problem', id, problem, ...words, spoken: sentence(problem) };
}

/** The PVs (or groups of them) below a server or a group. */
export function branchNodes(serverKey: string, { groups, rows }: Branch): (GroupNode | PvNode)[] {
  return [...groups.map((group) => groupNode(serverKey, group)), ...rows.map(pvNode)];
}

/** The line of a group of PVs. */
export function groupNode(serverKey: string, group: PvGroup): GroupNode {
  return {
    kind: 'group',
    id: `${serverKey} group ${group.prefix}`,
    serverKey,
    group,
    ...line(
      group.prefix,
      `${group.reachable} of ${group.total} reachable`,
      group.reachable === group.total ? 'good' : 'bad',
      'PVs beginning with',
    ),
  };
}

/** The line of a PV. */
export function pvNode(row: PvRow): PvNode {
  return {
    kind: 'pv',
    id: pvNodeId(row.serverKey, row.name),
    row,
    ...line(row.name, stateWords(row.state), stepHealth(row.step), `${row.protocol} PV`),
  };
}

/** The id of a PV's line. */
export function pvNodeId(serverKey: string, name: string): string {
  return `${serverKey} pv ${name}`;
}

/** How a PV is that got this far. */
export function stepHealth(step: PvStep): Health {
  switch (step) {
    case 'reachable':
    case 'not-served': // belongs to the other protocol: nothing is wrong
      return 'good';
    case 'pending':
      return 'busy';
    case 'not-found':
    case 'create-refused':
    case 'no-read-access':
    case 'disconnected':
    case 'no-answer':
    case 'name-too-long':
    case 'ends-circuit':
      return 'bad';
  }
}

/** Numbers of PVs, over all servers. */
export interface PvTotals {
  readonly total: number;
  readonly reachable: number;
  readonly pending: number;
  /** PVs that no client here reaches, and servers that fail before their PVs are known. */
  readonly unreachable: number;
}

/**
 * Counts the PVs of all servers; a PV that two servers offer counts twice, because each can fail
 * alone.
 */
export function totalsOf(snapshot: Snapshot): PvTotals {
  const totals = { total: 0, reachable: 0, pending: 0, unreachable: 0 };
  for (const container of snapshot.containers) {
    for (const server of container.iocs.flatMap((ioc) => ioc.servers)) {
      const { total, reachable, pending } = server.pvs;
      totals.total += total;
      totals.reachable += reachable;
      totals.pending += pending;
      const isBroken = total === 0 && healthOf(container, server) === 'bad';
      totals.unreachable += isBroken ? 1 : Math.max(0, total - reachable - pending);
    }
  }
  return totals;
}

function countsText(servers: readonly Pick<ServerState, 'pvs'>[]): string {
  const sum = (of: 'total' | 'reachable' | 'unreadable'): number =>
    servers.reduce((all, { pvs }) => all + (pvs[of] ?? 0), 0);
  if (sum('total') === 0) return '';
  return reachableText({
    total: sum('total'),
    reachable: sum('reachable'),
    unreadable: sum('unreadable'),
  });
}

function worst(healths: readonly Health[]): Health {
  if (healths.includes('bad')) return 'bad';
  return healths.includes('busy') ? 'busy' : 'good';
}

const HEALTH_WORDS: Record<Health, string> = { good: 'fine', busy: 'working', bad: 'problem' };

function line(
  name: string,
  about: string,
  health: Health,
  noun: string,
): Pick<Line, 'label' | 'description' | 'health' | 'spoken'> {
  const [label, description] = [printable(name), printable(about)];
  const spoken = [`${noun} ${label}`, description, HEALTH_WORDS[health]]
    .filter((part) => part !== '')
    .join(', ');
  return { label, description, health, spoken };
}

/**
 * Which lines must be drawn again; `all` if lines of the top level came, went or changed places.
 */
export interface TreeChange {
  readonly all: boolean;
  readonly ids: readonly string[];
}

/** Compares two trees. `tooltipOf`: what a hover over a line shows besides the line itself. */
export function changeOf(
  before: readonly TreeNode[],
  after: readonly TreeNode[],
  tooltipOf: (node: TreeNode) => string = () => '',
): TreeChange {
  if (!isSameList(before, after)) return { all: true, ids: [] };
  const ids: string[] = [];
  const collect = (old: TreeNode, now: TreeNode): void => {
    const oldChildren = childrenOf(old);
    const children = childrenOf(now);
    const isSame = isSameLine(old, now) && tooltipOf(old) === tooltipOf(now);
    // A line that is drawn again asks for its children, too.
    if (!isSame || !isSameList(oldChildren, children)) ids.push(now.id);
    else oldChildren.forEach((child, index) => collect(child, children[index] ?? child));
  };
  before.forEach((old, index) => collect(old, after[index] ?? old));
  return { all: false, ids };
}

/** The children that a line has in the snapshot; none for a server, whose PVs are listed. */
export function childrenOf(node: TreeNode): readonly TreeNode[] {
  return node.kind === 'container' || node.kind === 'ioc' ? node.children : [];
}

function isSameList(a: readonly TreeNode[], b: readonly TreeNode[]): boolean {
  return a.length === b.length && a.every((node, index) => node.id === b[index]?.id);
}

function isSameLine(a: TreeNode, b: TreeNode): boolean {
  return a.label === b.label && a.description === b.description && a.health === b.health;
}
