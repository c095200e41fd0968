import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { printable } from '../base/printable';
import type { CoreLoss, WindowExposure } from './windowExposure';

/** Of a long log, only the end is shown. */
const SHOWN_BYTES = 16_384;
/** Losses within this time of each other are one loss for the user. */
const SAME_LOSS_MS = 60_000;

/** Shows the broker's log in our output channel, and notifies the user when the broker is lost. */
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

  /** Appends what the broker has logged since the last call. */
  async tell(): Promise<void> {
    const file = this.#exposure.core?.broker.logFile ?? this.#logFile;
    if (file === undefined) return;
    this.#logFile = file;
    try {
      const bytes = await vscode.workspace.fs.readFile(vscode.Uri.file(file));
      const lines = new TextDecoder().decode(bytes.slice(-SHOWN_BYTES)).trimEnd().split('\n');
      // What Node itself wrote there, such as warnings, was not made printable.
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

  /** Runs a restart without a notification, because the user asked for it. */
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
    this.#log.warn(`Lost the background process: ${printable(reason)}. It is being restarted.`);
    await this.tell();
    const nowMs = performance.now();
    const isNews = nowMs - this.#lastLossMs > SAME_LOSS_MS;
    this.#lastLossMs = nowMs;
    if (!isNews) return;
    const showLog = 'Show Log';
    const answer = await vscode.window.showWarningMessage(
      'The background process of EPICS Expose has ended and is being restarted. Its connections ended with it; clients reconnect automatically.',
      showLog,
    );
    if (answer === showLog) this.#log.show();
  }

  dispose(): void {
    this.#store.dispose();
  }
}
