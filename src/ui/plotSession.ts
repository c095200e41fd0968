import type { Clock } from '../base/clock';
import { type Disposable, DisposableStore } from '../base/disposable';
import { EventEmitter } from '../base/event';
import { printable } from '../base/printable';
import { PLOT_LIMITS } from '../model/plotValue';
import type { PvAddress } from '../model/pvAddress';
import { keyOf, parsePvList } from '../model/pvList';
import { plotCsv } from '../present/plot/plotCsv';
import type { FromPlot, ToPlot, Track } from '../present/plot/plotMessages';
import { PlotTrack } from '../present/plot/plotTrack';
import { resolvePv } from './resolvePv';
import { stepDone } from './walkthroughSteps';
import type { WindowExposure } from './windowExposure';
import { withTimeout } from './withTimeout';

/** A page is sent what is new at most ten times a second. */
const SEND_MS = 100;
/** PVs of one panel. */
const MAX_PVS = 50;
const SUGGESTED = 50;
const LIST_TIMEOUT_MS = 5000;
/** A panel is one of these sizes (pixels), so that dragging its border changes little. */
const SIZES = [128, 256, 512, 1024, 2048, PLOT_LIMITS.panelPixels];
const NOT_EXPOSED = 'PVs are not exposed now';

/** What a PlotSession needs. */
export interface PlotSessionInput {
  readonly exposure: Pick<WindowExposure, 'core' | 'onDidChange'>;
  readonly clock: Clock;
  /** Sends a message to the page that is there, if one is. */
  readonly send: (message: ToPlot) => void;
}

interface Followed {
  readonly track: PlotTrack;
  following: Disposable | undefined;
}

/**
 * What one panel plots, over Stop and Expose, and over the pages that come and go with the panel's
 * visibility. While it is hidden, its lines are followed, so that they have no hole; images,
 * waveforms and tables, of which only the newest is drawn, are not.
 */
export class PlotSession implements Disposable {
  readonly #input: PlotSessionInput;
  readonly #store = new DisposableStore();
  readonly #changed = this.#store.add(new EventEmitter<void>());
  readonly #followed = new Map<string, Followed>();
  #nextId = 0;
  #core: object | undefined;
  #width = SIZES[2]!;
  #height = SIZES[2]!;
  /** There is a page, and it listens. */
  #isReady = false;
  /** The page has not drawn what it was sent last. */
  #isDrawing = false;
  #timer: Disposable | undefined;

  /** Its PVs changed. */
  readonly onDidChange = this.#changed.event;

  constructor(input: PlotSessionInput) {
    this.#input = input;
    this.#store.add(input.exposure.onDidChange(() => this.#look()));
    this.#look();
  }

  get pvs(): readonly PvAddress[] {
    return this.#tracks.map(({ pv }) => pv);
  }

  /** All that its lines, waveforms and tables have. */
  get csv(): string {
    return plotCsv(this.#tracks);
  }

  get #tracks(): readonly PlotTrack[] {
    return [...this.#followed.values()].map(({ track }) => track);
  }

  /** Adds PVs that it does not have yet. */
  add(pvs: readonly PvAddress[]): void {
    for (const pv of pvs) {
      if (this.#store.isDisposed || this.#followed.has(keyOf(pv))) continue;
      if (this.#followed.size >= MAX_PVS) {
        this.#notify(`A plot has at most ${MAX_PVS} PVs. Open another one for the others.`);
        break;
      }
      const track = new PlotTrack(pv, this.#nextId++, () => this.#input.clock.wallMs());
      const followed: Followed = { track, following: undefined };
      this.#followed.set(keyOf(pv), followed);
      this.#follow(followed);
    }
    this.#tellTracks();
  }

  /** Takes what the page says, except what is for a file. */
  receive(message: FromPlot): void {
    switch (message.type) {
      case 'ready':
        this.#begin(message);
        break;
      case 'size':
        this.#resize(message);
        break;
      case 'drawn':
        this.#isDrawing = false;
        this.#sendSoon();
        break;
      case 'add':
        void this.#addText(message.text);
        break;
      case 'remove':
        this.#remove(message.id);
        break;
      case 'suggest':
        void this.#suggest(message.text);
        break;
      case 'csv':
      case 'png':
        break;
    }
  }

  /** The page is gone: the panel is hidden. */
  hide(): void {
    this.#isReady = false;
    for (const followed of this.#followed.values()) {
      if (followed.track.isPicture) this.#leave(followed);
    }
  }

  #begin(size: { readonly width: number; readonly height: number }): void {
    this.#isReady = true;
    this.#isDrawing = false;
    this.#width = sizeFor(size.width);
    this.#height = sizeFor(size.height);
    for (const followed of this.#followed.values()) {
      followed.track.renew();
      if (!followed.following) this.#follow(followed);
    }
    this.#tellTracks();
  }

  #resize(size: { readonly width: number; readonly height: number }): void {
    const [width, height] = [sizeFor(size.width), sizeFor(size.height)];
    if (width === this.#width && height === this.#height) return;
    this.#width = width;
    this.#height = height;
    for (const followed of this.#followed.values()) {
      if (!followed.track.isPicture) continue;
      this.#leave(followed);
      this.#follow(followed);
    }
    this.#sendSoon();
  }

  #look(): void {
    const { core } = this.#input.exposure;
    if (core === this.#core) return;
    this.#core = core;
    for (const followed of this.#followed.values()) {
      this.#leave(followed);
      this.#follow(followed);
    }
    this.#sendSoon();
  }

  /** Tells the page nothing: that may not know the PV yet. */
  #follow(followed: Followed): void {
    const { core } = this.#input.exposure;
    const { track } = followed;
    if (!core) track.interrupt(NOT_EXPOSED);
    else {
      const request = { ...track.pv, width: this.#width, height: this.#height };
      followed.following = core.plotPv(request, (update) => {
        track.take(update);
        if (update.kind !== 'interrupted') stepDone('hasPlotted');
        if (track.isPicture && !this.#isReady) this.#leave(followed);
        this.#sendSoon();
      });
    }
  }

  #leave(followed: Followed): void {
    followed.following?.dispose();
    followed.following = undefined;
  }

  #remove(id: number): void {
    for (const [key, followed] of this.#followed) {
      if (followed.track.id !== id) continue;
      this.#leave(followed);
      this.#followed.delete(key);
    }
    this.#tellTracks();
  }

  async #addText(text: string): Promise<void> {
    const { pvs, badLines } = parsePvList(text);
    const core = this.#input.exposure.core;
    const wanted = pvs.slice(0, MAX_PVS);
    this.add(await Promise.all(wanted.map((pv) => resolvePv(core, pv))));
    const [bad] = badLines;
    if (bad) this.#notify(`This is not the name of a PV: ${printable(bad.text)}`);
  }

  async #suggest(text: string): Promise<void> {
    const { core } = this.#input.exposure;
    const pattern = text.trim();
    if (!core || pattern === '') return;
    const page = await withTimeout(LIST_TIMEOUT_MS, (signal) =>
      core.listPvs({ pattern, offset: 0, limit: SUGGESTED }, signal),
    ).catch(() => undefined);
    if (!page || !this.#isReady) return;
    const names = page.rows.map(({ name, protocol }) => keyOf({ name, protocol }));
    this.#input.send({ type: 'names', names });
  }

  /** Tells which PVs there are, and then what is new of them. */
  #tellTracks(): void {
    this.#changed.fire();
    if (!this.#isReady) return;
    const tracks = this.#tracks.map(({ pv, id, label }): Track => ({
      name: pv.name,
      protocol: pv.protocol,
      id,
      label,
    }));
    this.#input.send({ type: 'tracks', tracks });
    this.#sendSoon();
  }

  #notify(text: string): void {
    if (this.#isReady) this.#input.send({ type: 'notice', text });
  }

  #sendSoon(): void {
    if (this.#timer || !this.#isReady || this.#isDrawing || this.#store.isDisposed) return;
    const news = this.#tracks.filter(({ hasNews }) => hasNews).map((track) => track.takeNews());
    if (news.length === 0) return;
    this.#isDrawing = true;
    this.#timer = this.#input.clock.after(SEND_MS, () => {
      this.#timer = undefined;
      this.#sendSoon();
    });
    this.#input.send({ type: 'news', news });
  }

  dispose(): void {
    for (const followed of this.#followed.values()) this.#leave(followed);
    this.#timer?.dispose();
    this.#store.dispose();
  }
}

function sizeFor(pixels: number): number {
  return SIZES.find((size) => pixels <= size) ?? PLOT_LIMITS.panelPixels;
}
