/**
 * Reduces a value to what a panel can draw. The work depends on the panel, not on the value, but
 * for a waveform, every number of which is looked at once.
 */
import { clipped } from '../../base/clipped';
import { scalarText } from '../../base/scalarText';
import {
  PLOT_LIMITS,
  type PlotReading,
  type PlotTable,
  type PlotValue,
} from '../../model/plotValue';
import { describe } from '../../model/preview';
import { formatValue, type PvReading } from '../../model/reading';
import type { ReadingSource } from '../upstream/protocolAdapter';
import { drawnImage } from './plotImage';
import { drawnWave } from './plotWave';

/** Pixels of the panel. */
export interface PanelSize {
  readonly width: number;
  readonly height: number;
}

/** Characters of units and of an alarm's message. */
const WORD_CHARACTERS = 100;

/** A reading as far as a panel of that size can draw it. `range`: see PlotNumber. */
export function plotReading(
  reading: PvReading,
  source: ReadingSource,
  size: PanelSize,
  range?: readonly [number, number],
): PlotReading {
  const { units, precision, severity, alarmMessage, time } = reading;
  return {
    kind: 'value',
    value: plotValue(reading, source, size, range),
    severity,
    ...(units !== undefined && { units: units.slice(0, WORD_CHARACTERS) }),
    ...(precision !== undefined && { precision }),
    ...(alarmMessage !== undefined && { alarmMessage: alarmMessage.slice(0, WORD_CHARACTERS) }),
    ...(time !== undefined && { time }),
  };
}

/** About as many bytes as a value takes in a message, if it may take many. */
export function sizeOf(value: PlotValue): number {
  switch (value.kind) {
    case 'image':
      return value.pixels.length;
    case 'encoded':
      return value.bytes.length;
    case 'wave':
      return value.low.length + (value.high?.length ?? 0);
    case 'table':
      return PLOT_LIMITS.cellCharacters * value.rows.length * value.labels.length;
    default:
      return 0;
  }
}

function plotValue(
  reading: PvReading,
  source: ReadingSource,
  size: PanelSize,
  range?: readonly [number, number],
): PlotValue {
  const { value, text, summary = '' } = reading;
  const { structure } = source;
  const choice = source.choice ?? choiceOf(structure?.['value']);
  if (choice) return { kind: 'choice', ...bounded(choice) };
  if (text !== undefined) return textOf(text);
  const drawn = structure && (drawnImage(structure, size) ?? tableOf(structure));
  if (drawn) return drawn;
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return { kind: 'number', value: Number(value), ...(range && { range }) };
    case 'boolean':
      return { kind: 'choice', index: value ? 1 : 0, choices: ['false', 'true'] };
    case 'string':
      return textOf(value);
    default: {
      const wave = drawnWave(arrayIn(value), size);
      if (wave) return wave;
      return { kind: 'text', text: describe(value, PLOT_LIMITS.textCharacters), summary };
    }
  }
}

function textOf(text: string): PlotValue {
  return text.length <= PLOT_LIMITS.stringCharacters
    ? { kind: 'string', text }
    : { kind: 'text', text: clipped(text, PLOT_LIMITS.textCharacters), summary: '' };
}

/** An array of numbers, or one in a union, as in an NTNDArray with one dimension. */
function arrayIn(value: unknown): unknown {
  return isStructure(value) && ArrayBuffer.isView(value['value']) ? value['value'] : value;
}

/** The state of an NTEnum. */
function choiceOf(value: unknown): ReadingSource['choice'] {
  if (!isStructure(value)) return undefined;
  const { index, choices } = value;
  const isEnum = typeof index === 'number' && Array.isArray(choices);
  return isEnum
    ? { index, choices: choices.slice(0, PLOT_LIMITS.choices).map(scalarText) }
    : undefined;
}

function bounded({ index, choices }: NonNullable<ReadingSource['choice']>): {
  index: number;
  choices: string[];
} {
  const { cellCharacters } = PLOT_LIMITS;
  const shown = choices.slice(0, PLOT_LIMITS.choices);
  return { index, choices: shown.map((choice) => clipped(choice, cellCharacters)) };
}

/** The first rows of an NTTable, recognised by its fields. */
function tableOf({ labels, value }: Readonly<Record<string, unknown>>): PlotTable | undefined {
  if (!Array.isArray(labels) || !isStructure(value)) return undefined;
  const all: readonly unknown[] = Object.values(value);
  const columns = all.filter(isList);
  if (columns.length === 0 || columns.length < all.length) return undefined;
  const rowCount = columns.reduce((most, { length }) => Math.max(most, length), 0);
  const shown = columns.slice(0, PLOT_LIMITS.tableColumns);
  const shownRows = Math.min(rowCount, Math.floor(PLOT_LIMITS.tableCells / shown.length));
  const names = Object.keys(value);
  const cell = (text: string): string => clipped(text, PLOT_LIMITS.cellCharacters);
  return {
    kind: 'table',
    // A table may have fewer labels than columns.
    labels: shown.map((_, at) => cell(scalarText(labels[at] ?? names[at]))),
    rows: Array.from({ length: shownRows }, (_, row) =>
      shown.map((column) => (row < column.length ? cellText(column[row], cell) : '')),
    ),
    rowCount,
    columnCount: columns.length,
  };
}

function cellText(value: unknown, cell: (text: string) => string): string {
  if (typeof value === 'string') return cell(value);
  return typeof value === 'object' && value !== null
    ? describe(value, PLOT_LIMITS.cellCharacters)
    : cell(formatValue(value));
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
