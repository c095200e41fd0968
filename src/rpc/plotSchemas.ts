/** Schemas of what is plotted. What is drawn is bounded here, however big a value is. */
import * as v from 'valibot';
import { PLOT_LIMITS, type PlotUpdate, type PlotValue } from '../model/plotValue';
import { protocol } from './commonSchemas';
import type { PlotNews, PlotParams } from './messages';
import { problem } from './problemSchemas';
import { count, number, object, optional, type Schema, text } from './schema';

/** What `clipped` adds. */
const DOTS = 3;
const MAX_WORD = 200;
const BYTES_PER_DOUBLE = 8;

const pixelsOfPanel = v.pipe(count, v.maxValue(PLOT_LIMITS.panelPixels, 'pixels of a panel'));
export const plot: Schema<PlotParams> = object({
  monitorId: count,
  name: text,
  protocol,
  width: pixelsOfPanel,
  height: pixelsOfPanel,
});

function short(maxLength: number): Schema<string> {
  return v.pipe(v.string('text'), v.maxLength(maxLength + DOTS, 'a shorter text'));
}

function few<T>(item: Schema<T>, most: number): Schema<readonly T[]> {
  return v.pipe(v.array(item, 'a list'), v.maxLength(most, 'a shorter list'));
}

function base64(maxBytes: number): Schema<string> {
  const maxLength = Math.ceil(maxBytes / 3) * 4;
  return v.custom<string>(
    (value) => typeof value === 'string' && value.length <= maxLength,
    'bytes in base64',
  );
}

const cell = short(PLOT_LIMITS.cellCharacters);
/** Without `high`, a waveform has up to twice as many elements as parts. */
const doubles = base64(2 * PLOT_LIMITS.waveParts * BYTES_PER_DOUBLE);
const pixels = v.pipe(count, v.maxValue(PLOT_LIMITS.imageBytes, 'the width of an image'));

const value: Schema<PlotValue> = v.variant(
  'kind',
  [
    object({
      kind: v.literal('number'),
      value: number,
      range: optional(v.tuple([number, number], 'two numbers')),
    }),
    object({ kind: v.literal('choice'), index: number, choices: few(cell, PLOT_LIMITS.choices) }),
    object({ kind: v.literal('string'), text: short(PLOT_LIMITS.stringCharacters) }),
    object({
      kind: v.literal('text'),
      text: short(PLOT_LIMITS.textCharacters),
      summary: short(PLOT_LIMITS.textCharacters),
    }),
    object({ kind: v.literal('wave'), count, low: doubles, high: optional(doubles) }),
    object({
      kind: v.literal('image'),
      width: pixels,
      height: pixels,
      channels: v.picklist([1, 3] as const, '1 or 3'),
      pixels: base64(PLOT_LIMITS.imageBytes),
      fullWidth: count,
      fullHeight: count,
      type: short(MAX_WORD),
      min: number,
      max: number,
    }),
    object({
      kind: v.literal('encoded'),
      mime: v.literal('image/jpeg'),
      bytes: base64(PLOT_LIMITS.encodedBytes),
      fullWidth: count,
      fullHeight: count,
    }),
    object({
      kind: v.literal('table'),
      labels: few(cell, PLOT_LIMITS.tableColumns),
      rows: few(few(cell, PLOT_LIMITS.tableColumns), PLOT_LIMITS.tableCells),
      rowCount: count,
      columnCount: count,
    }),
  ],
  'a value to draw',
);

const reading = object({
  kind: v.literal('value'),
  value,
  units: optional(short(MAX_WORD)),
  precision: optional(number),
  severity: short(MAX_WORD),
  alarmMessage: optional(short(MAX_WORD)),
  time: optional(short(MAX_WORD)),
});

const update: Schema<PlotUpdate> = v.variant(
  'kind',
  [reading, object({ kind: v.literal('interrupted'), problem })],
  'an update',
);

export const plotNews: Schema<PlotNews> = object({ monitorId: count, update });
