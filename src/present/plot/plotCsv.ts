import { decodeDoubles } from '../../base/base64';
import type { Picture } from './plotMessages';
import type { PlotTrack } from './plotTrack';

const HEADER = ['pv', 'time', 'index', 'column', 'value', 'low', 'high', 'unit'];
/**
 * What makes a spreadsheet take a text for a formula, also behind what separates cells for one that
 * is set up for semicolons: it sees no quotes but those around a whole cell.
 */
const FORMULA = /^(?=[\t\r\n])|(^|[;\t\r\n])(?=[=+\-@])/g;
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * The lines, waveforms and tables of a panel as CSV (RFC 4180), one number or text in each row. A
 * text that a spreadsheet would take for a formula begins with an apostrophe.
 */
export function plotCsv(
  tracks: readonly Pick<PlotTrack, 'pv' | 'history' | 'states' | 'picture' | 'words'>[],
): string {
  const rows: string[][] = [HEADER];
  for (const { pv, history, states, picture, words } of tracks) {
    const name = text(`${pv.protocol}://${pv.name}`);
    const unit = text(words.unit);
    const { times, values, lows, highs } = history;
    times.forEach((time, at) => {
      const value = values[at]!;
      const shown = states ? text(states[value] ?? number(value)) : number(value);
      const isRange = lows[at]! < highs[at]!;
      const range = isRange ? [number(lows[at]!), number(highs[at]!)] : ['', ''];
      rows.push([name, new Date(time).toISOString(), '', '', shown, ...range, unit]);
    });
    rows.push(...pictureRows(picture).map((row) => [name, '', ...row, unit]));
  }
  return rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

/** Index, column, value, low, high. */
function pictureRows(picture: Picture | null): string[][] {
  if (picture?.kind === 'wave') {
    const low = decodeDoubles(picture.low);
    const high = picture.high === undefined ? undefined : decodeDoubles(picture.high);
    return Array.from(low, (value, part) =>
      high
        ? [partStart(part, low.length, picture.count), '', '', number(value), number(high[part]!)]
        : [String(part), '', number(value), '', ''],
    );
  }
  if (picture?.kind === 'table') {
    return picture.rows.flatMap((row, at) =>
      row.map((cell, column) => [
        ...[String(at), text(picture.labels[column] ?? '')],
        ...[cellText(cell), '', ''],
      ]),
    );
  }
  return [];
}

function partStart(part: number, parts: number, count: number): string {
  return String(Math.floor((part * count) / parts));
}

function number(value: number): string {
  return Number.isNaN(value) ? '' : String(value);
}

/** A number stays one, with its sign. */
function cellText(cell: string): string {
  return cell !== '' && Number.isFinite(Number(cell)) ? cell : text(cell);
}

function text(cell: string): string {
  return cell.replace(FORMULA, "$1'");
}

function quoted(cell: string): string {
  return NEEDS_QUOTES.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
