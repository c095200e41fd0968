import uPlot from 'uplot';
import { decodeBase64, decodeDoubles } from '../base/base64';
import type { PlotImage, PlotTable, PlotWave } from '../model/plotValue';
import type { Picture } from '../present/plot/plotMessages';
import { element, setText } from './dom';
import { lineStyle } from './lineStyle';
import { axisColours } from './timePlot';

const WAVE_HEIGHT = 220;
const FONT = '12px system-ui, sans-serif';

/** The picture of one PV: a waveform, an image, a table or a text, with its name above. */
export class PictureTile {
  readonly node = element('figure');
  readonly #title = element('figcaption');
  readonly #body = element('div');
  #kind: Picture['kind'] | undefined;
  #wave: uPlot | undefined;
  #newest: Picture | undefined;

  constructor(label: string) {
    setText(this.#title, label);
    this.node.append(this.#title, this.#body);
  }

  /** What it draws on; undefined for tables and texts. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.#body.querySelector('canvas') ?? undefined;
  }

  /** Shows a picture with words about it. Resolves when it is seen. */
  async show(picture: Picture, title: string): Promise<void> {
    setText(this.#title, title);
    this.#newest = picture;
    if (picture.kind !== this.#kind) {
      this.#wave?.destroy();
      this.#wave = undefined;
      this.#body.replaceChildren();
      this.#body.className = picture.kind;
      this.#kind = picture.kind;
    }
    switch (picture.kind) {
      case 'wave':
        this.#drawWave(picture);
        break;
      case 'image':
        this.#canvas(title).putImageData(imageData(picture), 0, 0);
        break;
      case 'encoded': {
        const blob = new Blob([decodeBase64(picture.bytes)], { type: picture.mime });
        const bitmap = await createImageBitmap(blob).catch(() => undefined);
        if (!bitmap || this.#kind !== 'encoded') return;
        this.#canvas(title, bitmap).drawImage(bitmap, 0, 0);
        bitmap.close();
        break;
      }
      case 'table':
        this.#body.replaceChildren(tableOf(picture), rowsNote(picture));
        break;
      case 'text':
        this.#body.replaceChildren(element('pre', { text: picture.text }));
        break;
    }
  }

  /** Draws it anew: the size or the theme changed. */
  redraw(): void {
    if (this.#newest?.kind !== 'wave') return;
    this.#wave?.destroy();
    this.#wave = undefined;
    this.#drawWave(this.#newest);
  }

  /** The canvas, as large as `size`. */
  #canvas(
    label: string,
    size?: { readonly width: number; readonly height: number },
  ): CanvasRenderingContext2D {
    let canvas = this.#body.querySelector('canvas');
    if (!canvas) {
      canvas = element('canvas');
      canvas.setAttribute('role', 'img');
      this.#body.append(canvas);
    }
    canvas.setAttribute('aria-label', label);
    const { width, height } = size ?? (this.#newest as PlotImage);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    return canvas.getContext('2d')!;
  }

  #drawWave(wave: PlotWave): void {
    const data = waveData(wave);
    const width = this.#body.clientWidth;
    if (this.#wave && this.#wave.width === width) {
      this.#wave.setData(data);
      return;
    }
    this.#wave?.destroy();
    const options: uPlot.Options = {
      ...{ width, height: WAVE_HEIGHT },
      legend: { show: false },
      cursor: { points: { show: false }, drag: { x: true, y: false } },
      scales: { x: { time: false } },
      axes: [
        { ...axisColours(), font: FONT },
        { ...axisColours(), font: FONT, size: 60 },
      ],
      series: [{}, { ...lineStyle(0), width: 1.2, points: { show: wave.count === 1 } }],
    };
    this.#wave = new uPlot(options, data, this.#body);
  }
}

function imageData({ width, height, channels, pixels }: PlotImage): ImageData {
  const bytes = decodeBase64(pixels);
  const data = new ImageData(width, height);
  for (let from = 0, to = 0; to < data.data.length; from += channels, to += 4) {
    data.data[to] = bytes[from]!;
    data.data[to + 1] = bytes[channels === 3 ? from + 1 : from]!;
    data.data[to + 2] = bytes[channels === 3 ? from + 2 : from]!;
    data.data[to + 3] = 255;
  }
  return data;
}

/** Of each part of a long waveform its lowest and highest value, one after the other. */
function waveData({ low, high, count }: PlotWave): uPlot.AlignedData {
  const lows = decodeDoubles(low);
  const drawn = (value: number): number | null => (Number.isFinite(value) ? value : null);
  if (high === undefined) return [[...lows.keys()], Array.from(lows, drawn)];
  const highs = decodeDoubles(high);
  const width = count / lows.length;
  const xs = Array.from({ length: 2 * lows.length }, (_, at) => (at / 2) * width);
  const ys = xs.map((_, at) => drawn((at % 2 === 0 ? lows : highs)[at >> 1]!));
  return [xs, ys];
}

function tableOf({ labels, rows }: PlotTable): HTMLTableElement {
  const table = element('table');
  const head = table.createTHead().insertRow();
  for (const label of labels) {
    const cell = element('th', { text: label });
    cell.scope = 'col';
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.insertCell().textContent = cell;
  }
  return table;
}

function rowsNote({ labels, rows, rowCount, columnCount }: PlotTable): HTMLElement {
  const more = [
    ...(rows.length < rowCount ? [`${rowCount - rows.length} more rows`] : []),
    ...(labels.length < columnCount ? [`${columnCount - labels.length} more columns`] : []),
  ];
  return element('p', { text: more.join(', '), className: 'note' });
}
