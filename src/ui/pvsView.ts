import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { Clock } from '../base/clock';
import { placeOfServer } from '../model/snapshot';
import type { PvRow } from '../model/coreApi';
import {
  branchNodes,
  changeOf,
  childrenOf,
  problemNode,
  pvNode,
  totalsOf,
  treeOf,
  unreachableText,
  type GroupNode,
  type IocNode,
  type PvNode,
  type ServerNode,
  type TreeNode,
  type Arrangement,
} from '../present/pvTree';
import { tooltipSections } from '../present/pvDetailsText';
import type { WindowPlace } from '../present/viewState';
import { HoveredRows } from './hoveredRows';
import { COMMANDS, CONTEXT_KEYS, PVS_VIEW } from './ids';
import { LiveRows } from './liveRows';
import type { LiveValues } from './liveValues';
import { pvDrag } from './pvDrag';
import type { Tooltip } from './pvTooltip';
import { Redraws } from './redraws';
import { iconOf, rowIconOf } from './rowIcon';
import { selectFocused } from './selectFocused';
import { ShownNodes } from './shownNodes';
import { type ShownFilter, ViewFilter } from './viewFilter';
import { withTimeout } from './withTimeout';
import type { WatchList } from './watchList';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

/** So 100,000 answers cause only a few redraws. */
const REDRAW_MS = 250;
/** The core answers a level from memory; this only limits a broken one. */
const LIST_TIMEOUT_MS = 5000;
/** Up to so many IOCs are open from the beginning. */
const MAX_OPEN_IOCS = 5;

const INSIDE_MESSAGE =
  'EPICS Expose runs inside the container: clients on your machine reach these PVs only if it is installed there (see Install on This Machine).';

/** The line with a button that opens the settings. */
const SETTINGS_LINE = 'settings';

/** How the PVs of a branch are sorted. */
export type RowOrder = 'name' | 'severity';

/** Keys in the memory. */
const ARRANGEMENT = 'arrangement';
const ORDER = 'order';

/** What the view needs. */
export interface PvsViewInput {
  readonly exposure: WindowExposure;
  readonly live: LiveValues;
  /** PVs whose star is filled. */
  readonly watched: Pick<WatchList, 'has' | 'onDidChange'>;
  /** Key of the container that this window works in, as far as it is known. */
  readonly ownContainerKey: () => string | undefined;
  readonly place: WindowPlace;
  /** The text of the hover over a line. */
  readonly tooltipOf: (node: TreeNode, isLive: boolean) => Promise<Tooltip>;
  /** Keeps arrangement and order, for the next window of this workspace. */
  readonly memory: vscode.Memento;
  readonly clock: Clock;
}

/**
 * The view PVs: containers, IOCs, servers and PVs. Children are listed when a line is opened, and
 * the values of PVs in open branches are followed.
 */
export class PvsView implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #input: PvsViewInput;
  readonly #store = new DisposableStore();
  readonly #redraw = this.#store.add(new vscode.EventEmitter<TreeNode[] | undefined>());
  readonly #view: vscode.TreeView<TreeNode>;
  #tree: readonly TreeNode[] = [];
  readonly #nodes = new ShownNodes();
  readonly #redraws: Redraws<TreeNode>;
  readonly #rows: LiveRows;
  readonly #hovered: HoveredRows<TreeNode>;
  #arrangement: Arrangement;
  #order: RowOrder;
  readonly #filter: ViewFilter;
  /** Ids of rows with a filled star. */
  readonly #starred = new Set<string>();
  #message: string | undefined;
  #drawing: Disposable | undefined;

  readonly onDidChangeTreeData = this.#redraw.event;

  constructor(input: PvsViewInput) {
    this.#input = input;
    const { clock, live, memory } = input;
    this.#arrangement = memory.get(ARRANGEMENT) === 'servers' ? 'servers' : 'records';
    this.#order = memory.get(ORDER) === 'severity' ? 'severity' : 'name';
    this.#filter = new ViewFilter(clock, (row) => [row.serverKey, this.#iocKeyOf(row)]);
    this.#view = this.#store.add(
      vscode.window.createTreeView<TreeNode>(PVS_VIEW, {
        treeDataProvider: this,
        dragAndDropController: pvDrag,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.#redraws = this.#store.add(
      new Redraws<TreeNode>({ draw: (nodes) => this.#redraw.fire(nodes), clock }),
    );
    this.#rows = this.#store.add(
      new LiveRows({ live, redraw: (rows, isOther) => this.#drawRows(rows, isOther), clock }),
    );
    this.#hovered = this.#store.add(
      new HoveredRows({
        textOf: async (node) => textOf(await this.#tooltipOf(node)),
        redraw: (node) => {
          this.#rows.thaw();
          this.#drawAgain([node.id]);
        },
        clock,
      }),
    );
    this.#store.add(this.#view.onDidChangeSelection(() => this.pointerLeft()));
    this.#store.add(input.watched.onDidChange(() => this.#drawStars()));
    this.#store.add(
      this.#view.onDidChangeVisibility(() => {
        this.pointerLeft();
        this.#followOpenRows();
      }),
    );
    this.#store.add(
      this.#view.onDidExpandElement(({ element }) => {
        this.#nodes.expanded(element.id);
        this.#followOpenRows();
      }),
    );
    this.#store.add(
      this.#view.onDidCollapseElement(({ element }) => {
        this.#nodes.collapsed(element.id);
        this.#followOpenRows();
      }),
    );
    this.#store.add(vscode.window.onDidChangeWindowState(() => this.pointerLeft()));
    this.#store.add(input.exposure.onDidChange(() => this.#redrawSoon()));
    this.#store.add({ dispose: () => this.#drawing?.dispose() });
    this.#tellArrangement();
    this.#tellOrder();
    this.#draw();
  }

  /** What is shown; empty: all. */
  get filter(): ShownFilter {
    return this.#filter.shown;
  }

  set filter(shown: ShownFilter) {
    this.#filter.shown = shown;
    const { isFiltered } = CONTEXT_KEYS;
    void vscode.commands.executeCommand('setContext', isFiltered, this.#filter.isSet);
    this.refresh();
  }

  /** Which way the PVs are arranged. */
  get arrangement(): Arrangement {
    return this.#arrangement;
  }

  set arrangement(arrangement: Arrangement) {
    this.#arrangement = arrangement;
    void this.#input.memory.update(ARRANGEMENT, arrangement);
    this.#tellArrangement();
    this.refresh();
  }

  #tellArrangement(): void {
    const { arrangement } = CONTEXT_KEYS;
    void vscode.commands.executeCommand('setContext', arrangement, this.#arrangement);
  }

  /** How the PVs of a branch are sorted: by severity, as far as their values are followed. */
  get order(): RowOrder {
    return this.#order;
  }

  set order(order: RowOrder) {
    this.#order = order;
    void this.#input.memory.update(ORDER, order);
    this.#tellOrder();
    this.refresh();
  }

  #tellOrder(): void {
    void vscode.commands.executeCommand('setContext', CONTEXT_KEYS.order, this.#order);
  }

  /** Lists everything again. */
  refresh(): void {
    this.#filter.refresh();
    this.#redrawTree();
  }

  #redrawTree(): void {
    this.#tree = this.#makeTree();
    this.#drawAll();
    this.#tellTotals();
  }

  /** The selected PV, for commands without an argument. */
  get selectedPv(): PvRow | undefined {
    return this.selectedPvs[0];
  }

  /** All selected PVs. */
  get selectedPvs(): readonly PvRow[] {
    return this.#view.selection.flatMap((node) => (node.kind === 'pv' ? [node.row] : []));
  }

  /** By a key, the row that has the focus is meant; then it is selected. */
  async selectFocused(): Promise<void> {
    await selectFocused(this.#view, this.#input.clock);
  }

  /** Opens the tree down to this PV and selects it. */
  async reveal(row: PvRow): Promise<void> {
    if (this.#filter.isSet) this.filter = {};
    const branchKey = this.#branchKeyOf(row);
    await this.#view.reveal(pvNode(branchKey, row), { select: true, focus: true });
  }

  #branchKeyOf(row: PvRow): string {
    return this.#arrangement === 'servers' ? row.serverKey : this.#iocKeyOf(row);
  }

  #iocKeyOf({ serverKey }: PvRow): string {
    return placeOfServer(this.#input.exposure.snapshot, serverKey)?.ioc.key ?? serverKey;
  }

  #makeTree(): readonly TreeNode[] {
    const { exposure, ownContainerKey } = this.#input;
    if (!exposure.isExposing) return [];
    if (exposure.problem?.kind === 'bad-settings') return [settingsNode(exposure.problem.message)];
    const filter = this.#filter.ofTree;
    const options = {
      ownContainerKey: ownContainerKey(),
      arrangement: this.#arrangement,
      ...(filter && { filter }),
    };
    return treeOf(exposure.snapshot, options, WINDOW_WORDS);
  }

  #redrawSoon(): void {
    this.#drawing ??= this.#input.clock.after(REDRAW_MS, () => {
      this.#drawing = undefined;
      this.#draw();
    });
  }

  /** Tells VS Code only about the lines that changed. */
  #draw(): void {
    void this.#countMatches();
    const before = this.#tree;
    this.#tree = this.#makeTree();
    const change = changeOf(before, this.#tree, tooltipText);
    if (change.all) this.#drawAll();
    else this.#drawAgain(change.ids);
    this.#tellTotals();
  }

  async #countMatches(): Promise<void> {
    const { core, snapshot } = this.#input.exposure;
    if (!core || !(await this.#filter.count(core, snapshot))) return;
    // The branches that VS Code has were listed before.
    if (this.#filter.alarms) this.#redrawTree();
    else this.#draw();
  }

  #drawAll(): void {
    this.#nodes.clear();
    this.#redraws.all();
    this.#followOpenRows();
    void this.#countMatches();
  }

  /** `hasOtherStates`: their order may be another one now. */
  #drawRows(rows: readonly PvNode[], hasOtherStates: boolean): void {
    const isMoved = hasOtherStates && this.#order === 'severity';
    const ids = rows.flatMap(({ id }) => (isMoved ? (this.#nodes.parentId(id) ?? []) : id));
    this.#drawAgain([...new Set(ids)]);
  }

  /** Draws the rows again whose star is not as it should be. */
  #drawStars(): void {
    const { watched } = this.#input;
    const wrong = this.#nodes.openPvs.filter(
      ({ id, row }) => watched.has(row.name) !== this.#starred.has(id),
    );
    this.#drawAgain(wrong.map(({ id }) => id));
  }

  #drawAgain(ids: readonly string[]): void {
    this.#redraws.add(ids.flatMap((id) => this.#nodes.known(id) ?? []));
  }

  #followOpenRows(): void {
    const isShown = this.#view.visible && this.#input.exposure.isExposing;
    this.#rows.setRows(isShown ? this.#nodes.openPvs : []);
  }

  #tellTotals(): void {
    const { exposure } = this.#input;
    const totals = totalsOf(exposure.snapshot);
    const value = totals.unreachable + totals.brokenServers;
    this.#view.badge =
      exposure.isExposing && value > 0 ? { value, tooltip: unreachableText(totals) } : undefined;
    const message = this.#messageNow;
    if (message !== this.#message) {
      this.#message = message;
      // An empty text would hide the welcome text in Theia; undefined removes the message, which VS
      // Code's types do not say.
      (this.#view as { message: string | undefined }).message = message;
    }
    this.#view.description = this.#filter.isSet ? `filter: ${this.#filter.text}` : '';
  }

  /** Only if there are lines: on an empty tree it would replace the welcome text. */
  get #messageNow(): string | undefined {
    const { exposure, place } = this.#input;
    if (this.#tree.length === 0) return undefined;
    if (exposure.problem?.kind === 'no-broker') return exposure.problem.message;
    return place === 'inside' ? INSIDE_MESSAGE : undefined;
  }

  async getChildren(element?: TreeNode): Promise<TreeNode[]> {
    if (!element) return this.#nodes.show(undefined, this.#tree);
    const node = this.#now(element);
    switch (node.kind) {
      case 'container':
        return this.#nodes.show(node.id, childrenOf(node));
      case 'ioc':
        if (!node.hasPvs) return this.#nodes.show(node.id, childrenOf(node));
        return this.#showBranch(node, node.ioc.key, '', childrenOf(node));
      case 'server':
        return this.#showBranch(node, node.server.key, '');
      case 'group':
        return this.#showBranch(node, node.branchKey, node.group.prefix);
      default:
        return [];
    }
  }

  async #showBranch(
    parent: IocNode | ServerNode | GroupNode,
    key: string,
    prefix: string,
    before: readonly TreeNode[] = [],
  ): Promise<TreeNode[]> {
    const listed = this.#sorted(await this.#listBranch(parent, key, prefix));
    this.#nodes.list(parent.id, listed);
    const shown = this.#nodes.show(parent.id, [...before, ...listed]);
    this.#followOpenRows();
    return shown;
  }

  /** Groups stay first. */
  #sorted(nodes: readonly TreeNode[]): readonly TreeNode[] {
    if (this.#order === 'name') return nodes;
    const rank = (node: TreeNode): number => (node.kind === 'pv' ? this.#rows.rankOf(node) : -1);
    const ranks = new Map(nodes.map((node) => [node, rank(node)]));
    return [...nodes].sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
  }

  /** What a line says now: the object that VS Code knows it by may be older. */
  #now(node: TreeNode): TreeNode {
    return this.#find(node.id) ?? this.#nodes.now(node.id) ?? node;
  }

  #find(id: string): TreeNode | undefined {
    const search = (nodes: readonly TreeNode[]): TreeNode | undefined => {
      for (const node of nodes) {
        const found = node.id === id ? node : search(childrenOf(node));
        if (found) return found;
      }
      return undefined;
    };
    return search(this.#tree);
  }

  async #listBranch(
    parent: IocNode | ServerNode | GroupNode,
    key: string,
    prefix: string,
  ): Promise<TreeNode[]> {
    const { core } = this.#input.exposure;
    if (!core) return [];
    const { alarms } = this.#filter;
    if (alarms) {
      return alarms.filter((row) => this.#branchKeyOf(row) === key).map((row) => pvNode(key, row));
    }
    try {
      const branch = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
        core.listBranch({ key, prefix, ...this.#filter.ofCore }, signal),
      );
      return branchNodes(key, branch);
    } catch (error) {
      return [
        problemNode(`${parent.id} problem`, {
          message: `The PVs cannot be listed: ${errorText(error, WINDOW_WORDS)}`,
          advice: 'Refresh the view; if that does not help, restart the background process.',
        }),
      ];
    }
  }

  async getParent(node: TreeNode): Promise<TreeNode | undefined> {
    return node.kind === 'pv' || node.kind === 'group'
      ? this.#parentIn(node)
      : this.#parentOf(node.id);
  }

  #parentOf(id: string): TreeNode | undefined {
    const search = (nodes: readonly TreeNode[]): TreeNode | undefined => {
      for (const node of nodes) {
        const children = childrenOf(node);
        if (children.some((child) => child.id === id)) return this.#nodes.known(node.id) ?? node;
        const found = search(children);
        if (found) return found;
      }
      return undefined;
    };
    return search(this.#tree);
  }

  /** Goes down from the server or IOC, group by group, as a user would who looks for that name. */
  async #parentIn(node: PvNode | GroupNode): Promise<TreeNode | undefined> {
    const { branchKey } = node;
    const name = node.kind === 'pv' ? node.row.name : node.group.prefix;
    let parent: TreeNode | undefined = this.#nodes.known(branchKey) ?? this.#find(branchKey);
    let prefix = '';
    while (parent?.kind === 'ioc' || parent?.kind === 'server' || parent?.kind === 'group') {
      const children: TreeNode[] = await this.#listBranch(parent, branchKey, prefix);
      if (children.some(({ id }) => id === node.id)) return parent;
      parent = children.find(
        (child) => child.kind === 'group' && name.startsWith(child.group.prefix),
      );
      if (parent?.kind === 'group') prefix = parent.group.prefix;
    }
    return undefined;
  }

  getTreeItem(shown: TreeNode): vscode.TreeItem {
    const node = this.#now(shown);
    const item = new vscode.TreeItem(node.label, this.#collapsible(node));
    item.id = this.#filter.isSet ? `${node.id} filtered` : node.id;
    if (node.kind === 'pv') {
      const face = this.#rows.draw(node);
      item.description = face.description;
      item.iconPath = rowIconOf(face.state);
      item.accessibilityInformation = { label: face.spoken };
      const isWatched = this.#input.watched.has(node.row.name);
      if (isWatched) this.#starred.add(node.id);
      else this.#starred.delete(node.id);
      item.contextValue = `pv ${node.row.protocol}${isWatched ? ' watched' : ''}`;
      return item;
    }
    item.description = node.description;
    item.iconPath = iconOf(node);
    item.contextValue = contextOf(node);
    item.accessibilityInformation = { label: node.spoken };
    if (node.kind === 'filter') {
      const { state, pattern } = this.filter;
      const isByState = state !== undefined && pattern === undefined;
      const command = isByState ? COMMANDS.filterByState : COMMANDS.filter;
      item.command = { command, title: 'Change the Filter' };
    }
    return item;
  }

  #collapsible(node: TreeNode): vscode.TreeItemCollapsibleState {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'container':
        return node.children.length > 0 ? Expanded : None;
      case 'ioc':
        if (node.children.length === 0 && !node.hasPvs) return None;
        return this.#filter.isSet || !node.hasPvs || this.#iocCount <= MAX_OPEN_IOCS
          ? Expanded
          : Collapsed;
      case 'server':
        if (!node.hasPvs) return None;
        return this.#filter.isSet ? Expanded : Collapsed;
      case 'group':
        return Collapsed;
      default:
        return None;
    }
  }

  get #iocCount(): number {
    const { containers } = this.#input.exposure.snapshot;
    return containers.reduce((sum, { iocs }) => sum + iocs.length, 0);
  }

  async resolveTreeItem(
    item: vscode.TreeItem,
    node: TreeNode,
    token: vscode.CancellationToken,
  ): Promise<vscode.TreeItem> {
    const isPv = node.kind === 'pv';
    // Drawn again meanwhile, its hover would not open.
    if (isPv) this.#rows.freeze(node.id);
    const tooltip = await this.#tooltipOf(node);
    item.tooltip = tooltip.markdown;
    // Lines with children are drawn again whenever their text changes (changeOf). They are never
    // drawn again because of their own hover, because that would close the hovers of the lines
    // below.
    if (!isPv) this.pointerLeft();
    // VS Code keeps what comes for a hover that has closed, too.
    else {
      this.#hovered.shown(node, token.isCancellationRequested ? undefined : textOf(tooltip));
      this.#rows.freeze(node.id);
    }
    return item;
  }

  /** As far as we know, no row's hover is open. */
  pointerLeft(): void {
    this.#hovered.left();
    this.#rows.thaw();
  }

  #tooltipOf(node: TreeNode): Promise<Tooltip> {
    return this.#input.tooltipOf(this.#now(node), this.#rows.isLive(node.id));
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** A setting that is wrong: the engine is the only one that can be. */
function settingsNode(message: string): TreeNode {
  return problemNode(SETTINGS_LINE, {
    message: `epicsExpose.engine: ${message}`,
    advice: 'Change the setting; the button of this line opens it.',
  });
}

/** What `viewItem` is in the menus of package.json. */
function contextOf(node: TreeNode): string {
  if (node.kind === 'pv') return `pv ${node.row.protocol}`;
  if (node.id === SETTINGS_LINE) return 'problem settings';
  return node.kind === 'container' ? `container ${node.container.status}` : node.kind;
}

/** For comparison. */
function tooltipText(node: TreeNode): string {
  return JSON.stringify(tooltipSections(node, 0, WINDOW_WORDS));
}

/** For comparison; undefined: no answer yet. */
function textOf({ markdown, isAnswer }: Tooltip): string | undefined {
  return isAnswer ? markdown.value : undefined;
}
