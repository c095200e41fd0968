import { join, resolve } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import type { CodeServer } from './codeServer';
import type { Workbench } from './vscodeWorkbench';

const root = resolve(__dirname, '../..');
/** Of README.md and the extension's page. */
export const IMAGES = join(root, 'docs/images');
/** Packed with the extension. */
export const WALKTHROUGH_IMAGES = join(root, 'media/walkthrough');

/** Where pictures of the extension are taken. */
export interface PictureScene {
  readonly browser: Browser;
  readonly server: CodeServer;
  /** Of the workspace, an IOC's dev container. */
  readonly folder: string;
}

/** A part of a page, in its pixels. */
export interface Clip {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What all of these need together. */
export async function around(...targets: readonly Locator[]): Promise<Clip> {
  const boxes = await Promise.all(targets.map((target) => target.boundingBox()));
  const seen = boxes.filter((box) => box !== null);
  if (seen.length < boxes.length) throw new Error('it is not on the screen');
  const x = Math.min(...seen.map((box) => box.x));
  const y = Math.min(...seen.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...seen.map((box) => box.x + box.width)) - x,
    height: Math.max(...seen.map((box) => box.y + box.height)) - y,
  };
}

/** So that the next picture begins with nothing exposed. Closes the window. */
export async function stopExposing(window: Workbench): Promise<void> {
  await window.command('EPICS: Stop Exposing');
  await window.status(/EPICS$/).waitFor();
  await window.close();
}
