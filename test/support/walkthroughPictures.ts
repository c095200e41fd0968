/** The pictures of the walkthrough: for each step what a person sees, in each theme. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ffmpeg, folderOf, palette } from './imageTools';
import {
  around,
  stopExposing,
  WALKTHROUGH_IMAGES,
  type Clip,
  type PictureScene,
} from './pictureScene';
import { Workbench, themes } from './vscodeWorkbench';

/**
 * For each picture as small a window as it can be, so that it can be read in the walkthrough's column,
 * which is 490 pixels wide or less; sharp on a fine screen.
 */
const WIDE = { width: 760, height: 640 };
const NARROW = { width: 620, height: 640 };
const TERMINAL = { width: 520, height: 470 };
const PLOT = { width: 680, height: 470 };
const SCREEN = { viewport: WIDE, deviceScaleFactor: 1.25 };
/** Enough for text, shapes and their edges: all pictures together are to stay below 200 kB. */
const COLOURS = 32;
const MARGIN = 12;
/** Of a panel's title and five lines. */
const TERMINAL_HEIGHT = 120;
const PLOTTED_MS = 12_000;

export async function takeWalkthroughPictures(scene: PictureScene): Promise<void> {
  mkdirSync(WALKTHROUGH_IMAGES, { recursive: true });
  const path = `$PATH:${folderOf('caget')}`;
  writeFileSync(join(scene.server.make('home'), '.bashrc'), `PS1='$ '\nPATH=${path}\n`);
  const window = await Workbench.open(scene.browser, scene.server, scene.folder, 'light', SCREEN);
  const inEachTheme = async (step: string, show: () => Promise<Clip>): Promise<void> => {
    for (const theme of themes) {
      await window.theme(theme);
      await take(window.page, `${step}-${theme}`, await show());
    }
  };
  await window.activity('EPICS');
  await window.page.locator('.pane-header', { hasText: 'Watch' }).click();
  await window.widenSideBar(200);
  await inEachTheme('expose', () => showWelcome(window));
  await window.welcomeButton('Expose PVs').click();
  await window.rows(/ioc-example.*pid.*(\d+) of \1 reachable/).waitFor();
  await window.page.setViewportSize(NARROW);
  await inEachTheme('look', () => showHover(window));
  await window.command('View: Toggle Primary Side Bar Visibility');
  await window.page.setViewportSize(TERMINAL);
  await openHostTerminal(window);
  await inEachTheme('terminal', () => showPanel(window));
  await window.command('View: Toggle Panel Visibility');
  await window.page.setViewportSize(PLOT);
  await openPlot(window, 'BL01T:CURRENT', 'BL01T:GAP', 'BL01T:SHUTTER');
  await inEachTheme('monitor', () => showPlot(window));
  await stopExposing(window);
}

async function showWelcome(window: Workbench): Promise<Clip> {
  const button = window.welcomeButton('Expose PVs');
  await button.hover();
  // The last that appears.
  await window.page.locator('.sidebar .codicon-collapse-all').first().waitFor();
  const busy = window.page.locator('.sidebar .monaco-progress-container.active').first();
  await busy.waitFor({ state: 'hidden' });
  const bars = await around(window.page.locator('.activitybar'), window.page.locator('.sidebar'));
  const icon = window.page.locator('.activitybar .action-item.checked');
  const end = await around(window.page.getByText('how it works'), icon);
  return { ...bars, height: end.y + end.height + MARGIN - bars.y };
}

async function showHover(window: Workbench): Promise<Clip> {
  await window.hover(window.rows('SAMPLE:MODE').first());
  const sideBar = await around(window.page.locator('.sidebar'));
  const hover = await around(window.page.locator('.monaco-hover:visible'));
  const width = hover.x + hover.width + MARGIN / 2 - sideBar.x;
  return { ...sideBar, width, height: hover.y + hover.height + MARGIN / 2 - sideBar.y };
}

async function openHostTerminal(window: Workbench): Promise<void> {
  await window.command('EPICS: Open Host Terminal');
  await window.type('caget SAMPLE:TEMPERATURE BL01T:SHUTTER');
  const lines = window.page.locator('.xterm-rows');
  await lines.filter({ hasText: /BL01T:SHUTTER\s+(Open|Closed)/ }).waitFor();
}

async function showPanel(window: Workbench): Promise<Clip> {
  const panel = await around(window.page.locator('.part.panel'));
  return { ...panel, height: TERMINAL_HEIGHT };
}

async function openPlot(window: Workbench, first: string, ...others: string[]): Promise<void> {
  await window.command('EPICS: Monitor PV');
  const picker = window.page.locator('.quick-input-widget', { hasText: 'Monitor PV' });
  await picker.locator('input:visible').fill(first);
  await window.page
    .locator('.quick-input-list .monaco-list-row', { hasText: first })
    .first()
    .click();
  const panel = window.webview();
  for (const name of others) {
    await panel.getByLabel('Add a PV').fill(name);
    await panel.getByLabel('Add a PV').press('Enter');
    await panel.locator('#rows tr', { hasText: name }).waitFor();
  }
  await window.page.waitForTimeout(PLOTTED_MS);
}

async function showPlot(window: Workbench): Promise<Clip> {
  await window.webview().locator('#lines canvas').waitFor();
  return around(window.page.locator('.part.editor'));
}

/** As WebP, which every VS Code shows: of few colours and without loss, half of such a PNG. */
async function take(page: Page, name: string, clip: Clip): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-picture-'));
  try {
    const png = join(folder, 'page.png');
    await page.screenshot({ path: png, clip, animations: 'disabled' });
    const webp = ['-c:v', 'libwebp', '-lossless', '1', '-compression_level', '6'];
    const file = join(WALKTHROUGH_IMAGES, `${name}.webp`);
    ffmpeg('-i', png, '-vf', palette(COLOURS), ...webp, '-quality', '100', file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
