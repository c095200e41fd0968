/** The workbench of VS Code in a headless Chromium, and how a person's hand and eye use it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import {
  chromium,
  type Browser,
  type BrowserContextOptions,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core';
import type { CodeServer } from './codeServer';

export const CHROMIUM = process.env['EPICS_EXPOSE_CHROMIUM'] ?? '/usr/bin/chromium';
export const ARTIFACTS = resolve(__dirname, '../../artifacts/vscode');

const STEP_DEADLINE_MS = 120_000;
/** Of rows, of which one covers others. */
const HOVERS = '.monaco-hover:visible';
const HOVER_ATTEMPT_MS = 5000;
const START_DEADLINE_MS = 240_000;
const PICK_DEADLINE_MS = 20_000;
const PICK_ATTEMPTS = 6;

/** Of the page; the project's own types know no DOM. */
interface Element {
  getAttribute(name: string): string | null;
}

export type ColorScheme = 'light' | 'dark';

/** As a person's desktop asks for them, by the names that a walkthrough gives to its pictures. */
const THEMES = {
  light: { style: '.vs', colorScheme: 'light', forcedColors: 'none' },
  dark: { style: '.vs-dark', colorScheme: 'dark', forcedColors: 'none' },
  hc: { style: '.hc-black', colorScheme: 'dark', forcedColors: 'active' },
  hcLight: { style: '.hc-light', colorScheme: 'light', forcedColors: 'active' },
} as const;
export type Theme = keyof typeof THEMES;
export const themes = Object.keys(THEMES) as Theme[];

/** Why it cannot run here, or undefined when it can. */
export function missingForBrowser(): string | undefined {
  return fs.existsSync(CHROMIUM)
    ? undefined
    : `needs Chromium at ${CHROMIUM} (or where EPICS_EXPOSE_CHROMIUM says)`;
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  });
}

/** An empty page that reaches this machine only. */
export async function openPage(
  browser: Browser,
  colorScheme: ColorScheme,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport, colorScheme, ...options });
  const isHere = (url: URL): boolean => url.hostname === '127.0.0.1';
  await context.route(
    (url) => !isHere(url),
    (route) => route.abort(),
  );
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_DEADLINE_MS);
  return page;
}

/** One window. */
export class Workbench {
  private constructor(readonly page: Page) {}

  static async open(
    browser: Browser,
    server: CodeServer,
    folder: string,
    colorScheme: ColorScheme = 'dark',
    options: BrowserContextOptions = {},
  ): Promise<Workbench> {
    const workbench = new Workbench(await openPage(browser, colorScheme, options));
    await workbench.page.goto(server.page(folder));
    await workbench.untilReady();
    return workbench;
  }

  async untilReady(): Promise<void> {
    const { page } = this;
    await page.waitForSelector('.monaco-workbench', { timeout: START_DEADLINE_MS });
    // The status bar is filled when the extension host has come up.
    await page.waitForSelector('.statusbar-item[id="status.host"]', { timeout: START_DEADLINE_MS });
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.untilReady();
  }

  /** Runs a command by its title, in the palette. */
  async command(title: string): Promise<void> {
    await this.#pick('F1', `>${title}`, title);
  }

  /**
   * Picks a row of the quick input that a key opens. A window that has just come up may empty the
   * quick input again, or close it, after the text is in; then it is opened anew.
   */
  async #pick(key: string, text: string, row: string): Promise<void> {
    const { page } = this;
    const input = page.locator('.quick-input-widget input:visible');
    const rows = page.locator('.quick-input-list .monaco-list-row', { hasText: row });
    let failure: unknown;
    for (let attempt = 0; attempt < PICK_ATTEMPTS; attempt++) {
      await page.keyboard.press(key);
      try {
        await input.fill(text, { timeout: PICK_DEADLINE_MS });
        await rows.first().click({ timeout: PICK_DEADLINE_MS });
        return;
      } catch (error) {
        failure = error;
        await page.keyboard.press('Escape');
      }
    }
    throw failure;
  }

  /** Opens a container of the activity bar. */
  async activity(title: string): Promise<void> {
    const item = this.page.locator(`.activitybar .action-item a[aria-label^="${title}"]`).first();
    const parent = this.page.locator('.activitybar .action-item.checked', { has: item });
    if ((await parent.count()) === 0) await item.click();
  }

  /** The rows of the tree in the side bar, those with this text. */
  rows(text?: string | RegExp): Locator {
    const rows = this.page.locator('.sidebar .pane-body .monaco-list-row[role="treeitem"]');
    return text === undefined ? rows : rows.filter({ hasText: text });
  }

  /** A button of the text that an empty view shows. */
  welcomeButton(title: string): Locator {
    return this.page.locator('.sidebar .monaco-button:visible', { hasText: title }).first();
  }

  /** An item of the status bar. */
  status(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item', { hasText: text }).first();
  }

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    await this.#pick('Control+P', name, name);
    await this.page.locator('.editor-container .view-line').first().waitFor();
  }

  /** A line into the terminal that was opened last. */
  async type(line: string): Promise<void> {
    const { page } = this;
    const terminal = page.locator('.terminal-wrapper.active');
    await terminal
      .locator('.xterm-rows')
      .getByText(/[#$%>]/)
      .first()
      .waitFor();
    await terminal.click();
    await page.keyboard.type(line);
    await page.keyboard.press('Enter');
  }

  /** What a screen reader says of each visible row, indented by its level. */
  async readTree(): Promise<string[]> {
    return this.rows().evaluateAll((rows: Element[]) =>
      rows.map((row) => {
        const level = Number(row.getAttribute('aria-level'));
        return `${'  '.repeat(level - 1)}${row.getAttribute('aria-label') ?? ''}`;
      }),
    );
  }

  /** Drags the border of the side bar to the right. */
  async widenSideBar(pixels: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (!box) throw new Error('no side bar');
    const [x, y] = [box.x + box.width, box.y + box.height / 2];
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + pixels, y, { steps: 4 });
    await this.page.mouse.up();
    await this.page.mouse.move(x + 2 * pixels, y);
  }

  /** Opens the first row with this text, if it is closed. */
  async expand(text: string | RegExp): Promise<void> {
    const row = this.rows(text).first();
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) !== 'false') return;
    await row.click();
    if ((await row.getAttribute('aria-expanded')) === 'false') await row.press('ArrowRight');
  }

  /** The page in the webview that is shown. */
  webview(): FrameLocator {
    return this.page
      .frameLocator('iframe.webview.ready')
      .last()
      .frameLocator('iframe#active-frame');
  }

  /** Moves the pointer where no hover opens, and waits until none is left. */
  async #awayFromRows(): Promise<void> {
    // The empty part of the activity bar: over the tabs, of which there may be many, one opens.
    const { height } = this.page.viewportSize() ?? { height: 800 };
    await this.page.mouse.move(20, height * 0.6);
    await this.page.locator(HOVERS).first().waitFor({ state: 'hidden' });
  }

  /** Rests the pointer there and gives the text that appears. */
  async hover(target: Locator): Promise<string> {
    const hovers = this.page.locator(HOVERS);
    // What is asked for comes in the place of a first 'Loading...'.
    const hover = hovers.filter({ hasNotText: /^\s*Loading\.*\s*$/ }).first();
    const endMs = performance.now() + STEP_DEADLINE_MS;
    for (;;) {
      // The one before would be taken for the new one.
      await this.#awayFromRows();
      await target.hover();
      try {
        await hover.waitFor({ timeout: HOVER_ATTEMPT_MS });
        return await hover.innerText({ timeout: HOVER_ATTEMPT_MS });
      } catch (error) {
        // A row that is drawn anew in that moment opens none before the pointer comes again.
        if (performance.now() > endMs) throw error;
      }
    }
  }

  /**
   * As a hand does: VS Code takes up a row when the pointer has moved a little. `key` is held when it
   * lets go.
   */
  async drag(from: Locator, to: Locator, key?: string): Promise<void> {
    const { mouse, keyboard } = this.page;
    const center = async (of: Locator): Promise<readonly [number, number]> => {
      const box = (await of.boundingBox()) ?? assert.fail();
      return [box.x + box.width / 3, box.y + box.height / 2];
    };
    // A hover that opened under way covers rows, and is dragged over in their place.
    await this.#awayFromRows();
    await mouse.move(...(await center(from)));
    await mouse.down();
    const [x, y] = await center(to);
    await mouse.move(x, y - 40, { steps: 8 });
    if (key) await keyboard.down(key);
    await mouse.move(x, y, { steps: 8 });
    await mouse.up();
    if (key) await keyboard.up(key);
  }

  /** A picture in artifacts/vscode, or elsewhere. */
  async picture(name: string, folder = ARTIFACTS): Promise<void> {
    fs.mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });
  }

  /** Changes to it, as when the desktop does. */
  async theme(theme: Theme): Promise<void> {
    const { style, ...media } = THEMES[theme];
    await this.page.emulateMedia(media);
    await this.page.locator(`.monaco-workbench${style}`).waitFor();
  }

  /** The same in both colour themes; `prepare` does what does not stay over the change. */
  async pictures(name: string, prepare?: () => Promise<unknown>): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.theme(colorScheme);
      await prepare?.();
      await this.picture(`${name}-${colorScheme}`);
    }
  }

  /** What there is to see when something went wrong. */
  async keepEvidence(name: string): Promise<void> {
    if (this.page.isClosed()) return;
    await this.picture(name);
    fs.writeFileSync(`${ARTIFACTS}/${name}.txt`, await this.page.locator('body').innerText());
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
