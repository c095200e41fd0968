/** Lays the table out for a terminal or a file. */
import { styleText } from 'node:util';
import { clientEnvironment, formatEnvironment, nameServersOf } from '../model/nameServers';
import type { Snapshot } from '../model/snapshot';
import { type Health, tableNotes, tableRows } from '../model/table';

const HEADINGS = ['CONTAINER', 'IOC', 'SERVER', 'ON THIS MACHINE', 'PVS'];
/** Shape tells the state as well, for those who do not see the colour. */
const MARKS: Record<Health, string> = { good: '', busy: ' ...', bad: ' !' };
const COLOURS = { good: 'green', busy: 'yellow', bad: 'red' } as const;

export interface Look {
  readonly isColoured: boolean;
}

export function renderTable(snapshot: Snapshot, look: Look): string[] {
  const rows = tableRows(snapshot);
  if (rows.length === 0) return [];
  const cells = rows.map((r) => [r.container, r.ioc, r.server, r.local, r.pvs + MARKS[r.health]]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  const paint = (text: string, style: Parameters<typeof styleText>[0]): string =>
    look.isColoured ? styleText(style, text) : text;
  return [
    paint(line(HEADINGS), 'bold'),
    ...rows.map((row, index) => {
      const text = line(cells[index] ?? []);
      const pvs = row.pvs + MARKS[row.health];
      const head = text.slice(0, text.length - pvs.length);
      return head + paint(pvs, COLOURS[row.health]);
    }),
  ];
}

/** The table, what to set for clients, and what is wrong. */
export function renderReport(snapshot: Snapshot, look: Look): string[] {
  const environment = clientEnvironment(nameServersOf(snapshot));
  const notes = tableNotes(snapshot);
  return [
    ...renderTable(snapshot, look),
    ...formatEnvironment(environment, 'bash'),
    ...notes.map((note) => (look.isColoured ? styleText('yellow', `! ${note}`) : `! ${note}`)),
  ];
}
