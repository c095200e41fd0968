import type { Clock } from '../base/clock';
import type { Disposable } from '../base/disposable';

/**
 * VS Code gathers changes of a tree until there was none for 200 ms: the first at once, and what
 * comes more often than that never. So there is one place that tells it of changes, less often.
 */
const MIN_INTERVAL_MS = 250;
/** Part of the time that telling it may take: the rest is other work's. */
const MAX_SHARE = 0.04;

/** What Redraws needs. */
export interface RedrawsInput<Node> {
  /** Draws these lines again; undefined: all. */
  readonly draw: (nodes: Node[] | undefined) => void;
  readonly clock: Clock;
}

/**
 * Gathers what is to be drawn again. Draws at most four times a second, and as much less often as it
 * takes for drawing to stay below a small part of the time, however many lines there are.
 */
export class Redraws<Node> implements Disposable {
  readonly #input: RedrawsInput<Node>;
  readonly #nodes = new Set<Node>();
  #isAll = false;
  /** Running since the last drawing. */
  #pause: Disposable | undefined;
  #costing: Disposable | undefined;
  #isDisposed = false;

  constructor(input: RedrawsInput<Node>) {
    this.#input = input;
  }

  /** Draws these lines again soon: at once, if that was long enough ago. */
  add(nodes: Iterable<Node>): void {
    for (const node of nodes) this.#nodes.add(node);
    this.#drawWhenDue();
  }

  /** Draws all again soon. */
  all(): void {
    this.#isAll = true;
    this.#drawWhenDue();
  }

  /** Whether it would draw at once. */
  get isDue(): boolean {
    return this.#pause === undefined;
  }

  #drawWhenDue(): void {
    if (this.#pause || this.#isDisposed) return;
    const nodes = this.#isAll ? undefined : [...this.#nodes];
    this.#nodes.clear();
    this.#isAll = false;
    if (nodes?.length === 0) return;
    const { clock, draw } = this.#input;
    const startMs = clock.nowMs();
    this.#rest(MIN_INTERVAL_MS);
    draw(nodes);
    // VS Code takes the lines and sends them to the window before the next turn.
    this.#costing = clock.after(0, () => {
      const restMs = (clock.nowMs() - startMs) / MAX_SHARE;
      if (restMs > MIN_INTERVAL_MS) this.#rest(restMs);
    });
  }

  #rest(forMs: number): void {
    this.#pause?.dispose();
    this.#pause = this.#input.clock.after(forMs, () => {
      this.#pause = undefined;
      this.#drawWhenDue();
    });
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#pause?.dispose();
    this.#costing?.dispose();
  }
}
