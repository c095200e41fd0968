/** `epics-expose pvs`: lists the PVs there are, and how far each one gets, once. */
import { printable } from '../../base/printable';
import type { PvRow } from '../../model/coreApi';
import { tableNotes } from '../../present/table';
import { parsePvText } from '../../model/pvName';
import { EXIT } from '../exitCodes';
import type { Opened } from '../openExposure';
import type { CommonOptions } from '../options';
import { alignColumns } from '../../present/alignColumns';
import type { Terminal } from '../terminal';
import { emptyExit, reportDemo, withLook, wordsFor } from '../withLook';
import { stateWords } from '../../present/problemText';

const ROWS_PER_PAGE = 20_000;

/** Runs the command; resolves to its exit code. */
export function runPvs(
  pattern: string | undefined,
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'look', async (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    reportDemo(opened, terminal);
    const all = await rowsAskedFor(opened, pattern, signal);
    const reachable = all.filter(({ state }) => state === 'reachable').length;
    const rows = all.map(({ name, protocol, state, iocName, containerName }) =>
      [
        name,
        protocol,
        terminal.isInteractive ? stateWords(state) : state,
        iocName,
        containerName,
      ].map(printable),
    );
    if (options.json === true) {
      for (const { name, protocol, state, iocName, containerName, source } of all) {
        const row = { name, protocol, state, ioc: iocName, container: containerName, source };
        terminal.printJson(row);
      }
    }
    // Columns for users, tabs for programs.
    const lines = terminal.isInteractive
      ? alignColumns([['PV', 'OVER', 'STATE', 'IOC', 'CONTAINER'], ...rows])
      : rows.map((row) => row.join('\t'));
    if (rows.length > 0 && options.json !== true) for (const line of lines) terminal.print(line);
    const notes = reachable < all.length || all.length === 0 ? notesOf(opened) : [];
    for (const note of notes) terminal.report(`! ${note}`);
    if (all.length === 0) {
      if (pattern !== undefined) {
        terminal.report(`No PV matches "${pattern}". A pattern may contain * and ?.`);
      } else if (notes.length > 0) {
        terminal.report('No PV is known now.');
      } else {
        terminal.report('The IOCs report no PV names; name some with --pv NAME.');
      }
      return EXIT.notFound;
    }
    return reachable === all.length ? EXIT.ok : EXIT.unreachable;
  });
}

function notesOf(opened: Opened): readonly string[] {
  return tableNotes(opened.snapshot, wordsFor(opened));
}

/**
 * The PVs that match the pattern, over the protocol that it names (`ca://`). A field (`REC.DESC`) is
 * in no list, so its record is shown.
 */
async function rowsAskedFor(
  opened: Opened,
  pattern: string | undefined,
  signal: AbortSignal,
): Promise<PvRow[]> {
  const asked = pattern === undefined ? undefined : parsePvText(pattern);
  if (asked?.kind !== 'pv') return rowsOf(opened, pattern, signal);
  const { name, record, protocol } = asked;
  const isWanted = (row: PvRow): boolean => protocol === undefined || row.protocol === protocol;
  const rows = (await rowsOf(opened, name, signal)).filter(isWanted);
  if (rows.length > 0 || record === name) return rows;
  const isPattern = /[*?]/.test(record);
  return (await rowsOf(opened, record, signal)).filter(
    (row) => isWanted(row) && (isPattern || row.name === record),
  );
}

async function rowsOf(
  { core, snapshot }: Opened,
  pattern: string | undefined,
  signal: AbortSignal,
): Promise<PvRow[]> {
  const servers = snapshot.containers.flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers));
  const keys = new Set(servers.map(({ key }) => key));
  const rows: PvRow[] = [];
  for (let offset = 0; ; offset += ROWS_PER_PAGE) {
    const query = { offset, limit: ROWS_PER_PAGE, ...(pattern !== undefined && { pattern }) };
    const page = await core.listPvs(query, signal);
    // A broker also lists what others want.
    rows.push(...page.rows.filter(({ serverKey }) => keys.has(serverKey)));
    if (offset + ROWS_PER_PAGE >= page.total) return rows;
  }
}
