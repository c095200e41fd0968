import { printable } from '../../base/printable';
import type { PlotReading, PlotUpdate, PlotValue } from '../../model/plotValue';
import type { PvAddress } from '../../model/pvAddress';
import { formatValue, roundedTo } from '../../model/reading';
import { WINDOW_WORDS } from '../frontEndWords';
import { problemText } from '../problemText';
import { formatLocal } from '../pvDetailsText';
import type { Picture, TrackNews, TrackWords } from './plotMessages';
import { encodePoints, PvHistory } from './pvHistory';

/**
 * A time stamp counts if the value came within this time of it. The value that a PV has had for an
 * hour is drawn from where we began to look, and one of an IOC whose clock is wrong when it came.
 */
const MAX_LATE_MS = 5000;
/** More points than this, for a page that does not take them, are sent as a whole. */
const MAX_WAITING = 1000;
/** Different strings that are states; what comes beyond is drawn as one more. */
const MAX_STRINGS = 100;
const OTHERS = '(others)';

/** Digits of a number that its record gives no precision. */
const DIGITS = 10;

const NO_WORDS: TrackWords = {
  ...{ value: '', unit: '', severity: '', alarm: '', time: '', reason: '' },
};

/** One PV of a panel: its history, what is drawn and written of it, and what the page lacks. */
export class PlotTrack {
  readonly pv: PvAddress;
  readonly id: number;
  readonly #nowMs: () => number;
  #history = new PvHistory();
  #words: TrackWords = { ...NO_WORDS, reason: 'no answer yet' };
  #kind: PlotValue['kind'] | undefined;
  #states: string[] | undefined;
  #precision: number | undefined;
  #picture: Picture | null = null;
  /** What the page lacks. */
  #waiting = new PvHistory();
  #isNew = true;
  #hasNews = true;
  #hasNewPicture = true;

  constructor(pv: PvAddress, id: number, nowMs: () => number) {
    this.pv = pv;
    this.id = id;
    this.#nowMs = nowMs;
  }

  get label(): string {
    return printable(this.pv.name);
  }
  get history(): PvHistory {
    return this.#history;
  }
  get words(): TrackWords {
    return this.#words;
  }
  /** What is drawn of a value that is no point in time; null: none. */
  get picture(): Picture | null {
    return this.#picture;
  }
  /** Names of the values of a line of states. */
  get states(): readonly string[] | undefined {
    return this.#states;
  }
  /** Whether it is drawn as a picture: only its newest value is of use. */
  get isPicture(): boolean {
    return this.#kind !== undefined && !isLine(this.#kind);
  }
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** Takes an update of the PV. */
  take(update: PlotUpdate): void {
    if (update.kind === 'interrupted') {
      this.interrupt(problemText(update.problem, WINDOW_WORDS).message);
      return;
    }
    const { value } = update;
    if (value.kind !== this.#kind) this.#begin(value.kind);
    this.#words = wordsOf(update);
    this.#precision = update.precision;
    this.#hasNews = true;
    const point = this.#pointOf(value);
    if (point === undefined) {
      this.#picture = pictureOf(value);
      this.#hasNewPicture = true;
      return;
    }
    const [low, high] = (value.kind === 'number' && value.range) || [point, point];
    this.#add(this.#timeOf(update), point, low, high);
  }

  /** There are no values now; the last one stays to be seen beside the reason. */
  interrupt(reason: string): void {
    this.#words = { ...this.#words, reason: printable(reason) };
    this.#hasNews = true;
    const { length } = this.#history;
    this.#history.interrupt(this.#nowMs());
    if (this.#history.length > length) this.#waiting.add(this.#nowMs(), NaN);
  }

  /** What the page lacks, after which it lacks nothing. */
  takeNews(): TrackNews {
    const isNew = this.#isNew || this.#waiting.length > MAX_WAITING;
    const points = encodePoints(isNew ? this.#history : this.#waiting);
    const hasNewPicture = this.#hasNewPicture;
    this.#waiting = new PvHistory();
    this.#isNew = this.#hasNews = this.#hasNewPicture = false;
    return {
      ...{ id: this.id, words: this.#words, points, isNew },
      isLine: this.#kind !== undefined && isLine(this.#kind),
      ...(this.#states && { states: this.#states }),
      ...(this.#precision !== undefined && { precision: this.#precision }),
      ...(hasNewPicture && { picture: this.#picture }),
    };
  }

  /** There is another page, which lacks everything. */
  renew(): void {
    this.#isNew = this.#hasNews = this.#hasNewPicture = true;
  }

  /** A value of another type: what was drawn before makes no sense any more. */
  #begin(kind: PlotValue['kind']): void {
    const wasNothing = this.#kind === undefined;
    this.#kind = kind;
    this.#states = undefined;
    this.#picture = null;
    this.#hasNewPicture = true;
    if (wasNothing) return;
    this.#history = new PvHistory();
    this.#isNew = true;
  }

  #pointOf(value: PlotValue): number | undefined {
    switch (value.kind) {
      case 'number':
        return value.value;
      case 'choice':
        this.#states = value.choices.map(printable);
        return value.index;
      case 'string':
        return this.#stateOf(printable(value.text));
      default:
        return undefined;
    }
  }

  /** The number of a string, in the order of their first appearance. */
  #stateOf(text: string): number {
    const states = (this.#states ??= []);
    const known = states.indexOf(text);
    if (known >= 0) return known;
    if (states.length < MAX_STRINGS) return states.push(text) - 1;
    if (states.length === MAX_STRINGS) states.push(OTHERS);
    return MAX_STRINGS;
  }

  #timeOf({ time }: PlotReading): number {
    const nowMs = this.#nowMs();
    const stampMs = time === undefined ? NaN : Date.parse(time);
    return Math.abs(nowMs - stampMs) <= MAX_LATE_MS ? stampMs : nowMs;
  }

  #add(timeMs: number, value: number, low: number, high: number): void {
    this.#history.add(timeMs, value, low, high);
    this.#waiting.add(timeMs, value, low, high);
  }
}

function isLine(kind: PlotValue['kind']): boolean {
  return kind === 'number' || kind === 'choice' || kind === 'string';
}

function wordsOf(reading: PlotReading): TrackWords {
  const { units = '', severity, alarmMessage = '', time } = reading;
  const isAlarm = severity !== 'NO_ALARM';
  return {
    value: valueWords(reading),
    unit: printable(units),
    severity,
    alarm: isAlarm ? printable(`${severity} ${alarmMessage}`.trim()) : 'no alarm',
    time: time === undefined ? 'no time stamp' : formatLocal(time),
    reason: '',
  };
}

function valueWords({ value, precision }: PlotReading): string {
  switch (value.kind) {
    case 'number':
      return formatValue(roundedTo(DIGITS, value.value), precision);
    case 'choice':
      return printable(value.choices[value.index] ?? String(value.index));
    case 'string':
      return formatValue(value.text);
    case 'text':
      return value.summary === '' ? '' : printable(value.summary);
    case 'wave':
      return `${value.count} elements`;
    case 'image':
      return `${value.fullWidth} \u00d7 ${value.fullHeight} ${printable(value.type)}, ${rangeWords(value)}`;
    case 'encoded':
      return `${value.fullWidth} \u00d7 ${value.fullHeight} JPEG`;
    case 'table':
      return `${value.columnCount} columns, ${value.rowCount} rows`;
  }
}

function rangeWords({ width, fullWidth, min, max }: PlotImageRange): string {
  const [low, high] = [min, max].map((one) => formatValue(one));
  return `${low} to ${high}${width < fullWidth ? ' in the pixels shown' : ''}`;
}

type PlotImageRange = Extract<PlotValue, { kind: 'image' }>;

function pictureOf(value: PlotValue): Picture | null {
  switch (value.kind) {
    case 'wave':
    case 'image':
    case 'encoded':
      return value;
    case 'table':
      return {
        ...value,
        labels: value.labels.map(printable),
        rows: value.rows.map((row) => row.map(printable)),
      };
    case 'text':
      return value.text === '' ? null : { kind: 'text', text: printableText(value.text) };
    default:
      return null;
  }
}

/** Line ends stay, because the page shows several lines. */
function printableText(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}
