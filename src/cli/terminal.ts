import { styleText } from 'node:util';
import type { Log, LogLevel } from '../base/log';
import { printable, printableJson, printableLines } from '../base/printable';
import { jsonValue } from '../model/reading';

/** A progress line appears only when waiting becomes noticeable. */
const PROGRESS_AFTER_MS = 500;

/**
 * The command's output: results on stdout, everything else on stderr, and a progress line if
 * something takes long.
 */
export class Terminal {
  readonly isInteractive = process.stdout.isTTY === true;
  /** NO_COLOR: https://no-color.org */
  readonly isColoured =
    this.isInteractive && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  readonly #isVerbose: boolean;
  #progressText = '';

  constructor(isVerbose: boolean) {
    this.#isVerbose = isVerbose;
  }

  /** The width of the window, which may change; undefined for files and pipes. */
  get columns(): number | undefined {
    return this.isInteractive ? process.stdout.columns : undefined;
  }

  /**
   * Prints a line of the result unchanged: text from outside in it was made printable, then
   * coloured.
   */
  print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** Prints an object of the result, on one line unless indented. */
  printJson(value: unknown, indent?: number): void {
    this.print(printableJson(JSON.stringify(value, jsonValue, indent)));
  }

  /** Prints a line for the user that is not a result, on stderr. */
  report(text: string, style?: Parameters<typeof styleText>[0]): void {
    this.#say(style && this.isColoured ? styleText(style, printable(text)) : printable(text));
  }

  #say(line: string): void {
    this.#clearProgress();
    process.stderr.write(`${line}\n`);
  }

  readonly log: Log = (level: LogLevel, tag, message) => {
    if (!this.#isVerbose) return;
    const time = new Date().toISOString();
    this.#say(`${time} ${level.padEnd(5)} ${tag.padEnd(7)} ${printableLines(message)}`);
  };

  /** Shows `text()` while `work` takes longer than half a second, on an interactive stderr only. */
  async withProgress<T>(text: () => string, work: Promise<T>): Promise<T> {
    if (process.stderr.isTTY !== true) return work;
    const show = (): void => {
      this.#clearProgress();
      this.#progressText = printable(text());
      process.stderr.write(this.#progressText);
    };
    let repeat: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      show();
      repeat = setInterval(show, 200);
    }, PROGRESS_AFTER_MS);
    try {
      return await work;
    } finally {
      clearTimeout(first);
      clearInterval(repeat);
      this.#clearProgress();
    }
  }

  #clearProgress(): void {
    if (this.#progressText === '') return;
    this.#progressText = '';
    process.stderr.write('\r\x1b[2K');
  }
}
