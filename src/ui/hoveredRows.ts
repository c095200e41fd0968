import type { Clock } from '../base/clock';
import type { Disposable } from '../base/disposable';

/** How long a hover is left alone. */
const READING_MS = 4000;
/** The same for one without an answer yet, which says nothing worth reading. */
const UNANSWERED_MS = 500;
const LOOK_MS = 1000;
/** Nobody reads longer than this many looks. */
const MAX_LOOKS = 30;

/** What HoveredRows needs. */
export interface HoveredRowsInput<Row> {
  /** What the row's hover would say now; undefined: no answer yet. */
  readonly textOf: (row: Row) => Promise<string | undefined>;
  readonly redraw: (row: Row) => void;
  readonly clock: Clock;
}

interface Hovered<Row> {
  readonly row: Row;
  readonly text: string | undefined;
  timer: Disposable;
}

/**
 * Makes VS Code ask again for the text of a row's hover. It asks once and keeps the answer until
 * the row is drawn again, which would close the hover that the user reads; and it does not report
 * when a hover closes (microsoft/vscode#111711). So a hovered row is drawn again as soon as the
 * pointer is known to be elsewhere, or when the time to read has passed and its hover would say
 * something else by now.
 */
export class HoveredRows<Row> implements Disposable {
  readonly #input: HoveredRowsInput<Row>;
  /** At most one, because there is one pointer. */
  #hovered: Hovered<Row> | undefined;

  constructor(input: HoveredRowsInput<Row>) {
    this.#input = input;
  }

  /** Records that this row's hover got this text; undefined: that there is no answer yet. */
  shown(row: Row, text: string | undefined): void {
    this.left();
    const delayMs = text === undefined ? UNANSWERED_MS : READING_MS;
    const hovered: Hovered<Row> = { row, text, timer: this.#after(delayMs, 0) };
    this.#hovered = hovered;
  }

  /** The pointer is over no row, so the next hover asks again. */
  left(): void {
    const hovered = this.#hovered;
    this.#forget();
    if (hovered) this.#input.redraw(hovered.row);
  }

  #after(delayMs: number, looks: number): Disposable {
    return this.#input.clock.after(delayMs, () => void this.#look(looks));
  }

  async #look(looks: number): Promise<void> {
    const hovered = this.#hovered;
    if (!hovered) return;
    const text = await this.#input.textOf(hovered.row).catch(() => undefined);
    if (this.#hovered !== hovered) return;
    const isOther = text !== undefined && text !== hovered.text;
    if (isOther || looks === MAX_LOOKS) this.left();
    else hovered.timer = this.#after(LOOK_MS, looks + 1);
  }

  #forget(): void {
    this.#hovered?.timer.dispose();
    this.#hovered = undefined;
  }

  dispose(): void {
    this.#forget();
  }
}
