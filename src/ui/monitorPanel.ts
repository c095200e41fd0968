import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../base/disposable';
import { printable } from '../base/printable';
import type { PvUpdate } from '../model/coreApi';
import { formatLocal } from '../present/pvDetailsText';
import { readingCells, sizeText } from '../model/reading';
import type { PvProtocol } from '../model/snapshot';
import type { WindowExposure } from './windowExposure';
import { WINDOW_WORDS } from '../present/frontEndWords';
import { problemText } from '../present/problemText';

/** Updates within this time go to the panel as one message. */
const SEND_MS = 100;
/** Updates that wait when a PV is faster than the panel; the newest are kept. */
const MAX_WAITING = 500;

/** What media/monitor.js receives. */
interface MonitorMessage {
  /** Time (ms since 1970) and value for the plot; numbers only. */
  readonly points: readonly [number, number][];
  readonly value?: string;
  /** Type and sizes of a value that is too long to show; otherwise ''. */
  readonly size?: string;
  readonly alarm?: string;
  readonly severity?: string;
  readonly time?: string;
  /** Why there is no value now; '' when there is one. */
  readonly interrupted?: string;
}

/** Panels with a PV's live value and a plot of the last minutes, beside the editors. */
export class MonitorPanels implements Disposable {
  readonly #exposure: WindowExposure;
  readonly #mediaFolder: vscode.Uri;
  readonly #panels = new Map<string, { panel: vscode.WebviewPanel; store: DisposableStore }>();

  constructor(exposure: WindowExposure, extensionFolder: vscode.Uri) {
    this.#exposure = exposure;
    this.#mediaFolder = vscode.Uri.joinPath(extensionFolder, 'media');
  }

  /** Opens the panel of this PV, or shows the open one. */
  open(name: string, protocol: PvProtocol): void {
    const key = `${protocol}://${name}`;
    const known = this.#panels.get(key);
    if (known) {
      known.panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      'epicsExpose.monitor',
      printable(name),
      { viewColumn: vscode.ViewColumn.Active },
      {
        enableScripts: true,
        retainContextWhenHidden: true,
        localResourceRoots: [this.#mediaFolder],
      },
    );
    panel.webview.html = this.#html(panel.webview);
    const store = new DisposableStore();
    this.#panels.set(key, { panel, store });
    panel.onDidDispose(() => {
      this.#panels.delete(key);
      store.dispose();
    });
    const feed = store.add(new MonitorFeed((message) => void panel.webview.postMessage(message)));
    // The page asks for its PV when its script runs; anything sent earlier would be lost.
    store.add(
      panel.webview.onDidReceiveMessage(() => {
        void panel.webview.postMessage({
          name: printable(name),
          protocol: protocol === 'ca' ? 'CA' : 'PVA',
        });
        this.#follow(name, protocol, feed, store);
      }),
    );
  }

  /** Follows the PV over Stop and Expose, as long as the panel is open. */
  #follow(name: string, protocol: PvProtocol, feed: MonitorFeed, store: DisposableStore): void {
    let followed: { core: object; monitor: Disposable } | undefined;
    const look = (): void => {
      const { core } = this.#exposure;
      if (followed?.core === core) return;
      followed?.monitor.dispose();
      followed = undefined;
      if (!core) {
        feed.interrupt('PVs are not exposed now');
        return;
      }
      const monitor = core.monitorPv({ name, protocol }, (update) => feed.take(update));
      followed = { core, monitor };
    };
    store.add(this.#exposure.onDidChange(look));
    store.add({ dispose: () => followed?.monitor.dispose() });
    look();
  }

  #html(webview: vscode.Webview): string {
    const nonce = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    const source = (file: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.#mediaFolder, file)).toString();
    return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'" />
    <meta name="viewport" content="width=device-width, initial-scale=1.0" />
    <link rel="stylesheet" href="${source('monitor.css')}" />
    <title>PV</title>
  </head>
  <body>
    <h1><span id="name"></span> <small id="protocol"></small></h1>
    <p id="value" role="status" aria-live="polite"></p>
    <p id="size"></p>
    <p><span id="alarm"></span> <span id="time"></span></p>
    <p id="interrupted" role="alert" hidden></p>
    <svg id="plot" role="img" aria-label="The values of the last minutes"></svg>
    <script nonce="${nonce}" src="${source('monitor.js')}"></script>
  </body>
</html>`;
  }

  dispose(): void {
    for (const { panel } of [...this.#panels.values()]) panel.dispose();
  }
}

/** Gathers updates and sends the newest text with all points. */
class MonitorFeed implements Disposable {
  readonly #send: (message: MonitorMessage) => void;
  #points: [number, number][] = [];
  #text: Omit<MonitorMessage, 'points'> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: MonitorMessage) => void) {
    this.#send = send;
  }

  take(update: PvUpdate): void {
    if (update.kind === 'interrupted') {
      this.interrupt(problemText(update.problem, WINDOW_WORDS).message);
    } else {
      const { reading } = update;
      const [, , value = '', alarm = ''] = readingCells('', 'ca', reading);
      const time = reading.time === undefined ? 'no time stamp' : formatLocal(reading.time);
      const size = sizeText(reading);
      this.#text = { value, size, alarm, severity: reading.severity, time, interrupted: '' };
      if (typeof reading.value === 'number' && Number.isFinite(reading.value)) {
        const atMs = reading.time === undefined ? Number.NaN : Date.parse(reading.time);
        const at = Number.isNaN(atMs) ? Date.now() : atMs;
        // Skipped values are drawn as a line from the lowest to the highest.
        for (const passed of update.range ?? []) this.#points.push([at, passed]);
        this.#points.push([at, reading.value]);
        if (this.#points.length > MAX_WAITING) this.#points.splice(0, MAX_WAITING / 2);
      }
      this.#sendSoon();
    }
  }

  /** The value stays to be seen, beside why no newer one comes. */
  interrupt(reason: string): void {
    this.#text = { interrupted: printable(reason) };
    this.#sendSoon();
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#send({ ...this.#text, points: this.#points });
      this.#points = [];
    }, SEND_MS);
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
