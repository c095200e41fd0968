/** The page of src/ui/plotPanels.ts: draws what it is sent, and says what the user wants. */
import 'uplot/dist/uPlot.min.css';
import './plot.css';
import { formatValue, roundedTo } from '../model/reading';
import type {
  FromPlot,
  PlotState,
  ToPlot,
  Track,
  TrackNews,
  TrackWords,
} from '../present/plot/plotMessages';
import { decodePoints, PvHistory } from '../present/plot/pvHistory';
import { byId, element, setText } from './dom';
import { LegendRow } from './legend';
import { PictureTile } from './pictures';
import { pngOf } from './savePng';
import { type Line, type Span, TimePlot } from './timePlot';

declare function acquireVsCodeApi(): {
  postMessage(message: FromPlot): void;
  getState(): PageState | undefined;
  setState(state: PageState): void;
};

/** Also after a reload of the window. */
interface PageState extends PlotState {
  /** Milliseconds that are shown; 0: everything. */
  readonly spanMs: number;
  /** What is shown while it is paused. */
  readonly paused?: Span;
}

interface Shown {
  readonly track: Track;
  readonly row: LegendRow;
  history: PvHistory;
  news: TrackNews | undefined;
  tile: PictureTile | undefined;
  /** It came while the page was paused, or is not drawn yet. */
  hasNewPicture: boolean;
}

const NO_WORDS: TrackWords = {
  ...{ value: '', unit: '', severity: '', alarm: '', time: '', reason: 'no answer yet' },
};
/** An axis of less time is of no use. */
const MIN_SPAN_MS = 10_000;
const DEFAULT_SPAN_MS = 300_000;
const SUGGEST_MS = 200;
const CURSOR_DIGITS = 6;

const vscode = acquireVsCodeApi();
const shown = new Map<number, Shown>();
let state: PageState = { pvs: [], spanMs: DEFAULT_SPAN_MS, ...vscode.getState() };
/** What the user has zoomed into. */
let zoom: Span | undefined;
let cursorMs: number | undefined;
let isDrawPending = false;
/** The other side waits for us to have drawn. */
let isAwaited = false;

const timePlot = new TimePlot(byId('lines'), {
  onZoom: (span) => {
    zoom = span;
    drawSoon();
  },
  onReset: resetZoom,
  onCursor: (timeMs) => {
    cursorMs = timeMs;
    showWords();
  },
});

function say(message: FromPlot): void {
  vscode.postMessage(message);
}

function remember(change: Partial<PageState>): void {
  state = { ...state, ...change };
  vscode.setState(state);
}

// What the extension says.

window.addEventListener('message', ({ data }: MessageEvent<ToPlot>) => {
  switch (data.type) {
    case 'tracks':
      setTracks(data.tracks);
      break;
    case 'news':
      for (const news of data.news) take(news);
      isAwaited = true;
      break;
    case 'names':
      byId('names').replaceChildren(
        ...data.names.map((name) => {
          const option = element('option');
          option.value = name;
          return option;
        }),
      );
      break;
    case 'notice':
      notify(data.text);
      break;
  }
  drawSoon();
});

function setTracks(tracks: readonly Track[]): void {
  const ids = new Set(tracks.map(({ id }) => id));
  for (const [id, { row, tile }] of shown) {
    if (ids.has(id)) continue;
    row.node.remove();
    tile?.node.remove();
    shown.delete(id);
  }
  for (const track of tracks) {
    if (shown.has(track.id)) continue;
    const row = new LegendRow(track, () => say({ type: 'remove', id: track.id }));
    byId('rows').append(row.node);
    const begun = { tile: undefined, hasNewPicture: false, news: undefined };
    shown.set(track.id, { track, row, history: new PvHistory(), ...begun });
  }
  byId('empty').hidden = tracks.length > 0;
  byId('legend').hidden = tracks.length === 0;
  remember({ pvs: tracks.map(({ name, protocol }) => ({ name, protocol })) });
}

function take(news: TrackNews): void {
  const one = shown.get(news.id);
  if (!one) return;
  if (news.isNew) one.history = new PvHistory();
  one.history.addAll(decodePoints(news.points));
  const before = one.news;
  const picture = news.picture === undefined ? before?.picture : news.picture;
  one.news = { ...news, ...(picture !== undefined && { picture }) };
  if (news.picture !== undefined) one.hasNewPicture = true;
  const { severity = '', reason = '' } = before?.words ?? {};
  const { words } = news;
  if (before && (words.severity !== severity || words.reason !== reason)) {
    setText(byId('spoken'), `${one.track.label}: ${words.reason || words.alarm}`);
  }
}

let noticeTimer: number | undefined;
function notify(text: string): void {
  setText(byId('notice'), text);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => setText(byId('notice'), ''), 10_000);
}

// Drawing.

function drawSoon(): void {
  if (isDrawPending) return;
  isDrawPending = true;
  requestAnimationFrame(() => {
    isDrawPending = false;
    draw();
    if (!isAwaited) return;
    isAwaited = false;
    say({ type: 'drawn' });
  });
}

function draw(): void {
  const lines = linesOf();
  timePlot.draw(lines, spanNow(), Date.now());
  byId('reset').hidden = zoom === undefined;
  byId<HTMLSelectElement>('span').disabled = zoom !== undefined || state.paused !== undefined;
  if (state.paused) return;
  showPictures();
  showWords();
}

function linesOf(): Line[] {
  return [...shown.values()].flatMap(({ track, history, news }) => {
    if (!news?.isLine) return [];
    const { words, states } = news;
    return [{ id: track.id, history, unit: words.unit, ...(states && { states }) }];
  });
}

/** What the time axis shows: it begins at the data. */
function spanNow(): Span {
  const frozen = zoom ?? state.paused;
  if (frozen) return frozen;
  const toMs = Date.now();
  const firsts = [...shown.values()].flatMap(({ news, history: { firstMs } }) =>
    news?.isLine && firstMs !== undefined ? [firstMs] : [],
  );
  const firstMs = Math.min(toMs, ...firsts);
  const fromMs = state.spanMs === 0 ? firstMs : Math.max(firstMs, toMs - state.spanMs);
  return { fromMs, toMs: Math.max(toMs, fromMs + MIN_SPAN_MS) };
}

function showPictures(): void {
  for (const one of shown.values()) {
    if (!one.hasNewPicture) continue;
    one.hasNewPicture = false;
    const { news, track } = one;
    if (!news?.picture) {
      one.tile?.node.remove();
      one.tile = undefined;
      continue;
    }
    if (!one.tile) {
      one.tile = new PictureTile(track.label);
      byId('pictures').append(one.tile.node);
    }
    void one.tile.show(news.picture, `${track.label}: ${news.words.value}`);
  }
}

function showWords(): void {
  const at = cursorMs ?? state.paused?.toMs;
  let lines = 0;
  for (const { row, news, history } of shown.values()) {
    const words = news?.words ?? NO_WORDS;
    const isAt = at !== undefined && news?.isLine === true;
    row.show(words, isAt ? valueAt(history, at, news) : words.value);
    row.setLine(news?.isLine ? lines++ : undefined);
  }
  setText(byId('when'), at === undefined ? '' : ` at ${clockTime(at)}`);
}

function valueAt(history: PvHistory, timeMs: number, { states, precision }: TrackNews): string {
  const value = history.at(timeMs);
  if (Number.isNaN(value)) return '';
  return states?.[value] ?? formatValue(roundedTo(CURSOR_DIGITS, value), precision);
}

function clockTime(timeMs: number): string {
  const at = new Date(timeMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  const seconds = `${two(at.getSeconds())}.${Math.floor(at.getMilliseconds() / 100)}`;
  return `${two(at.getHours())}:${two(at.getMinutes())}:${seconds}`;
}

// What the user does.

function resetZoom(): void {
  zoom = undefined;
  drawSoon();
}

function setPaused(paused: Span | undefined): void {
  const { paused: _, ...rest } = state;
  state = { ...rest, ...(paused && { paused }) };
  vscode.setState(state);
  showPaused();
  drawSoon();
}

function showPaused(): void {
  const button = byId('pause');
  button.ariaPressed = String(state.paused !== undefined);
  setText(button, state.paused ? 'Resume' : 'Pause');
}

function savePng(): void {
  const rows = [...shown.values()];
  const lines = rows.map(({ track, news }) => {
    const { value, unit, alarm, reason } = news?.words ?? NO_WORDS;
    return `${track.label}  ${value} ${unit}  ${reason || alarm}`;
  });
  const bytes = pngOf([
    { lines: [new Date().toLocaleString(), ...lines], canvas: timePlot.canvas },
    ...rows.flatMap(({ track, tile }) =>
      tile?.canvas ? [{ lines: [track.label], canvas: tile.canvas }] : [],
    ),
  ]);
  if (bytes !== '') say({ type: 'png', bytes });
}

byId('pause').addEventListener('click', () => setPaused(state.paused ? undefined : spanNow()));
byId('reset').addEventListener('click', resetZoom);
byId('png').addEventListener('click', savePng);
byId('csv').addEventListener('click', () => say({ type: 'csv' }));
const span = byId<HTMLSelectElement>('span');
span.value = String(state.spanMs);
span.addEventListener('change', () => {
  remember({ spanMs: Number(span.value) });
  drawSoon();
});

const input = byId<HTMLInputElement>('name');
let suggestTimer: number | undefined;
input.addEventListener('input', () => {
  clearTimeout(suggestTimer);
  suggestTimer = setTimeout(() => say({ type: 'suggest', text: input.value }), SUGGEST_MS);
});
byId('adding').addEventListener('submit', (event) => {
  event.preventDefault();
  add(input.value);
  input.value = '';
});
/** Names in lines of text, as dragged from an editor. */
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  add(event.dataTransfer?.getData('text/plain') ?? '');
});

function add(text: string): void {
  if (text.trim() !== '') say({ type: 'add', text });
}

// The window.

function panelSize(): { width: number; height: number } {
  const scale = window.devicePixelRatio;
  const pixels = (css: number): number => Math.max(1, Math.round(css * scale));
  return { width: pixels(document.body.clientWidth), height: pixels(window.innerHeight) };
}

function redraw(): void {
  timePlot.forget();
  for (const { tile } of shown.values()) tile?.redraw();
  drawSoon();
}

new ResizeObserver(() => {
  say({ type: 'size', ...panelSize() });
  redraw();
}).observe(document.body);
// The theme is a class of the body.
new MutationObserver(redraw).observe(document.body, {
  attributes: true,
  attributeFilter: ['class', 'data-vscode-theme-id'],
});
// Time goes on where values do not.
setInterval(() => {
  if (!state.paused) drawSoon();
}, 1000);
showPaused();
say({ type: 'ready', ...panelSize() });
