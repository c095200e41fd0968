/** The animated picture of README.md: click, values in the tree, hover; in the time that it takes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession, Locator, Page } from 'playwright-core';
import { ffmpeg, palette } from './imageTools';
import { around, IMAGES, stopExposing, type PictureScene } from './pictureScene';
import { Workbench } from './vscodeWorkbench';

/** README.md shows it about as wide, pixel for pixel. */
const SCREEN = { viewport: { width: 800, height: 600 } };
/** Where the pointer is in no one's way. */
const ASIDE = { x: 620, y: 400 };
/** Of the last frame, before it begins anew. */
const REST_MS = 3000;
const MOVE_MS = 900;
const STEPS = 30;
const SHORTEST_MS = 40;
const COLOURS = 128;

/** A pointer as desktops draw it, with a ring while a button is down: a page's picture has none. */
const POINTER = `addEventListener('DOMContentLoaded', () => {
  const make = (name, attributes, parent) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  if (window !== top) return;
  const size = { width: 60, height: 60, viewBox: '-30 -30 60 60' };
  const pointer = make('svg', size, document.documentElement);
  Object.assign(pointer.style, { position: 'fixed', left: '-30px', top: '-30px', zIndex: 99999, pointerEvents: 'none' });
  const ring = make('circle', { r: 16, fill: '#f0a00055', stroke: '#f0a000', 'stroke-width': 2 }, pointer);
  ring.style.display = 'none';
  make('path', { d: 'M0 0V17L4 13.5L6.7 19.5L9.3 18.3L6.6 12.5H12Z', fill: '#000', stroke: '#fff', 'stroke-width': 1.3 }, pointer);
  const at = (event) => { pointer.style.transform = 'translate(' + event.clientX + 'px,' + event.clientY + 'px)'; };
  addEventListener('mousemove', at, true);
  addEventListener('mousedown', () => { ring.style.display = ''; }, true);
  addEventListener('mouseup', () => { ring.style.display = 'none'; }, true);
});`;

export async function takeAnimation({ browser, server, folder }: PictureScene): Promise<void> {
  const window = await Workbench.open(browser, server, folder, 'light', SCREEN);
  const { page } = window;
  await page.addInitScript(POINTER);
  await window.reload();
  await window.activity('EPICS');
  await page.locator('.pane-header', { hasText: 'Watch' }).click();
  await window.widenSideBar(200);
  const hand = new Hand(page);
  await hand.aside();
  const recording = await Recording.start(page);
  await page.waitForTimeout(800);
  await hand.to(window.welcomeButton('Expose PVs'));
  await hand.click();
  await hand.aside();
  // A row whose value stays: one that is drawn anew in that moment would open no hover.
  const row = window.rows(/SAMPLE:MODE.*Run/).first();
  await row.waitFor();
  await page.waitForTimeout(2000);
  await hand.to(row);
  await page.locator('.monaco-hover:visible', { hasText: 'Value: Run' }).waitFor();
  await page.waitForTimeout(500);
  write(await recording.stop(), join(IMAGES, 'click-and-hover.gif'));
  await stopExposing(window);
}

/** Moves as a person does. */
class Hand {
  #at = ASIDE;

  constructor(private readonly page: Page) {}

  aside(): Promise<void> {
    return this.#move(ASIDE);
  }

  /** To the left part of it, where its text is. */
  async to(target: Locator): Promise<void> {
    const { x, y, width, height } = await around(target);
    await this.#move({ x: x + Math.min(120, width / 2), y: y + height / 2 });
  }

  async #move(to: typeof ASIDE): Promise<void> {
    const from = this.#at;
    for (let step = 1; step <= STEPS; step++) {
      const part = (1 - Math.cos((Math.PI * step) / STEPS)) / 2;
      const x = from.x + part * (to.x - from.x);
      const y = from.y + part * (to.y - from.y);
      await this.page.mouse.move(x, y);
      await this.page.waitForTimeout(MOVE_MS / STEPS);
    }
    this.#at = to;
  }

  async click(): Promise<void> {
    await this.page.waitForTimeout(250);
    await this.page.mouse.down();
    await this.page.waitForTimeout(250);
    await this.page.mouse.up();
  }
}

/** What a page shows from a time on. */
interface Shot {
  /** PNG. */
  readonly image: Buffer;
  readonly atMs: number;
}

/** What a page shows, with the times of its changes. */
class Recording {
  readonly #shots: Shot[] = [];

  private constructor(private readonly devTools: CDPSession) {
    devTools.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
      const atMs = 1000 * (metadata.timestamp ?? 0);
      this.#shots.push({ image: Buffer.from(data, 'base64'), atMs });
      devTools.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined);
    });
  }

  static async start(page: Page): Promise<Recording> {
    const devTools = await page.context().newCDPSession(page);
    const recording = new Recording(devTools);
    await devTools.send('Page.startScreencast', { format: 'png' });
    return recording;
  }

  /** No two of them closer together than a viewer of GIFs plays them, the last for certain. */
  async stop(): Promise<Shot[]> {
    await this.devTools.send('Page.stopScreencast');
    // They do not always come in the order of their times.
    const shots = this.#shots.toSorted((one, other) => one.atMs - other.atMs);
    const kept: Shot[] = [];
    for (const shot of shots.reverse()) {
      const next = kept[0];
      if (!next || next.atMs - shot.atMs >= SHORTEST_MS) kept.unshift(shot);
    }
    return kept;
  }
}

/** As a GIF, which everything that shows README.md plays, and GitHub lets its readers stop. */
function write(shots: readonly Shot[], file: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'epics-expose-frames-'));
  try {
    const lines = shots.map(({ image, atMs }, index) => {
      writeFileSync(join(folder, `${index}.png`), image);
      const shownMs = (shots[index + 1]?.atMs ?? atMs) - atMs;
      return `file ${index}.png\nduration ${shownMs / 1000}\n`;
    });
    const list = join(folder, 'list.txt');
    writeFileSync(list, `ffconcat version 1.0\n${lines.join('')}`);
    const colours = `${palette(COLOURS)}:diff_mode=rectangle`;
    const timing = ['-fps_mode', 'passthrough', '-loop', '0', '-final_delay', `${REST_MS / 10}`];
    ffmpeg('-f', 'concat', '-i', list, '-vf', colours, ...timing, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
