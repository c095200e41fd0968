import type { PvNode, TreeNode } from '../present/pvTree';

interface Branch {
  /** PVs only. */
  readonly pvs: readonly PvNode[];
  /** Increases with each branch that is opened. */
  openedAt: number;
}

/**
 * The lines that VS Code was given: the objects by which it knows them, what they say now, and which
 * of the branches with PVs are open.
 */
export class ShownNodes {
  readonly #shown = new Map<string, TreeNode>();
  /** For lines that are not in the snapshot: what they say now. */
  readonly #now = new Map<string, TreeNode>();
  readonly #parentIds = new Map<string, string>();
  /** By the id of the line above. */
  readonly #childIds = new Map<string, readonly string[]>();
  readonly #branches = new Map<string, Branch>();
  readonly #collapsed = new Set<string>();
  #openCount = 0;

  /** The object by which VS Code knows a line. */
  known(id: string): TreeNode | undefined {
    return this.#shown.get(id);
  }

  /** What a line below the snapshot's lines says now. */
  now(id: string): TreeNode | undefined {
    return this.#now.get(id);
  }

  /** The id of the line above; undefined for the top level. */
  parentId(id: string): string | undefined {
    return this.#parentIds.get(id);
  }

  /** Notes the lines below another one, or of the top level; returns what VS Code is to be given. */
  show(parentId: string | undefined, nodes: readonly TreeNode[]): TreeNode[] {
    const ids = new Set(nodes.map(({ id }) => id));
    for (const id of this.#childIds.get(parentId ?? '') ?? []) if (!ids.has(id)) this.#forget(id);
    this.#childIds.set(parentId ?? '', [...ids]);
    return nodes.map((node) => {
      const known = this.#shown.get(node.id) ?? node;
      this.#shown.set(node.id, known);
      if (parentId !== undefined) this.#parentIds.set(node.id, parentId);
      return known;
    });
  }

  /** Notes the PVs and groups that were listed below a line, which is open. */
  list(parentId: string, nodes: readonly TreeNode[]): void {
    for (const node of nodes) this.#now.set(node.id, node);
    const pvs = nodes.filter((node) => node.kind === 'pv');
    const openedAt = this.#branches.get(parentId)?.openedAt ?? this.#openCount++;
    this.#branches.set(parentId, { pvs, openedAt });
  }

  #forget(id: string): void {
    for (const childId of this.#childIds.get(id) ?? []) this.#forget(childId);
    this.#childIds.delete(id);
    this.#shown.delete(id);
    this.#now.delete(id);
    this.#parentIds.delete(id);
    this.#branches.delete(id);
    this.#collapsed.delete(id);
  }

  expanded(id: string): void {
    this.#collapsed.delete(id);
    const branch = this.#branches.get(id);
    if (branch) branch.openedAt = this.#openCount++;
  }

  collapsed(id: string): void {
    this.#collapsed.add(id);
  }

  /** The PVs of all open branches, those of the branch that was opened last first. */
  get openPvs(): readonly PvNode[] {
    return [...this.#branches]
      .filter(([id]) => this.#isOpen(id))
      .sort(([, a], [, b]) => b.openedAt - a.openedAt)
      .flatMap(([, { pvs }]) => pvs);
  }

  #isOpen(id: string): boolean {
    if (this.#collapsed.has(id)) return false;
    const parentId = this.#parentIds.get(id);
    return parentId === undefined || this.#isOpen(parentId);
  }

  clear(): void {
    for (const map of [this.#shown, this.#now, this.#parentIds, this.#childIds]) map.clear();
    this.#branches.clear();
    this.#collapsed.clear();
  }
}
