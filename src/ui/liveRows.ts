import type { Clock } from '../base/clock';
import type { Disposable } from '../base/disposable';
import type { PvNode } from '../present/pvTree';
import { ROW_STATES, rowFace, type RowFace, type RowValue } from '../present/rowFace';
import type { LiveValues } from './liveValues';

/** Rows that are followed at most; VS Code does not say which of them are on the screen. */
export const MAX_LIVE_ROWS = 200;
/**
 * A row that changes all the time is drawn this often. Each time, VS Code closes its hover and
 * forgets that the pointer rests there (seen in 1.139), so a hover, which opens after 0.7 s, opens
 * only where the row is not drawn meanwhile: with two seconds in two of three cases.
 */
const ROW_INTERVAL_MS = 2000;
/** The same while the user is looking at hovers. */
const HOVERING_INTERVAL_MS = 5000;
/** How long after a hover that is. */
const HOVERING_MS = 20_000;
/** How often rows that wait are looked at. */
const LOOK_MS = 250;
/** The same where a row shows no value yet; the first values of many rows come together. */
const FIRST_LOOK_MS = 50;

/** What LiveRows needs. */
export interface LiveRowsInput {
  readonly live: LiveValues;
  /** Draws these rows again; `hasOtherStates`: alarms or states came or went. */
  readonly redraw: (rows: readonly PvNode[], hasOtherStates: boolean) => void;
  readonly clock: Clock;
}

interface Row {
  node: PvNode;
  readonly following: Disposable;
  /** As drawn last. */
  face: RowFace | undefined;
  drawnMs: number;
}

/** Follows the values of rows, and has those drawn again whose text or icon has changed. */
export class LiveRows implements Disposable {
  readonly #input: LiveRowsInput;
  readonly #rows = new Map<string, Row>();
  readonly #changed = new Set<Row>();
  /** Is left as it is: its hover is open. */
  #frozenId: string | undefined;
  #isHoveringUntilMs = -Infinity;
  #looking: Disposable | undefined;
  /** When that is, by the clock. */
  #lookAtMs = 0;

  constructor(input: LiveRowsInput) {
    this.#input = input;
  }

  /** Follows these rows, the first MAX_LIVE_ROWS of them, and no others. */
  setRows(nodes: Iterable<PvNode>): void {
    const wanted = new Map<string, PvNode>();
    for (const node of nodes) {
      if (wanted.size === MAX_LIVE_ROWS) break;
      wanted.set(node.id, node);
    }
    const undrawn: PvNode[] = [];
    for (const [id, row] of this.#rows) {
      const next = wanted.get(id);
      if (next && isSamePv(next, row.node)) {
        row.node = next;
        continue;
      }
      row.following.dispose();
      this.#rows.delete(id);
      this.#changed.delete(row);
      if (!next) undrawn.push(row.node);
    }
    for (const [id, node] of wanted) {
      if (!this.#rows.has(id)) this.#rows.set(id, this.#follow(node));
    }
    // What they showed is not live any more.
    if (undrawn.length > 0) this.#input.redraw(undrawn, false);
  }

  #follow(node: PvNode): Row {
    const following = this.#input.live.follow(node.row, () => {
      this.#changed.add(row);
      this.#lookSoon(hasValue(row) ? LOOK_MS : FIRST_LOOK_MS);
    });
    const row: Row = { node, following, face: undefined, drawnMs: -Infinity };
    // It may be followed by others already.
    this.#changed.add(row);
    this.#lookSoon();
    return row;
  }

  isLive(id: string): boolean {
    return this.#rows.has(id);
  }

  /** The face that a row is to be drawn with now. */
  draw(node: PvNode): RowFace {
    const row = this.#rows.get(node.id);
    const face = rowFace(node.row, this.#valueOf(node));
    if (row) {
      row.face = face;
      row.drawnMs = this.#input.clock.nowMs();
      this.#changed.delete(row);
    }
    return face;
  }

  /** 0: the worst. */
  rankOf(node: PvNode): number {
    return ROW_STATES.indexOf(rowFace(node.row, this.#valueOf(node)).state);
  }

  #valueOf(node: PvNode): RowValue {
    if (!this.#rows.has(node.id)) return { isLive: false };
    const { reading, problem } = this.#input.live.latest(node.row) ?? {};
    return { isLive: true, ...(reading && { reading }), ...(problem && { problem }) };
  }

  /** Leaves a row as it is, because its hover opens. */
  freeze(id: string): void {
    this.#frozenId = id;
    this.#isHoveringUntilMs = this.#input.clock.nowMs() + HOVERING_MS;
  }

  /** No row is left as it is any more. */
  thaw(): void {
    this.#frozenId = undefined;
    if (this.#changed.size > 0) this.#lookSoon();
  }

  #lookSoon(delayMs = LOOK_MS): void {
    const { clock } = this.#input;
    const atMs = clock.nowMs() + delayMs;
    if (this.#looking && this.#lookAtMs <= atMs) return;
    this.#looking?.dispose();
    this.#lookAtMs = atMs;
    this.#looking = clock.after(delayMs, () => {
      this.#looking = undefined;
      this.#look();
    });
  }

  #look(): void {
    const nowMs = this.#input.clock.nowMs();
    const intervalMs = nowMs < this.#isHoveringUntilMs ? HOVERING_INTERVAL_MS : ROW_INTERVAL_MS;
    const due: PvNode[] = [];
    let hasOtherStates = false;
    for (const row of this.#changed) {
      if (row.node.id === this.#frozenId) continue;
      // The first value comes at once.
      if (hasValue(row) && nowMs - row.drawnMs < intervalMs) continue;
      this.#changed.delete(row);
      const face = rowFace(row.node.row, this.#valueOf(row.node));
      if (isSameFace(face, row.face)) continue;
      due.push(row.node);
      // Another order would move the row whose hover is open.
      if (face.state !== row.face?.state) hasOtherStates = this.#frozenId === undefined;
    }
    if (due.length > 0) this.#input.redraw(due, hasOtherStates);
    const waiting = [...this.#changed].filter(({ node }) => node.id !== this.#frozenId);
    if (waiting.length > 0) this.#lookSoon();
  }

  dispose(): void {
    this.#looking?.dispose();
    for (const { following } of this.#rows.values()) following.dispose();
    this.#rows.clear();
    this.#changed.clear();
  }
}

function hasValue({ face }: Row): boolean {
  return face !== undefined && face.state !== 'waiting';
}

function isSamePv(a: PvNode, b: PvNode): boolean {
  return a.row.name === b.row.name && a.row.protocol === b.row.protocol;
}

function isSameFace(a: RowFace, b: RowFace | undefined): boolean {
  return a.description === b?.description && a.state === b.state;
}
