import { plural } from '../base/plural';
import * as vscode from 'vscode';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { keyOf, parsePvList, type WantedPv } from '../model/pvList';
import { watchRow, type WatchRow } from '../present/watchRow';
import { DRAGGED_WATCHED, draggedText, draggedWithin, LIST, namesText, TEXT } from './pvDrag';
import type { Tooltip } from './pvTooltip';
import { CONTEXT_KEYS, WATCH_VIEW } from './ids';
import { rowIconOf } from './rowIcon';
import { selectFocused } from './selectFocused';
import type { WatchedValues } from './watchedValues';
import { type Added, MAX_WATCHED, type WatchList } from './watchList';
import type { WindowExposure } from './windowExposure';

/** How often rows that changed are looked at. */
const LOOK_MS = 250;
/**
 * A row that changes all the time is drawn this often: each time, VS Code closes its hover and
 * forgets that the pointer rests there.
 */
const ROW_INTERVAL_MS = 2000;
/** How long a row is left as it is when its hover opens. */
const HOVER_MS = 5000;

/** What the view needs. */
export interface WatchViewInput {
  readonly list: WatchList;
  readonly values: WatchedValues;
  readonly exposure: Pick<WindowExposure, 'isExposing' | 'onDidChange'>;
  /** Whether values are wanted although nobody looks. */
  readonly isNotifying: () => boolean;
  readonly tooltipOf: (name: string) => Promise<Tooltip>;
  readonly clock: Clock;
}

/** A row: the object that VS Code knows it by stays the same. */
export interface WatchNode {
  readonly kind: 'watched';
  readonly pv: WantedPv;
}

/**
 * The view Watch: the PVs that the user has chosen, with their values. They are followed while the
 * view is seen.
 */
export class WatchView
  implements
    vscode.TreeDataProvider<WatchNode>,
    vscode.TreeDragAndDropController<WatchNode>,
    Disposable
{
  readonly dropMimeTypes = [DRAGGED_WATCHED, LIST, TEXT];
  readonly dragMimeTypes = [TEXT];
  readonly #input: WatchViewInput;
  readonly #store = new DisposableStore();
  readonly #redraw = this.#store.add(new vscode.EventEmitter<WatchNode[] | undefined>());
  readonly #view: vscode.TreeView<WatchNode>;
  readonly #nodes = new Map<string, WatchNode>();
  /** How rows were drawn last, and until when they are left so: by key. */
  readonly #drawn = new Map<string, { readonly row: WatchRow; untilMs: number }>();
  /** Rows whose PV has news: by key. */
  readonly #changed = new Map<string, WantedPv>();
  #looking: Disposable | undefined;

  readonly onDidChangeTreeData = this.#redraw.event;

  constructor(input: WatchViewInput) {
    this.#input = input;
    this.#view = this.#store.add(
      vscode.window.createTreeView<WatchNode>(WATCH_VIEW, {
        treeDataProvider: this,
        dragAndDropController: this,
        canSelectMany: true,
      }),
    );
    this.#store.add(this.#view.onDidChangeVisibility(() => this.follow()));
    this.#store.add(input.list.onDidChange(() => this.#drawAll()));
    this.#store.add(input.exposure.onDidChange(() => this.#lookAtExposure()));
    this.#store.add(
      input.values.onDidChange((pv) => {
        this.#changed.set(keyOf(pv), pv);
        this.#lookSoon();
      }),
    );
    this.#store.add({ dispose: () => this.#looking?.dispose() });
    this.#drawAll();
  }

  /** The selected PVs, in their order. */
  get selected(): readonly WantedPv[] {
    const selected = new Set(this.#view.selection.map(({ pv }) => keyOf(pv)));
    return this.#input.list.pvs.filter((pv) => selected.has(keyOf(pv)));
  }

  /** By a key, the row that has the focus is meant; then it is selected. */
  async selectFocused(): Promise<void> {
    await selectFocused(this.#view, this.#input.clock);
  }

  /** Follows what is to be seen. */
  follow(): void {
    const { list, values, isNotifying } = this.#input;
    values.follow(this.#view.visible || isNotifying() ? list.pvs : []);
  }

  #isExposing = false;
  #lookAtExposure(): void {
    const { isExposing } = this.#input.exposure;
    if (isExposing !== this.#isExposing) this.#drawAll();
    this.#isExposing = isExposing;
  }

  #drawAll(): void {
    const { pvs } = this.#input.list;
    const keys = new Set(pvs.map(keyOf));
    for (const key of this.#nodes.keys()) if (!keys.has(key)) this.#nodes.delete(key);
    this.#drawn.clear();
    this.#changed.clear();
    this.follow();
    this.#redraw.fire(undefined);
    const { hasWatched } = CONTEXT_KEYS;
    void vscode.commands.executeCommand('setContext', hasWatched, pvs.length > 0);
  }

  #lookSoon(): void {
    if (!this.#view.visible) return;
    this.#looking ??= this.#input.clock.after(LOOK_MS, () => {
      this.#looking = undefined;
      this.#look();
    });
  }

  /** Draws the rows that look otherwise by now. */
  #look(): void {
    const nowMs = this.#input.clock.nowMs();
    const due: WatchNode[] = [];
    for (const [key, pv] of this.#changed) {
      const drawn = this.#drawn.get(key);
      if (drawn && nowMs < drawn.untilMs) continue;
      this.#changed.delete(key);
      const { description, state } = this.#rowOf(pv);
      const node = this.#nodes.get(key);
      if (node && (description !== drawn?.row.description || state !== drawn.row.state)) {
        due.push(node);
      }
    }
    if (due.length > 0) this.#redraw.fire(due);
    if (this.#changed.size > 0) this.#lookSoon();
  }

  #rowOf(pv: WantedPv): WatchRow {
    const { values, exposure } = this.#input;
    return watchRow(pv, { ...values.valueOf(pv), isExposing: exposure.isExposing });
  }

  getChildren(element?: WatchNode): WatchNode[] {
    if (element) return [];
    return this.#input.list.pvs.map((pv) => this.#nodeOf(pv));
  }

  #nodeOf(pv: WantedPv): WatchNode {
    const known = this.#nodes.get(keyOf(pv));
    if (known) return known;
    const node: WatchNode = { kind: 'watched', pv };
    this.#nodes.set(keyOf(pv), node);
    return node;
  }

  /** For `reveal`. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem({ pv }: WatchNode): vscode.TreeItem {
    const row = this.#rowOf(pv);
    const untilMs = this.#input.clock.nowMs() + ROW_INTERVAL_MS;
    // Before its first value, a row waits for nothing.
    if (row.state !== 'waiting') this.#drawn.set(keyOf(pv), { row, untilMs });
    const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState.None);
    item.id = keyOf(pv);
    item.description = row.description;
    item.iconPath = rowIconOf(row.state);
    item.contextValue = 'watched';
    item.accessibilityInformation = { label: row.spoken };
    return item;
  }

  async resolveTreeItem(item: vscode.TreeItem, { pv }: WatchNode): Promise<vscode.TreeItem> {
    const drawn = this.#drawn.get(keyOf(pv));
    if (drawn) drawn.untilMs = this.#input.clock.nowMs() + HOVER_MS;
    const { markdown } = await this.#input.tooltipOf(pv.name);
    item.tooltip = markdown;
    return item;
  }

  handleDrag(nodes: readonly WatchNode[], data: vscode.DataTransfer): void {
    const pvs = nodes.map(({ pv }) => pv);
    data.set(DRAGGED_WATCHED, new vscode.DataTransferItem(pvs));
    data.set(TEXT, new vscode.DataTransferItem(namesText(pvs)));
  }

  async handleDrop(target: WatchNode | undefined, data: vscode.DataTransfer): Promise<void> {
    const { list } = this.#input;
    const own = draggedWithin(data);
    if (own) await list.move(own, target?.pv);
    else {
      const { pvs, badLines } = parsePvList(await draggedText(data));
      tellAdded(await list.add(pvs), badLines.length);
    }
  }

  dispose(): void {
    this.#store.dispose();
  }
}

/** Says what became of PVs that were to be watched, where that is not seen. */
export function tellAdded({ added, known, refused }: Added, bad = 0): void {
  if (refused > 0) {
    void vscode.window.showWarningMessage(
      `At most ${MAX_WATCHED} PVs are watched: ${plural(refused, 'PV')} left out.`,
    );
    return;
  }
  const parts = [
    `Watching ${plural(added, 'more PV')}`,
    ...(known > 0 ? [`${known} watched already`] : []),
    ...(bad > 0 ? [`${plural(bad, 'line')} left out`] : []),
  ];
  vscode.window.setStatusBarMessage(parts.join(', '), 4000);
}
