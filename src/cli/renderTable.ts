/** Lays out the table for a terminal or a file. */
import { styleText } from 'node:util';
import { alignColumns } from '../present/alignColumns';
import { clientEnvironment, formatEnvironment, nameServersOf } from '../present/clientEnvironment';
import type { Snapshot } from '../model/snapshot';
import { type Health, tableNotes, tableRows } from '../present/table';
import { TERMINAL_WORDS } from '../present/frontEndWords';

const HEADINGS = ['CONTAINER', 'IOC', 'SERVER', 'ON THIS MACHINE', 'PVS'];
/** Marks show the state as well, for those who do not see the colour. */
const MARKS: Record<Health, string> = { good: '', busy: ' ...', bad: ' !' };
const COLOURS = { good: 'green', busy: 'yellow', bad: 'red' } as const;

/** How to lay out the table. */
export interface Look {
  readonly isColoured: boolean;
  /** Characters in a line; undefined if lines may have any length (files, pipes). */
  readonly columns?: number | undefined;
}

/** The columns that may be cut if a line is too short: names, which are long. */
const NAME_COLUMNS = [0, 1];
const NAME_MIN_WIDTH = 8;

/** Shortens names, longest first, until the lines fit. */
function fitNames(rows: readonly (readonly string[])[], columns: number): string[][] {
  const fitted = rows.map((row) => [...row]);
  const longest = (texts: readonly (string | undefined)[]): number =>
    texts.reduce((width, text) => Math.max(width, text?.length ?? 0), 0);
  for (;;) {
    const excess = longest(alignColumns(fitted)) - columns;
    const [widest, next] = NAME_COLUMNS.map((at) => ({
      at,
      width: longest(fitted.map((row) => row[at])),
    })).sort((a, b) => b.width - a.width);
    if (excess <= 0 || !widest || widest.width <= NAME_MIN_WIDTH) return fitted;
    // As far as necessary, but first to the width of the other column; two of the same width share
    // the loss.
    const other = next?.width ?? 0;
    const shared = other === widest.width ? Math.ceil(excess / 2) : excess;
    const limit = Math.max(widest.width - shared, other < widest.width ? other : 0, NAME_MIN_WIDTH);
    for (const row of fitted) {
      const cell = row[widest.at] ?? '';
      if (cell.length > limit) row[widest.at] = `${cell.replace(/…$/, '').slice(0, limit - 1)}…`;
    }
  }
}

/** The table as lines; empty if there are no rows. */
export function renderTable(snapshot: Snapshot, look: Look): string[] {
  const rows = tableRows(snapshot);
  if (rows.length === 0) return [];
  const cells = rows.map((r) => [r.container, r.ioc, r.server, r.local, r.pvs + MARKS[r.health]]);
  const all = [HEADINGS, ...cells];
  const [head = '', ...lines] = alignColumns(
    look.columns === undefined ? all : fitNames(all, look.columns),
  );
  const paint = (text: string, style: Parameters<typeof styleText>[0]): string =>
    look.isColoured ? styleText(style, text) : text;
  return [
    paint(head, 'bold'),
    ...rows.map((row, index) => {
      const text = lines[index] ?? '';
      const pvs = row.pvs + MARKS[row.health];
      return text.slice(0, text.length - pvs.length) + paint(pvs, COLOURS[row.health]);
    }),
  ];
}

/** The whole report: the table, what to set for clients, and what is wrong. */
export function renderReport(
  snapshot: Snapshot,
  look: Look,
  nameServers = nameServersOf(snapshot),
  words = TERMINAL_WORDS,
): string[] {
  const environment = clientEnvironment(nameServers);
  const notes = tableNotes(snapshot, words);
  return [
    ...renderTable(snapshot, look),
    ...formatEnvironment(environment, 'bash'),
    ...notes.map((note) => (look.isColoured ? styleText('yellow', `! ${note}`) : `! ${note}`)),
  ];
}
