import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, FrameLocator, Locator } from 'playwright-core';
import { CodeServer, missingForCodeServer } from '../support/codeServer';
import { type LabContainer, runIoc } from '../support/lab/container';
import { needsEngine } from '../support/lab/needs';
import { skip } from '../support/skip';
import { until } from '../support/until';
import { makePackage } from '../support/vscodePackage';
import { missingForBrowser, openBrowser, Workbench } from '../support/vscodeWorkbench';
import { writtenFile } from '../support/writtenFile';

/** Of the page; the project's own types know no DOM. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: '2d'): {
    getImageData(x: number, y: number, width: 1, height: 1): { data: Iterable<number> };
  };
}

/** Plots in a real window, of a real server that has a PV of each kind. */
describe('plots', function () {
  this.timeout(180_000);
  let ioc: LabContainer;
  let server: CodeServer;
  let browser: Browser;
  const windows: Workbench[] = [];
  /** Open in the window that was opened last. */
  let folder = '';

  before(async function () {
    const missing = missingForCodeServer() ?? missingForBrowser();
    if (missing) skip(this, missing, 'vscode');
    const engine = await needsEngine(this, 'docker');
    ioc = await runIoc(engine, { ioc: 'plotP4p', image: 'py-ioc', macros: 'P=PLOT:' });
    const vsix = process.env['EPICS_EXPOSE_VSIX'] ?? join(engine.folder, 'plots.vsix');
    if (!process.env['EPICS_EXPOSE_VSIX']) await makePackage(vsix);
    server = await CodeServer.start({
      vsix,
      settings: { 'epicsExpose.engine': engine.endpoint, 'epicsExpose.autoExpose': 'never' },
    });
    browser = await openBrowser();
  });
  afterEach(async function () {
    const name = this.currentTest?.title.replace(/\W+/g, '-') ?? 'unknown';
    const failed = this.currentTest?.state === 'failed';
    for (const [index, window] of windows.splice(0).entries()) {
      if (failed) await window.keepEvidence(`failed-${name}-${index}`);
      await window.close();
    }
  });
  after(async () => {
    await browser?.close();
    await server?.close();
    await ioc?.remove();
  });

  async function exposedWindow(): Promise<Workbench> {
    folder = server.make('workspace');
    const window = await Workbench.open(browser, server, folder);
    windows.push(window);
    await window.activity('EPICS');
    const button = window.welcomeButton('Expose PVs');
    const isExposing = window.rows(/15 of 15 reachable/).first();
    await isExposing.or(button).first().waitFor();
    if (await button.isVisible()) await button.click();
    await isExposing.waitFor();
    return window;
  }

  /** Opens a panel with these PVs. */
  async function plot(window: Workbench, ...names: string[]): Promise<FrameLocator> {
    const [first = '', ...others] = names;
    await pick(window, 'Monitor PV', first);
    const panel = window.webview();
    for (const name of others) await add(panel, name);
    return panel;
  }

  /** Runs a command that asks for a PV. */
  async function pick(window: Workbench, command: string, name: string): Promise<void> {
    await window.command(`EPICS: ${command}`);
    const picker = window.page.locator('.quick-input-widget', { hasText: command });
    await picker.locator('input:visible').fill(`PLOT:${name}`);
    const item = window.page.locator('.quick-input-list .monaco-list-row', { hasText: name });
    // The list for all of the text may take the place of an earlier one just when it is clicked.
    await until(
      async () => {
        await item
          .first()
          .click({ timeout: 5000 })
          .catch(() => undefined);
        return picker.waitFor({ state: 'hidden', timeout: 2000 }).then(
          () => true,
          () => false,
        );
      },
      20_000,
      'the picker to close',
    );
  }

  async function add(panel: FrameLocator, name: string): Promise<void> {
    await panel.getByLabel('Add a PV').fill(`PLOT:${name}`);
    await panel.getByLabel('Add a PV').press('Enter');
    await rowOf(panel, name).waitFor();
  }

  function rowOf(panel: FrameLocator, name: string): Locator {
    return panel.locator('#rows tr', { has: panel.locator('th', { hasText: `PLOT:${name}` }) });
  }

  it('plots numbers over time, states as steps, with values, units and alarms', async () => {
    const window = await exposedWindow();
    const panel = await plot(window, 'SINE', 'COSINE', 'MODE', 'STATE', 'CONSTANT');
    await panel.locator('#lines canvas').waitFor();
    await until(
      async () => /Run|Fault/.test(await rowOf(panel, 'MODE').innerText()),
      20_000,
      'a state',
    );
    const constant = async (): Promise<boolean> =>
      /CONSTANT PVA\s+7\s+mm\s+. no alarm/.test(await rowOf(panel, 'CONSTANT').innerText());
    await until(constant, 20_000, 'a value that never changes');
    await window.picture('plot-lines');
  });

  it('can be read in each theme, and in a narrow window', async () => {
    const window = await exposedWindow();
    const panel = await plot(window, 'SINE', 'MODE', 'WAVE', 'TABLE');
    await panel.locator('figure td').first().waitFor();
    await until(
      async () => /Run|Fault/.test(await rowOf(panel, 'MODE').innerText()),
      20_000,
      'a state',
    );
    await window.pictures('plot');
    await window.page.emulateMedia({ forcedColors: 'active', colorScheme: 'dark' });
    await window.page.locator('.monaco-workbench.hc-black').waitFor();
    await panel.locator('#lines canvas').waitFor();
    await window.picture('plot-contrast');
    await window.page.emulateMedia({ forcedColors: 'none', colorScheme: 'dark' });
    await window.page.setViewportSize({ width: 600, height: 800 });
    const plotted = panel.locator('#lines canvas');
    await until(
      async () => ((await plotted.boundingBox())?.width ?? 999) < 300,
      20_000,
      'a narrow plot',
    );
    await window.picture('plot-narrow');
    // Nothing is wider than the window.
    const overflow = await panel
      .locator('body')
      .evaluate((body: { scrollWidth: number; clientWidth: number }) => [
        body.scrollWidth,
        body.clientWidth,
      ]);
    assert.ok((overflow[0] ?? 0) <= (overflow[1] ?? 0) + 1, overflow.join(' > '));
  });

  it('pauses, zooms, and saves a picture', async () => {
    const window = await exposedWindow();
    const panel = await plot(window, 'SINE', 'IMAGE');
    await panel.locator('figure canvas').waitFor();
    await panel.getByRole('button', { name: 'Pause' }).click();
    const value = rowOf(panel, 'SINE').locator('.value');
    const paused = await value.innerText();
    const shownFor = Date.now();
    await until(() => Date.now() - shownFor > 1500, 5000, 'some updates');
    assert.equal(await value.innerText(), paused);
    await panel.getByRole('button', { name: 'Resume' }).click();
    await until(async () => (await value.innerText()) !== paused, 10_000, 'another value');

    const plotted = panel.locator('#lines .u-over');
    const box = (await plotted.boundingBox()) ?? assert.fail();
    const { mouse } = window.page;
    await mouse.move(box.x + 20, box.y + 50);
    await mouse.down();
    await mouse.move(box.x + 120, box.y + 50, { steps: 5 });
    await mouse.up();
    await panel.getByRole('button', { name: 'Reset Zoom' }).waitFor();
    await panel.locator('#when', { hasText: /at \d\d:\d\d:\d\d/ }).waitFor();
    await window.picture('plot-zoomed');
    await panel.getByRole('button', { name: 'Reset Zoom' }).click();

    await panel.getByRole('button', { name: 'Save PNG' }).click();
    const file = join(server.make('answers'), 'plot.png');
    const png = await savedAs(window, file);
    assert.equal(png.subarray(1, 4).toString(), 'PNG');
    assert.ok(png.length > 10_000, `${png.length} bytes`);
  });

  it('draws waveforms, images and tables, and says in words what cannot be drawn', async () => {
    const window = await exposedWindow();
    const kinds = ['IMAGE', 'COLOURS', 'JPEG', 'BLOSC', 'WAVE', 'TABLE', 'LONG', 'SETTINGS'];
    const panel = await plot(window, ...kinds);
    const tile = (name: string): Locator => panel.locator('figure', { hasText: `PLOT:${name}` });
    for (const name of ['IMAGE', 'COLOURS', 'JPEG', 'WAVE']) {
      await tile(name).locator('canvas').waitFor();
    }
    const blosc = /NTNDArray 640x480 ubyte, codec blosc, 30 bytes/;
    await rowOf(panel, 'BLOSC').filter({ hasText: blosc }).waitFor();
    await tile('TABLE').locator('td', { hasText: 'axis 2' }).waitFor();
    await tile('LONG').locator('pre', { hasText: 'a long text, a long text' }).waitFor();
    const words = await tile('SETTINGS').locator('pre').innerText();
    assert.equal(words, '{"gain": 1.5, "note": "<b>text, no markup</b>"}');
    assert.deepEqual(await pixel(tile('COLOURS'), 0.1, 0.1), [255, 0, 255]);
    assert.deepEqual(await pixel(tile('COLOURS'), 0.9, 0.9), [0, 0, 0]);
    const [red = 0, green = 0, blue = 0] = await pixel(tile('JPEG'), 0.2, 0.5);
    assert.ok(red > 200 && green < 60 && blue < 60, `${red} ${green} ${blue}`);
    await window.picture('plot-pictures');
  });

  it('comes back with its PVs after a reload, and goes on over Stop and Expose', async () => {
    const window = await exposedWindow();
    let panel = await plot(window, 'SINE', 'TABLE');
    await panel.locator('figure td').first().waitFor();
    await keptByVsCode();
    await window.reload();
    panel = window.webview();
    await rowOf(panel, 'SINE')
      .filter({ hasText: /no alarm|MAJOR/ })
      .waitFor();
    await panel.locator('figure td').first().waitFor();
    await window.command('EPICS: Stop Exposing');
    await rowOf(panel, 'SINE').filter({ hasText: 'not exposed now' }).waitFor();
    await window.picture('plot-stopped');
    await window.command('EPICS: Expose PVs');
    await rowOf(panel, 'SINE')
      .filter({ hasText: /no alarm|MAJOR/ })
      .waitFor();
  });

  it('has no hole from the time in which it was hidden', async () => {
    const window = await exposedWindow();
    let panel = await plot(window, 'SINE');
    await rowOf(panel, 'SINE')
      .filter({ hasText: /no alarm|MAJOR/ })
      .waitFor();
    const before = Date.now();
    await window.command('Create: New File...');
    await window.page.keyboard.press('Enter');
    await panel.locator('#lines').waitFor({ state: 'detached' });
    await until(() => Date.now() - before > 4000, 10_000, 'some values');
    await window.page.locator('.tab', { hasText: 'PLOT:SINE' }).click();
    panel = window.webview();
    await panel.locator('#lines canvas').waitFor();
    await panel.getByRole('button', { name: 'Save CSV' }).click();
    const file = join(server.make('answers'), 'hidden.csv');
    const times = (await savedAs(window, file))
      .toString()
      .split('\r\n')
      .slice(1, -1)
      .map((row) => Date.parse(row.split(',')[1] ?? ''));
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    assert.ok(times.length > 30, `${times.length} points`);
    assert.ok(Math.max(...gaps) < 2000, `a hole of ${Math.max(...gaps)} ms`);
  });

  it('watches PVs in a view, over a reload, and plots them', async () => {
    const window = await exposedWindow();
    await window.welcomeButton('Add PV to Watch').waitFor();
    await window.picture('watch-empty');
    await pick(window, 'Add PV to Watch', 'SINE');
    const row = (name: string): Locator => watched(window, `PLOT:${name}`);
    await row('SINE')
      .filter({ hasText: /mm .*[▁▂▃▄▅▆▇█]{5}/ })
      .waitFor();
    await window.expand(/^plotP4p/);
    const star = window.rows('PLOT:COSINE').first();
    await star.hover();
    await star.getByRole('button', { name: 'Add PV to Watch' }).click();
    await row('COSINE').filter({ hasText: 'deg' }).waitFor();
    // It is filled now, and takes it out again.
    await star.hover();
    await star.getByRole('button', { name: 'Remove from Watch' }).click();
    await row('COSINE').waitFor({ state: 'detached' });
    await star.hover();
    await star.getByRole('button', { name: 'Add PV to Watch' }).click();
    await row('COSINE').filter({ hasText: 'deg' }).waitFor();

    await window.drag(window.rows('PLOT:STATE').first(), row('SINE'));
    await row('STATE')
      .filter({ hasText: /calm|busy|upset/ })
      .waitFor();
    // VS Code may draw the row anew just when the pointer takes it, and follows later on a busy machine.
    const top = async (name: string): Promise<number> => (await row(name).boundingBox())?.y ?? NaN;
    const isBefore = async (): Promise<boolean> => (await top('COSINE')) < (await top('SINE'));
    for (let attempt = 1; ; attempt++) {
      await window.drag(row('COSINE'), row('SINE'));
      try {
        await until(isBefore, 5000, 'the order of the drag');
        break;
      } catch (error) {
        if (attempt === 4) throw error;
      }
    }

    const file = join(server.make('lists'), 'list.txt');
    writeFileSync(file, '# some\nPLOT:MODE\nnot a pv\npva://PLOT:COSINE\nPLOT:NOBODY\n');
    await window.command('EPICS: Import Watch List');
    await answer(window, file);
    await row('MODE')
      .filter({ hasText: /Idle|Run|Fault/ })
      .waitFor();
    await row('NOBODY').filter({ hasText: 'not served' }).waitFor();
    await window.page.locator('.notification-toast', { hasText: 'line 3 (not a pv)' }).waitFor();
    await window.pictures('watch');

    await keptByVsCode();
    await window.reload();
    await row('COSINE').filter({ hasText: 'deg' }).waitFor();
    await row('NOBODY').click();
    await window.page.keyboard.press('Delete');
    await row('NOBODY').waitFor({ state: 'detached' });
    const exported = join(server.make('lists'), 'exported.txt');
    await window.command('EPICS: Export Watch List');
    assert.equal(
      (await savedAs(window, exported)).toString(),
      'pva://PLOT:COSINE\npva://PLOT:SINE\npva://PLOT:STATE\nPLOT:MODE\n',
    );
    await window.command('EPICS: Plot All Watched PVs');
    for (const name of ['SINE', 'COSINE', 'MODE']) await rowOf(window.webview(), name).waitFor();
  });

  it('shows each of several PVs that are plotted at once, also those that never change', async () => {
    const window = await exposedWindow();
    const file = join(server.make('lists'), 'still.txt');
    const names = ['CONSTANT', 'STILL', 'SETTINGS', 'WAVE'];
    writeFileSync(file, names.map((name) => `pva://PLOT:${name}\n`).join(''));
    await window.command('EPICS: Import Watch List');
    await answer(window, file);
    await watched(window, 'PLOT:CONSTANT').waitFor();
    await window.command('EPICS: Plot All Watched PVs');
    const panel = window.webview();
    for (const name of names) {
      await rowOf(panel, name).filter({ hasText: 'no alarm' }).waitFor();
    }
  });

  it('watches what the selected text of a file refers to', async () => {
    const window = await exposedWindow();
    const text = 'record(ai, "X") {\n  field(INP, "PLOT:CONSTANT CP")\n}\n';
    writeFileSync(join(folder, 'a.db'), text);
    await window.openFile('a.db');
    await window.page.locator('.view-line').first().click();
    await window.page.keyboard.press('Control+a');
    await window.command('EPICS: Watch PVs in Selection');
    await watched(window, 'PLOT:CONSTANT').filter({ hasText: '7 mm' }).waitFor();
  });

  /** The row of a PV in the view Watch. */
  function watched(window: Workbench, name: string): Locator {
    const view = window.page.locator('.sidebar .pane', { hasText: 'Watch' }).last();
    return view.locator('.monaco-list-row', { hasText: name });
  }

  /** In a browser, VS Code writes down every five seconds which editors are open. */
  async function keptByVsCode(): Promise<void> {
    const fromMs = Date.now();
    await until(() => Date.now() - fromMs > 8000, 20_000, 'the time to pass');
  }

  /** Answers the dialog. */
  async function answer(window: Workbench, file: string): Promise<void> {
    const input = window.page.locator('.quick-input-widget input:visible');
    const ok = window.page.locator('.quick-input-widget .monaco-button:visible', { hasText: 'OK' });
    await ok.waitFor();
    let hasClicked = false;
    const hasAnswered = async (): Promise<boolean> => {
      // It may also be away for a moment, while it is drawn anew.
      if (!(await ok.isVisible())) return hasClicked;
      // The dialog fills in the folder when it has listed it.
      // It may be gone by now.
      const inTime = { timeout: 1000 };
      const value = await input.inputValue(inTime).catch(() => undefined);
      if (value === file) {
        hasClicked = true;
        await ok.click(inTime).catch(() => undefined);
      } else if (value !== undefined) await input.fill(file, inTime).catch(() => undefined);
      return false;
    };
    await until(hasAnswered, 20_000, () => `the dialog for ${file}`);
  }

  async function savedAs(window: Workbench, file: string): Promise<Buffer> {
    await answer(window, file);
    return writtenFile(file);
  }

  /** Red, green and blue there, in parts of width and height. */
  function pixel(tile: Locator, x: number, y: number): Promise<number[]> {
    return tile.locator('canvas').evaluate(
      (canvas: Canvas, [left, top]) => {
        const place = [Math.floor(left * canvas.width), Math.floor(top * canvas.height)] as const;
        return [...canvas.getContext('2d').getImageData(...place, 1, 1).data].slice(0, 3);
      },
      [x, y] as const,
    );
  }
});
