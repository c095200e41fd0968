import * as vscode from 'vscode';
import { decodeBase64 } from '../base/base64';
import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { messageOf } from '../base/errors';
import { printable } from '../base/printable';
import type { PvAddress } from '../model/pvAddress';
import { keyOf } from '../model/pvList';
import type { FromPlot, ToPlot } from '../present/plot/plotMessages';
import { PLOT_PANEL } from './ids';
import { notificationText } from './notificationText';
import { PlotSession } from './plotSession';
import type { WindowExposure } from './windowExposure';

/** Characters of a PNG in base64, of a page that draws what it is sent. */
const MAX_PNG = 50_000_000;
const MAX_TITLE = 60;

interface OpenPlot {
  readonly panel: vscode.WebviewPanel;
  readonly session: PlotSession;
}

/** What a PlotPanels needs. */
export interface PlotPanelsInput {
  readonly exposure: WindowExposure;
  readonly extensionFolder: vscode.Uri;
  readonly clock: Clock;
}

/** Panels beside the editors, each with the plot of some PVs. They come back after a reload. */
export class PlotPanels implements Disposable, vscode.WebviewPanelSerializer<unknown> {
  readonly #input: PlotPanelsInput;
  readonly #programs: vscode.Uri;
  readonly #store = new DisposableStore();
  /** The one that was active last comes last. */
  readonly #plots = new Set<OpenPlot>();

  constructor(input: PlotPanelsInput) {
    this.#input = input;
    this.#programs = vscode.Uri.joinPath(input.extensionFolder, 'dist');
    this.#store.add(vscode.window.registerWebviewPanelSerializer(PLOT_PANEL, this));
  }

  /** Opens a panel with these PVs, or shows the one that has just those. */
  open(pvs: readonly PvAddress[]): void {
    const wanted = keysOf(pvs);
    const known = [...this.#plots].find(({ session }) => keysOf(session.pvs) === wanted);
    if (known) known.panel.reveal();
    else {
      const column = vscode.ViewColumn.Active;
      const panel = vscode.window.createWebviewPanel(PLOT_PANEL, 'Plot', column);
      this.#fill(panel, pvs);
    }
  }

  /** Adds PVs to the panel that was active last; opens one if there is none. */
  addToLast(pvs: readonly PvAddress[]): void {
    const last = [...this.#plots].at(-1);
    if (!last) {
      this.open(pvs);
      return;
    }
    last.session.add(pvs);
    last.panel.reveal(undefined, true);
  }

  /** Called by VS Code for each panel that was open before a reload. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    this.#fill(panel, pvsIn(state));
  }

  #fill(panel: vscode.WebviewPanel, pvs: readonly PvAddress[]): void {
    const { webview } = panel;
    const store = this.#store.add(new DisposableStore());
    const session = store.add(
      new PlotSession({
        ...this.#input,
        // What is said to a page that has just gone is lost; the next one asks for everything.
        send: (message: ToPlot) => void webview.postMessage(message),
      }),
    );
    const plot = { panel, session };
    this.#plots.add(plot);
    panel.onDidDispose(() => {
      this.#plots.delete(plot);
      this.#store.release(store);
    });
    store.add(
      panel.onDidChangeViewState(() => {
        if (!panel.visible) session.hide();
        if (!panel.active) return;
        this.#plots.delete(plot);
        this.#plots.add(plot);
      }),
    );
    store.add(session.onDidChange(() => (panel.title = titleOf(session.pvs))));
    store.add(webview.onDidReceiveMessage((message: FromPlot) => this.#receive(plot, message)));
    session.add(pvs);

    webview.options = { enableScripts: true, localResourceRoots: [this.#programs] };
    webview.html = this.#html(webview);
  }

  #receive({ session }: OpenPlot, message: FromPlot): void {
    if (message.type === 'csv') {
      // A mark, because spreadsheets take a file without one for another encoding.
      void saveFile('plot.csv', 'CSV', new TextEncoder().encode(`\uFEFF${session.csv}`));
    } else if (message.type === 'png' && message.bytes.length <= MAX_PNG) {
      void saveFile('plot.png', 'PNG', decodeBase64(message.bytes));
    } else session.receive(message);
  }

  #html(webview: vscode.Webview): string {
    const nonce = [...crypto.getRandomValues(new Uint8Array(16))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    const source = (file: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.#programs, file)).toString();
    return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8" />
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'" />
    <meta name="viewport" content="width=device-width, initial-scale=1.0" />
    <link rel="stylesheet" href="${source('plot.css')}" />
    <title>Plot</title>
  </head>
  <body>
    <div class="bar" role="toolbar" aria-label="Plot">
      <form id="adding">
        <input id="name" list="names" placeholder="Add a PV" aria-label="Add a PV"
          autocomplete="off" spellcheck="false" />
        <datalist id="names"></datalist>
        <button>Add</button>
      </form>
      <select id="span" aria-label="Time that is shown">
        <option value="60000">Last minute</option>
        <option value="300000">Last 5 minutes</option>
        <option value="1800000">Last 30 minutes</option>
        <option value="7200000">Last 2 hours</option>
        <option value="0">All</option>
      </select>
      <button id="pause" aria-pressed="false">Pause</button>
      <button id="reset" hidden>Reset Zoom</button>
      <button id="png">Save PNG</button>
      <button id="csv">Save CSV</button>
    </div>
    <p id="notice" role="status"></p>
    <p id="spoken" role="status"></p>
    <p id="empty">No PV is plotted. Add one above, or choose <b>Plot</b> on PVs in the EPICS views.</p>
    <div id="lines" role="img" aria-label="Values over time; the table below has the newest"></div>
    <div id="legend" tabindex="0" role="region" aria-label="Values">
      <table>
        <thead>
          <tr>
            <th></th>
            <th scope="col">PV</th>
            <th scope="col">Value<span id="when"></span></th>
            <th scope="col">Unit</th>
            <th scope="col">Alarm</th>
            <th></th>
          </tr>
        </thead>
        <tbody id="rows"></tbody>
      </table>
    </div>
    <div id="pictures"></div>
    <script nonce="${nonce}" src="${source('plot.js')}"></script>
  </body>
</html>`;
  }

  /** Ends what is followed. The panels stay: VS Code shows them again after a reload. */
  dispose(): void {
    this.#store.dispose();
  }
}

function keysOf(pvs: readonly PvAddress[]): string {
  return pvs.map(keyOf).sort().join('\n');
}

function titleOf([first, ...others]: readonly PvAddress[]): string {
  if (!first) return 'Plot';
  const name = printable(first.name).slice(0, MAX_TITLE);
  return others.length === 0 ? name : `${name} +${others.length}`;
}

/** What a page remembered (PlotState), which another version may have written. */
function pvsIn(state: unknown): PvAddress[] {
  const { pvs } = (state ?? {}) as { pvs?: unknown };
  if (!Array.isArray(pvs)) return [];
  return pvs.flatMap((one: unknown) => {
    const { name, protocol } = (one ?? {}) as { name?: unknown; protocol?: unknown };
    const isPv = typeof name === 'string' && (protocol === 'ca' || protocol === 'pva');
    return isPv ? [{ name, protocol }] : [];
  });
}

async function saveFile(name: string, kind: string, bytes: Uint8Array): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const file = await vscode.window.showSaveDialog({
    filters: { [kind]: [kind.toLowerCase()] },
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, name) }),
  });
  if (!file) return;
  try {
    await vscode.workspace.fs.writeFile(file, bytes);
    vscode.window.setStatusBarMessage(`Saved ${printable(file.path)}`, 5000);
  } catch (error) {
    await vscode.window.showErrorMessage(notificationText(`Not saved: ${messageOf(error)}`));
  }
}
