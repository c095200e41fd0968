/** The log of the background process in our output channel, and a word when that process is lost. */
import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { printable } from '../base/printable';
import type { CoreLoss, WindowExposure } from './windowExposure';

/** Of a long log, its end. */
const SHOWN_BYTES = 16_384;
/** Losses within this time of each other are one for the person. */
const SAME_LOSS_MS = 60_000;

export class BrokerLog implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #log: vscode.LogOutputChannel;
  readonly #store = new DisposableStore();
  #isRestarting = false;
  #lastLossMs = -Infinity;
  #toldText = '';
  #logFile: string | undefined;

  constructor(exposure: WindowExposure, log: vscode.LogOutputChannel) {
    this.#exposure = exposure;
    this.#log = log;
    this.#store.add(exposure.onDidLose((loss) => void this.#report(loss)));
  }

  /** Appends what the background process has logged since it was last told. */
  async tell(): Promise<void> {
    const file = this.#exposure.exposure?.broker.logFile ?? this.#logFile;
    if (file === undefined) return;
    this.#logFile = file;
    try {
      const bytes = await vscode.workspace.fs.readFile(vscode.Uri.file(file));
      const lines = new TextDecoder().decode(bytes.slice(-SHOWN_BYTES)).trimEnd().split('\n');
      // What the process itself wrote there, such as warnings of Node, was not made for people.
      const text = lines.map(printable).join('\n');
      const fresh = text.startsWith(this.#toldText) ? text.slice(this.#toldText.length) : text;
      this.#toldText = text;
      if (fresh.trim() === '') return;
      this.#log.info(`From the log of the background process, ${file}:\n${fresh.trim()}`);
    } catch (error) {
      this.#log.warn(
        `The log of the background process cannot be read: ${printable(messageOf(error))}`,
      );
    }
  }

  /** A loss that the person asked for is no news. */
  async duringRestart(restart: () => Promise<void>): Promise<void> {
    this.#isRestarting = true;
    try {
      await restart();
    } finally {
      this.#isRestarting = false;
    }
  }

  async #report({ reason, logFile }: CoreLoss): Promise<void> {
    this.#logFile = logFile;
    if (this.#isRestarting) return;
    this.#log.warn(`The background process is lost: ${printable(reason)}. It is started again.`);
    await this.tell();
    const nowMs = performance.now();
    const isNews = nowMs - this.#lastLossMs > SAME_LOSS_MS;
    this.#lastLossMs = nowMs;
    if (!isNews) return;
    const showLog = 'Show Log';
    const answer = await vscode.window.showWarningMessage(
      'The background process of EPICS Expose has ended and is started again. Its connections ended with it; clients connect again by themselves.',
      showLog,
    );
    if (answer === showLog) this.#log.show();
  }

  dispose(): void {
    this.#store.dispose();
  }
}
