/** The commands that look once without relaying anything: status, pvs, env. */
import {
  clientEnvironment,
  formatChanges,
  type NameServers,
  type Shell,
  withoutOurs,
} from '../../present/nameServers';
import type { Snapshot } from '../../model/snapshot';
import type { PvRow } from '../../model/coreApi';
import { sentence } from '../../model/sentence';
import { healthOf, tableNotes } from '../../present/table';
import { printable } from '../../base/printable';
import { clientVariables } from '../clientVariables';
import { EXIT } from '../exitCodes';
import { brokerNameServers } from '../brokerNameServers';
import { type Mode, type Opened, openExposure } from '../openExposure';
import type { CommonOptions } from '../options';
import { alignColumns, renderReport } from '../renderTable';
import type { Terminal } from '../terminal';
import type { Enough } from '../untilSettled';
import { emptyText, progressText } from './expose';

const ROWS_PER_PAGE = 20_000;

/**
 * Opens an exposure, waits until it is settled (or what there is is `enough`), and hands it over; always
 * closes it.
 */
export async function withLook(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: Mode,
  use: (opened: Opened) => number | Promise<number>,
  { isAlone = false, enough }: { isAlone?: boolean; enough?: Enough } = {},
): Promise<number> {
  const opened = await openExposure(options, terminal, signal, mode, { isAlone });
  try {
    await terminal.withProgress(() => progressText(opened), opened.settle(signal, enough));
    if (opened.isDemoInstead) terminal.log('info', 'session', 'shows the demo that runs');
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The exit code that says why there is nothing, or undefined when there is an IOC. */
export function emptyExit(opened: Opened, terminal: Terminal): number | undefined {
  const { engines, containers } = opened.snapshot;
  for (const engine of engines) {
    if (engine.problem) terminal.tell(sentence(engine.problem));
  }
  if (containers.some((container) => container.iocs.length > 0)) return undefined;
  terminal.tell(
    emptyText(opened)
      .replace(/; waiting for .*/, '.')
      .replace(' yet', ''),
  );
  return engines.some((engine) => engine.status === 'connected') ? EXIT.notFound : EXIT.noEngine;
}

export function runStatus(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'look', (opened) => {
    const { snapshot } = opened;
    if (options.json === true) {
      const environment = clientEnvironment(opened.nameServers);
      terminal.printJson({ ...snapshot, environment }, 2);
    }
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    if (options.json !== true) {
      for (const line of renderReport(snapshot, terminal, opened.nameServers)) terminal.print(line);
    }
    return isAllGood(snapshot) ? EXIT.ok : EXIT.unreachable;
  });
}

function isAllGood(snapshot: Snapshot): boolean {
  return snapshot.containers.every((container) =>
    container.iocs.every((ioc) => ioc.servers.every((s) => healthOf(container, s) === 'good')),
  );
}

export function runPvs(
  pattern: string | undefined,
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, 'look', async (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    const all = await rowsOf(opened, pattern, signal);
    const reachable = all.filter(({ state }) => state === 'reachable').length;
    const rows = all.map(({ name, protocol, state, iocName, containerName }) =>
      [
        name,
        protocol,
        terminal.isInteractive ? state.replaceAll('-', ' ') : state,
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
    // Columns for people, tabs for programs.
    const lines = terminal.isInteractive
      ? alignColumns([['PV', 'OVER', 'STATE', 'IOC', 'CONTAINER'], ...rows])
      : rows.map((row) => row.join('\t'));
    if (rows.length > 0 && options.json !== true) for (const line of lines) terminal.print(line);
    if (reachable < all.length) tellNotes(opened.snapshot, terminal);
    if (all.length === 0) {
      terminal.tell(
        pattern === undefined
          ? 'The IOCs tell no PV names; give some with --pv NAME.'
          : `No PV matches "${pattern}". A pattern may hold * and ?.`,
      );
      return EXIT.notFound;
    }
    return reachable === all.length ? EXIT.ok : EXIT.unreachable;
  });
}

/** What is wrong and what to do, beside the result. */
export function tellNotes(snapshot: Snapshot, terminal: Terminal): void {
  for (const note of tableNotes(snapshot)) terminal.tell(`! ${note}`);
}

async function rowsOf(
  { exposure, snapshot }: Opened,
  pattern: string | undefined,
  signal: AbortSignal,
): Promise<PvRow[]> {
  const servers = snapshot.containers.flatMap(({ iocs }) => iocs.flatMap((ioc) => ioc.servers));
  const keys = new Set(servers.map(({ key }) => key));
  const rows: PvRow[] = [];
  for (let offset = 0; ; offset += ROWS_PER_PAGE) {
    const query = { offset, limit: ROWS_PER_PAGE, ...(pattern !== undefined && { pattern }) };
    const page = await exposure.listPvs(query, signal);
    // A broker lists what others want, too.
    rows.push(...page.rows.filter(({ serverKey }) => keys.has(serverKey)));
    if (offset + ROWS_PER_PAGE >= page.total) return rows;
  }
}

export interface EnvOptions extends CommonOptions {
  /** Take our entries out of the shell again. */
  readonly unset?: boolean;
}

const NOBODY: NameServers = { ca: [], pva: [] };

export async function runEnv(
  shell: Shell,
  options: EnvOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const print = async (nameServers: NameServers): Promise<number> => {
    const environment = await clientVariables(nameServers, terminal, signal);
    if (options.json === true) terminal.printJson(environment);
    else for (const line of formatChanges(environment, shell)) terminal.print(line);
    if (nameServers.ca.length + nameServers.pva.length > 0) return EXIT.ok;
    terminal.tell(
      'Nothing is relayed to this machine now. Keep `epics-expose` running in another terminal.',
    );
    return EXIT.unreachable;
  };
  if (options.unset === true) {
    for (const line of formatChanges(withoutOurs(process.env), shell)) terminal.print(line);
    return EXIT.ok;
  }
  // It is the same for everybody: without a choice there is nothing to look for.
  const told = isChoice(options) ? undefined : await brokerNameServers(terminal, signal);
  if (told) return print(told);
  return withLook(options, terminal, signal, 'look', async (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty === undefined) return print(opened.nameServers);
    // Nothing is there any more, which a shell that asks should not go on waiting for.
    for (const line of formatChanges(await clientVariables(NOBODY, terminal, signal), shell)) {
      if (options.json !== true) terminal.print(line);
    }
    return empty;
  });
}

function isChoice({ container, label, engine, workspace }: CommonOptions): boolean {
  return container.length + label.length + engine.length > 0 || workspace !== undefined;
}
