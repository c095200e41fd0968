import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import type { Clock } from '../base/clock';
import type { PvRow } from '../model/coreApi';
import {
  branchNodes,
  changeOf,
  childrenOf,
  problemNode,
  pvNode,
  totalsOf,
  treeOf,
  type GroupNode,
  type PvNode,
  type ServerNode,
  type TreeNode,
} from '../present/pvTree';
import { tooltipSections } from '../present/pvDetailsText';
import type { WindowPlace } from '../present/viewState';
import { HoveredRows } from './hoveredRows';
import { CONTEXT_KEYS, PVS_VIEW } from './ids';
import type { Tooltip } from './pvTooltip';
import { iconOf } from './rowIcon';
import { withTimeout } from './withTimeout';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { errorText } from '../present/problemText';

/** So 100,000 answers cause only a few redraws. */
const REDRAW_MS = 250;
/** The core answers a level from memory; this only limits a broken one. */
const LIST_TIMEOUT_MS = 5000;

const INSIDE_MESSAGE =
  'EPICS Expose runs inside the container: clients on your machine reach these PVs only if it is installed there (see Install on This Machine).';

/** What the view needs. */
export interface PvsViewInput {
  readonly exposure: WindowExposure;
  /** Key of the container that this window works in, as far as it is known. */
  readonly ownContainerKey: () => string | undefined;
  readonly place: WindowPlace;
  /** The text of the hover over a line. */
  readonly tooltipOf: (node: TreeNode) => Promise<Tooltip>;
  readonly clock: Clock;
}

/** The view PVs: containers, IOCs, servers and PVs. Children are listed when a line is opened. */
export class PvsView implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #input: PvsViewInput;
  readonly #store = new DisposableStore();
  readonly #redraw = this.#store.add(new vscode.EventEmitter<TreeNode[] | undefined>());
  readonly #view: vscode.TreeView<TreeNode>;
  #tree: readonly TreeNode[] = [];
  /** The objects by which VS Code knows the lines that may change. */
  readonly #shown = new Map<string, TreeNode>();
  readonly #hovered: HoveredRows<TreeNode>;
  #filter = '';
  #hasMessage = false;
  #redrawTimer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.#redraw.event;

  constructor(input: PvsViewInput) {
    this.#input = input;
    this.#view = this.#store.add(
      vscode.window.createTreeView<TreeNode>(PVS_VIEW, {
        treeDataProvider: this,
        showCollapseAll: true,
      }),
    );
    this.#hovered = this.#store.add(
      new HoveredRows({
        textOf: async (node) => textOf(await this.#tooltipOf(node)),
        redraw: (node) => this.#redraw.fire([node]),
        clock: input.clock,
      }),
    );
    this.#store.add(this.#view.onDidChangeSelection(() => this.pointerLeft()));
    this.#store.add(this.#view.onDidChangeVisibility(() => this.pointerLeft()));
    this.#store.add(vscode.window.onDidChangeWindowState(() => this.pointerLeft()));
    this.#store.add(input.exposure.onDidChange(() => this.#redrawSoon()));
    this.#store.add({ dispose: () => clearTimeout(this.#redrawTimer) });
    this.#draw();
  }

  get filter(): string {
    return this.#filter;
  }

  set filter(pattern: string) {
    this.#filter = pattern.trim();
    void vscode.commands.executeCommand('setContext', CONTEXT_KEYS.isFiltered, this.#filter !== '');
    this.refresh();
  }

  /** Lists everything again. */
  refresh(): void {
    this.#tree = this.#makeTree();
    this.#shown.clear();
    this.#redraw.fire(undefined);
    this.#tellTotals();
  }

  /** The selected PV, for commands without an argument. */
  get selectedPv(): PvRow | undefined {
    const [node] = this.#view.selection;
    return node?.kind === 'pv' ? node.row : undefined;
  }

  /** Opens the tree down to this PV and selects it. */
  async reveal(row: PvRow): Promise<void> {
    if (this.#filter !== '') this.filter = '';
    await this.#view.reveal(pvNode(row), { select: true, focus: true });
  }

  #makeTree(): readonly TreeNode[] {
    const { exposure, ownContainerKey } = this.#input;
    return exposure.isExposing ? treeOf(exposure.snapshot, ownContainerKey(), WINDOW_WORDS) : [];
  }

  #redrawSoon(): void {
    this.#redrawTimer ??= setTimeout(() => {
      this.#redrawTimer = undefined;
      this.#draw();
    }, REDRAW_MS);
  }

  /** Tells VS Code only about the lines that changed. */
  #draw(): void {
    const before = this.#tree;
    this.#tree = this.#makeTree();
    const change = changeOf(before, this.#tree, tooltipText);
    if (change.all) {
      this.#shown.clear();
      this.#redraw.fire(undefined);
    } else if (change.ids.length > 0) {
      const changed = change.ids.flatMap((id) => this.#shown.get(id) ?? []);
      if (changed.length > 0) this.#redraw.fire(changed);
    }
    this.#tellTotals();
  }

  #tellTotals(): void {
    const { exposure } = this.#input;
    const { unreachable } = totalsOf(exposure.snapshot);
    this.#view.badge =
      exposure.isExposing && unreachable > 0
        ? { value: unreachable, tooltip: `${unreachable} PVs not reachable` }
        : undefined;
    // Only if there are lines: on an empty tree it would replace the welcome text.
    const isLimited = this.#input.place === 'inside' && this.#tree.length > 0;
    if (isLimited !== this.#hasMessage) {
      this.#hasMessage = isLimited;
      // An empty text would hide the welcome text in Theia; undefined removes the message, which VS
      // Code's types do not say.
      (this.#view as { message: string | undefined }).message = isLimited
        ? INSIDE_MESSAGE
        : undefined;
    }
    this.#view.description = this.#filter === '' ? '' : `filter: ${this.#filter}`;
  }

  async getChildren(element?: TreeNode): Promise<TreeNode[]> {
    if (!element) return this.#show(this.#tree);
    // The element may be older than our current state.
    const node = this.#find(element.id) ?? element;
    switch (node.kind) {
      case 'container':
      case 'ioc':
        return this.#show(childrenOf(node));
      case 'server':
        return this.#listBranch(node, node.server.key, '');
      case 'group':
        return this.#listBranch(node, node.serverKey, node.group.prefix);
      default:
        return [];
    }
  }

  #show(nodes: readonly TreeNode[]): TreeNode[] {
    for (const node of nodes) this.#shown.set(node.id, node);
    return [...nodes];
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
    parent: ServerNode | GroupNode,
    serverKey: string,
    prefix: string,
  ): Promise<TreeNode[]> {
    const { core } = this.#input.exposure;
    if (!core) return [];
    // A filter matches part of the name, with wildcards too.
    const glob = /[*?]/.test(this.#filter) ? `*${this.#filter}*` : this.#filter;
    const pattern = this.#filter === '' ? {} : { pattern: glob };
    try {
      const branch = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
        core.listBranch({ serverKey, prefix, ...pattern }, signal),
      );
      const nodes = branchNodes(serverKey, branch);
      if (nodes.length > 0 || this.#filter === '') return nodes;
      return [
        problemNode(`${parent.id} no match`, {
          message: `no PV matches ${this.#filter}`,
          advice: 'Clear the filter, or use * and ? to match anything.',
        }),
      ];
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
    switch (node.kind) {
      case 'pv':
        return this.#parentIn(node.row.serverKey, node);
      case 'group':
        return this.#parentIn(node.serverKey, node);
      default:
        return this.#parentOf(node.id);
    }
  }

  #parentOf(id: string): TreeNode | undefined {
    const search = (nodes: readonly TreeNode[]): TreeNode | undefined => {
      for (const node of nodes) {
        const children = childrenOf(node);
        if (children.some((child) => child.id === id)) return this.#shown.get(node.id) ?? node;
        const found = search(children);
        if (found) return found;
      }
      return undefined;
    };
    return search(this.#tree);
  }

  /** Goes down from the server, group by group, as a user would who looks for that name. */
  async #parentIn(serverKey: string, node: PvNode | GroupNode): Promise<TreeNode | undefined> {
    const name = node.kind === 'pv' ? node.row.name : node.group.prefix;
    let parent: TreeNode | undefined = this.#shown.get(serverKey) ?? this.#find(serverKey);
    let prefix = '';
    while (parent?.kind === 'server' || parent?.kind === 'group') {
      const children: TreeNode[] = await this.#listBranch(parent, serverKey, prefix);
      if (children.some(({ id }) => id === node.id)) return parent;
      parent = children.find(
        (child) => child.kind === 'group' && name.startsWith(child.group.prefix),
      );
      if (parent?.kind === 'group') prefix = parent.group.prefix;
    }
    return undefined;
  }

  getTreeItem(shown: TreeNode): vscode.TreeItem {
    // The object that VS Code knows the line by may be older than what the line says now.
    const node = this.#find(shown.id) ?? shown;
    const item = new vscode.TreeItem(node.label, this.#collapsible(node));
    item.id = this.#filter === '' ? node.id : `${node.id} filtered`;
    item.description = node.description;
    item.iconPath = iconOf(node);
    item.contextValue = node.kind === 'pv' ? `pv ${node.row.protocol}` : node.kind;
    item.accessibilityInformation = { label: node.spoken };
    return item;
  }

  #collapsible(node: TreeNode): vscode.TreeItemCollapsibleState {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    switch (node.kind) {
      case 'container':
      case 'ioc':
        return node.children.length > 0 ? Expanded : None;
      case 'server':
        if (!node.hasPvs) return None;
        return this.#filter === '' ? Collapsed : Expanded;
      case 'group':
        return Collapsed;
      default:
        return None;
    }
  }

  async resolveTreeItem(
    item: vscode.TreeItem,
    node: TreeNode,
    token: vscode.CancellationToken,
  ): Promise<vscode.TreeItem> {
    const tooltip = await this.#tooltipOf(node);
    item.tooltip = tooltip.markdown;
    // Lines with children are drawn again whenever their text changes (changeOf). They are never
    // drawn again because of their own hover, because that would close the hovers of the lines
    // below.
    if (node.kind !== 'pv') this.pointerLeft();
    // VS Code keeps what comes for a hover that has closed, too.
    else this.#hovered.shown(node, token.isCancellationRequested ? undefined : textOf(tooltip));
    return item;
  }

  /** As far as we know, no row's hover is open. */
  pointerLeft(): void {
    this.#hovered.left();
  }

  #tooltipOf(node: TreeNode): Promise<Tooltip> {
    // The object that VS Code knows the line by may be older than what the line says now.
    return this.#input.tooltipOf(this.#find(node.id) ?? node);
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** For comparison. */
function tooltipText(node: TreeNode): string {
  return JSON.stringify(tooltipSections(node, 0, WINDOW_WORDS));
}

/** For comparison; undefined: no answer yet. */
function textOf({ markdown, isAnswer }: Tooltip): string | undefined {
  return isAnswer ? markdown.value : undefined;
}
