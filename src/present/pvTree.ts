import { plural } from '../base/plural';
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
import {
  ASKING,
  type Health,
  healthOf,
  isAsking,
  MORE_MAY_EXIST,
  reachableText,
  softwareText,
} from './table';

/**
 * A line of the tree as data: its texts, its health and what it stands for. Those above the PVs
 * come from the snapshot; PVs are listed when a server is opened.
 */
export type TreeNode =
  ProblemNode | ContainerNode | IocNode | ServerNode | GroupNode | PvNode | SearchNode | FilterNode;

/** Which way the PVs are arranged. */
export type Arrangement =
  | 'records' // below their IOC, each name once
  | 'servers'; // below each server

/** What the tree shows. */
export interface TreeOptions {
  /** The container of this workspace, which comes first. */
  readonly ownContainerKey?: string | undefined;
  readonly arrangement: Arrangement;
  readonly filter?: TreeFilter;
}

/** What the tree leaves out. */
export interface TreeFilter {
  /** What the user filters by, in words. */
  readonly text: string;
  /** By server and IOC; those with none are not here. Undefined: not counted yet. */
  readonly counts: ReadonlyMap<string, number> | undefined;
  /** Lines that have a problem match, too. */
  readonly withProblems?: boolean;
  /** Among how many PVs was looked, where that is to be said. */
  readonly among?: string;
}

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
/** An IOC with its servers; in the view by record, its PVs are listed after them. */
export interface IocNode extends Line {
  readonly kind: 'ioc';
  readonly ioc: IocState;
  /** Whether PVs are listed below it, not below its servers. */
  readonly hasPvs: boolean;
  readonly children: readonly (ServerNode | ProblemNode)[];
}
/** A server; in the view by server, its PVs are listed when it is opened. */
export interface ServerNode extends Line {
  readonly kind: 'server';
  readonly server: ServerState;
  /** Whether PVs are listed below it. */
  readonly hasPvs: boolean;
}
/** PVs of a server, or of an IOC, that share a prefix. */
export interface GroupNode extends Line {
  readonly kind: 'group';
  /** Key of that server or IOC. */
  readonly branchKey: string;
  readonly group: PvGroup;
}
/** A PV of a server, or of an IOC. */
export interface PvNode extends Line {
  readonly kind: 'pv';
  readonly branchKey: string;
  readonly row: PvRow;
}
/** What the tree is filtered by, with the number of PVs that match. */
export interface FilterNode extends Line {
  readonly kind: 'filter';
}

/** Where clients that search for PVs are answered. */
export interface SearchNode extends Line {
  readonly kind: 'search';
  readonly search: SearchState;
  readonly nameServers: NonNullable<Snapshot['nameServers']>;
}

/** The lines above the PVs. */
export function treeOf(
  snapshot: Snapshot,
  options: TreeOptions,
  words: FrontEndWords,
): readonly TreeNode[] {
  const { ownContainerKey, filter } = options;
  const shown = snapshot.containers.filter(
    ({ iocs, problem }) => iocs.length > 0 || problem !== undefined,
  );
  // Without any container, the view's welcome text reports the problem, with the button that helps.
  if (shown.length === 0) return [];
  const containers = shown.map((container) => containerNode(container, options, words));
  const isOwn = (node: ContainerNode): number => (node.container.key === ownContainerKey ? 0 : 1);
  containers.sort((a, b) => isOwn(a) - isOwn(b));
  if (filter) {
    const { counts } = filter;
    const { withProblems = false } = filter;
    const matching = counts ? matchesOnly(containers, counts, withProblems) : containers;
    return [filterNode(filter, matching), ...matching];
  }
  return [
    ...containers,
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

/** Of the lines, those with PVs that match, and those that have a problem where these match, too. */
function matchesOnly(
  containers: readonly ContainerNode[],
  counts: ReadonlyMap<string, number>,
  withProblems: boolean,
): ContainerNode[] {
  const has = ({ id, health }: TreeNode): boolean =>
    counts.has(id) || (withProblems && health === 'bad');
  return containers.flatMap((container) => {
    const children = container.children.flatMap((child): (IocNode | ProblemNode)[] => {
      if (!has(child)) return [];
      return child.kind === 'ioc' ? [{ ...child, children: child.children.filter(has) }] : [child];
    });
    const isKept = children.length > 0 || (withProblems && container.container.problem);
    return isKept ? [{ ...container, children }] : [];
  });
}

function filterNode(
  { text, counts, among }: TreeFilter,
  matching: readonly ContainerNode[],
): FilterNode {
  const count = matching
    .flatMap(({ children }) => children)
    .reduce((sum, { id }) => sum + (counts?.get(id) ?? 0), 0);
  const isNothing = matching.length === 0;
  const words =
    counts === undefined ? 'looking' : isNothing ? 'nothing matches' : plural(count, 'PV');
  const health = counts === undefined ? 'busy' : isNothing ? 'bad' : 'good';
  return {
    kind: 'filter',
    id: 'filter',
    ...line(
      `Filter: ${text}`,
      [words, among ?? ''].filter((part) => part !== '').join(' '),
      health,
      '',
    ),
  };
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
  options: TreeOptions,
  words: FrontEndWords,
): ContainerNode {
  const isOwn = container.key === options.ownContainerKey;
  const children = [
    ...(container.problem
      ? [problemNode(`${container.key} problem`, problemText(container.problem, words))]
      : []),
    ...container.iocs.map((ioc) => iocNode(container, ioc, options, words)),
  ];
  const counts =
    container.status === 'running'
      ? countsText(container.iocs)
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
        : worst(
            container.iocs.flatMap((ioc) =>
              ioc.servers.map((server) => healthOf(container, ioc, server)),
            ),
          ),
      'container',
    ),
  };
}

function iocNode(
  container: ContainerState,
  ioc: IocState,
  { arrangement, filter }: TreeOptions,
  words: FrontEndWords,
): IocNode {
  const servers = ioc.servers.map((server) => serverNode(container, ioc, server, arrangement));
  const matching = filter?.counts?.get(ioc.key);
  const missing = notesText(ioc.namesNotes, words);
  const namesAreMissing =
    missing !== '' && !ioc.problem && ioc.servers.every(({ pvs }) => pvs.total === 0);
  return {
    kind: 'ioc',
    id: ioc.key,
    ioc,
    hasPvs: arrangement === 'records' && ioc.records.total > 0,
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
        matching === undefined ? '' : `${plural(matching, 'PV')} shown`,
        ioc.role === 'gateway' ? 'gateway' : '',
        ioc.pid === undefined ? '' : `pid ${ioc.pid}`,
        ioc.problem ? stateWords(ioc.problem.code) : countsText([ioc]),
        ioc.mayLackNames === true && !namesAreMissing ? MORE_MAY_EXIST : '',
      ]
        .filter((part) => part !== '')
        .join(', '),
      ioc.problem ? 'bad' : worst(servers.map(({ health }) => health)),
      ioc.role === 'gateway' ? 'gateway' : 'IOC',
    ),
  };
}

function serverNode(
  container: ContainerState,
  ioc: IocState,
  server: ServerState,
  arrangement: Arrangement,
): ServerNode {
  const { protocol, listening, local, pvs } = server;
  const label = `${protocol.toUpperCase()} ${softwareText(ioc, server)} :${listening.port}`;
  const target = local ? `\u2192 ${formatEndpoint(local)}` : '';
  const text = serverText(container, ioc, server);
  const words = line(
    label,
    [target, text].filter((part) => part !== '').join(', '),
    healthOf(container, ioc, server),
    'server',
  );
  return {
    kind: 'server',
    id: server.key,
    server,
    hasPvs: arrangement === 'servers' && pvs.total > 0,
    ...words,
    // A side bar is narrow: the most important comes first.
    description: printable(`${text} ${target}`.trim()),
  };
}

function serverText({ status }: ContainerState, ioc: IocState, server: ServerState): string {
  if (status !== 'running') return `container ${status}`;
  if (server.status === 'gone') return 'IOC gone';
  if (server.status === 'failed') {
    return server.problem ? stateWords(server.problem.code) : 'failed';
  }
  if (server.pvs.total > 0) return reachableText(server.pvs);
  return isAsking(ioc, server) ? ASKING : 'PV names unknown';
}

/** A line for a problem; `id` must be unique in the tree. */
export function problemNode(id: string, problem: ProblemText): ProblemNode {
  const words = line(problem.message, '', 'bad', 'problem');
  return { kind: 'problem', id, problem, ...words, spoken: sentence(problem) };
}

/** The PVs (or groups of them) below a server, an IOC or a group. */
export function branchNodes(branchKey: string, { groups, rows }: Branch): (GroupNode | PvNode)[] {
  return [
    ...groups.map((group) => groupNode(branchKey, group)),
    ...rows.map((row) => pvNode(branchKey, row)),
  ];
}

/** The line of a group of PVs. */
export function groupNode(branchKey: string, group: PvGroup): GroupNode {
  return {
    kind: 'group',
    id: `${branchKey} group ${group.prefix}`,
    branchKey,
    group,
    ...line(
      group.prefix,
      `${group.reachable} of ${group.total} reachable`,
      group.reachable === group.total ? 'good' : 'bad',
      'PVs beginning with',
    ),
  };
}

/** The line of a PV, without its value (see `rowFace`). */
export function pvNode(branchKey: string, row: PvRow): PvNode {
  return {
    kind: 'pv',
    id: `${branchKey} pv ${row.name}`,
    branchKey,
    row,
    ...line(row.name, stateWords(row.state), stepHealth(row.step), `${row.protocol} PV`),
  };
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
  /** PVs that no client here reaches. */
  readonly unreachable: number;
  /**
   * Servers that no client here reaches: before their PVs are known, or while another server has
   * them, too.
   */
  readonly brokenServers: number;
}

/** Counts the PVs of all IOCs, each once, however many servers of its IOC have it. */
export function totalsOf(snapshot: Snapshot): PvTotals {
  const totals = { total: 0, reachable: 0, pending: 0, unreachable: 0, brokenServers: 0 };
  for (const container of snapshot.containers) {
    for (const ioc of container.iocs) {
      const { total, reachable, pending } = ioc.records;
      const unreachable = Math.max(0, total - reachable - pending);
      totals.total += total;
      totals.reachable += reachable;
      totals.pending += pending;
      totals.unreachable += unreachable;
      if (unreachable > 0) continue; // they say it
      totals.brokenServers += ioc.servers.filter(
        (server) => healthOf(container, ioc, server) === 'bad',
      ).length;
    }
  }
  return totals;
}

/** `3 PVs not reachable, 1 server with a problem`, or '' if nothing is wrong. */
export function unreachableText({ unreachable, brokenServers }: PvTotals): string {
  const parts = [
    ...(unreachable > 0 ? [`${plural(unreachable, 'PV')} not reachable`] : []),
    ...(brokenServers > 0 ? [`${plural(brokenServers, 'server')} with a problem`] : []),
  ];
  return parts.join(', ');
}

function countsText(iocs: readonly Pick<IocState, 'records'>[]): string {
  const sum = (of: 'total' | 'reachable' | 'unreadable'): number =>
    iocs.reduce((all, { records }) => all + (records[of] ?? 0), 0);
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
  const spoken = [`${noun} ${label}`.trim(), description, HEALTH_WORDS[health]]
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
