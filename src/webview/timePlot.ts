import uPlot from 'uplot';
import { plotColumns } from '../present/plot/plotColumns';
import type { PvHistory } from '../present/plot/pvHistory';
import { themeColour } from './dom';
import { lineStyle } from './lineStyle';

/** A line of the plot. */
export interface Line {
  readonly id: number;
  readonly history: PvHistory;
  readonly unit: string;
  /** Names of the values 0, 1, ... */
  readonly states?: readonly string[];
}

/** Milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the plot reports. */
export interface TimePlotEvents {
  onZoom(span: Span): void;
  onReset(): void;
  /** The time under the pointer; undefined: it is elsewhere. */
  onCursor(timeMs: number | undefined): void;
}

const CHARACTER_PX = 7;
/** What a time with seconds needs on its axis, pixels. */
const TIME_WIDTH = 80;
const MIN_AXIS_PX = 50;
const MAX_AXIS_PX = 180;
const MAX_STATES_SHOWN = 40;
const [DAY_S, MINUTE_S] = [86_400, 60];
const DATE = '\n{YYYY}-{MM}-{DD}';
/** Of the time axis, by the seconds between two ticks: what each says, and what the first says. */
const TIMES: uPlot.Axis.Values = [
  [DAY_S, '{YYYY}-{MM}-{DD}', null, null, null, null, null, null, 1],
  [MINUTE_S, '{HH}:{mm}', DATE, null, DATE, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', DATE, null, DATE, null, null, null, 1],
  [0.001, ':{ss}.{fff}', `${DATE} {HH}:{mm}`, null, DATE, null, '\n{HH}:{mm}', null, 1],
];
const FONT = '12px system-ui, sans-serif';

/**
 * Lines over time. The units have a scale each; the first has its axis on the left, the second on the
 * right, and of a third only the legend tells values.
 */
export class TimePlot {
  readonly #place: HTMLElement;
  readonly #events: TimePlotEvents;
  #plot: uPlot | undefined;
  /** What the plot was built for. */
  #built = '';
  #span: Span = { fromMs: 0, toMs: 1 };

  constructor(place: HTMLElement, events: TimePlotEvents) {
    this.#place = place;
    this.#events = events;
  }

  /** Its picture; undefined if there is none. */
  get canvas(): HTMLCanvasElement | undefined {
    return this.#plot?.ctx.canvas;
  }

  /** Draws the lines from and to the times of `span`; there are no values after `nowMs`. */
  draw(lines: readonly Line[], span: Span, nowMs: number): void {
    this.#place.hidden = lines.length === 0;
    if (lines.length === 0) {
      this.forget();
      return;
    }
    this.#span = span;
    const { clientWidth: width, clientHeight: height } = this.#place;
    if (width === 0 || height === 0) return;
    const built = JSON.stringify(lines.map(({ id, unit, states }) => [id, unit, states]));
    if (built !== this.#built) {
      this.forget();
      this.#built = built;
    }
    const { xs, ys } = plotColumns(
      lines.map(({ history }) => history),
      ...[span.fromMs, span.toMs, nowMs, Math.max(50, width)],
    );
    const data: uPlot.AlignedData = [xs, ...ys];
    if (!this.#plot) this.#plot = new uPlot(this.#options(lines, width, height), data, this.#place);
    else {
      if (this.#plot.width !== width || this.#plot.height !== height) {
        this.#plot.setSize({ width, height });
      }
      this.#plot.setData(data);
    }
  }

  /** Builds it anew next time, as after a change of theme. */
  forget(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#built = '';
  }

  #options(lines: readonly Line[], width: number, height: number): uPlot.Options {
    const scales = new Map(lines.map((line) => [scaleOf(line), line]));
    return {
      ...{ width, height },
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false },
        points: { show: false },
        bind: {
          dblclick: () => () => {
            this.#events.onReset();
            return null;
          },
        },
      },
      hooks: {
        setSelect: [(plot) => this.#zoom(plot)],
        setCursor: [
          (plot) => {
            const { left = -1 } = plot.cursor;
            this.#events.onCursor(left < 0 ? undefined : plot.posToVal(left, 'x') * 1000);
          },
        ],
      },
      scales: {
        x: { time: true, range: () => [this.#span.fromMs / 1000, this.#span.toMs / 1000] },
        ...Object.fromEntries(
          [...scales].map(([key, { states }]) => [key, states ? stateScale(states.length) : {}]),
        ),
      },
      axes: [
        { ...axisColours(), font: FONT, values: TIMES, space: TIME_WIDTH },
        ...[...scales].slice(0, 2).map(([key, line], at) => yAxis(key, line, at === 1)),
      ],
      series: [
        {},
        ...lines.map((line, at) => ({
          ...lineStyle(at),
          scale: scaleOf(line),
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
  }

  #zoom(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 2) return;
    const [fromMs, toMs] = [left, left + width].map((at) => plot.posToVal(at, 'x') * 1000);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#events.onZoom({ fromMs: fromMs!, toMs: toMs! });
  }
}

/** States are comparable only if they have the same names. */
function scaleOf({ unit, states }: Line): string {
  return states ? `states ${JSON.stringify(states)}` : `unit ${unit}`;
}

function stateScale(count: number): uPlot.Scale {
  return {
    range: (_plot, min, max) => {
      const [low, high] = count <= MAX_STATES_SHOWN ? [0, count - 1] : [min, max];
      return [Math.min(low, min ?? low) - 0.5, Math.max(high, max ?? high) + 0.5];
    },
  };
}

function yAxis(scale: string, { unit, states }: Line, isRight: boolean): uPlot.Axis {
  return {
    ...axisColours(),
    ...{ scale, side: isRight ? 1 : 3, font: FONT, labelFont: FONT },
    ...(unit !== '' && { label: unit, labelSize: 20 }),
    ...(isRight && { grid: { show: false } }),
    size: (_plot, values) => {
      const longest = Math.max(0, ...(values ?? []).map((text) => text?.length ?? 0));
      return Math.min(MAX_AXIS_PX, Math.max(MIN_AXIS_PX, longest * CHARACTER_PX + 18));
    },
    ...(states && {
      splits: (_plot, _axis, min, max) => integersIn(min, max),
      values: (_plot, splits) => splits.map((at) => states[at] ?? ''),
    }),
  };
}

function integersIn(min: number, max: number): number[] {
  const [first, last] = [Math.ceil(min), Math.floor(max)];
  const step = Math.max(1, Math.ceil((last - first) / MAX_STATES_SHOWN));
  return Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, at) => first + at * step,
  );
}

/** Of the theme, for the axes of a plot. */
export function axisColours(): Pick<uPlot.Axis, 'stroke' | 'grid' | 'ticks'> {
  const line = themeColour(
    'editorWidget-border',
    'contrastBorder',
    'editorIndentGuide-background1',
  );
  return {
    stroke: themeColour('foreground'),
    grid: { stroke: line, width: 1, dash: [2, 3] },
    ticks: { stroke: line, width: 1 },
  };
}
