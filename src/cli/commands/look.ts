/** The commands that look once without relaying anything: status, pvs, env. */
import {
  clientEnvironment,
  formatEnvironment,
  nameServersOf,
  type Shell,
} from '../../model/nameServers';
import type { ServerState, Snapshot } from '../../model/snapshot';
import { healthOf, sentence, tableNotes } from '../../model/table';
import { EXIT } from '../exitCodes';
import { type OpenedSession, openSession } from '../openSession';
import type { CommonOptions } from '../options';
import { alignColumns, renderReport } from '../renderTable';
import type { Terminal } from '../terminal';
import { emptyText, progressText } from './expose';

/** Opens a session, waits until it is settled, and hands it over; always closes it. */
export async function withLook(
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
  mode: { readonly opensRelays: boolean },
  use: (opened: OpenedSession) => number | Promise<number>,
): Promise<number> {
  const opened = openSession(options, terminal, mode);
  try {
    await terminal.withProgress(() => progressText(opened), opened.settle(signal));
    return await use(opened);
  } finally {
    await opened.close();
  }
}

/** The exit code that says why there is nothing, or undefined when there is an IOC. */
export function emptyExit(opened: OpenedSession, terminal: Terminal): number | undefined {
  const { engines, containers } = opened.session.snapshot();
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
  return withLook(options, terminal, signal, { opensRelays: false }, (opened) => {
    const snapshot = opened.session.snapshot();
    if (options.json === true) {
      const environment = clientEnvironment(nameServersOf(snapshot));
      terminal.print(JSON.stringify({ ...snapshot, environment }, undefined, 2));
    }
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    if (options.json !== true) {
      for (const line of renderReport(snapshot, terminal)) terminal.print(line);
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
  return withLook(options, terminal, signal, { opensRelays: false }, (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    const matches = pattern === undefined ? () => true : globMatcher(pattern);
    let found = 0;
    let reachable = 0;
    const rows: string[][] = [];
    for (const { container, ioc, pv } of opened.session.pvs()) {
      if (!matches(pv.name)) continue;
      const server = ioc.state().servers.find((s) => s.protocol === pv.protocol);
      const state = pvState(pv.step, server);
      found++;
      if (state === 'reachable') reachable++;
      const row = {
        name: pv.name,
        protocol: pv.protocol,
        state,
        ioc: ioc.name,
        container: container.name,
      };
      if (options.json === true) terminal.print(JSON.stringify({ ...row, source: pv.source }));
      else {
        const word = terminal.isInteractive ? state.replaceAll('-', ' ') : state;
        rows.push([row.name, row.protocol, word, row.ioc, row.container]);
      }
    }
    // Columns for people, tabs for programs.
    const lines = terminal.isInteractive
      ? alignColumns([['PV', 'OVER', 'STATE', 'IOC', 'CONTAINER'], ...rows])
      : rows.map((row) => row.join('\t'));
    if (rows.length > 0) for (const line of lines) terminal.print(line);
    if (reachable < found) tellNotes(opened.session.snapshot(), terminal);
    if (found === 0) {
      terminal.tell(
        pattern === undefined
          ? 'The IOCs tell no PV names; give some with --pv NAME.'
          : `No PV matches "${pattern}". A pattern may hold * and ?.`,
      );
      return EXIT.notFound;
    }
    return reachable === found ? EXIT.ok : EXIT.unreachable;
  });
}

/** What is wrong and what to do, beside the result. */
export function tellNotes(snapshot: Snapshot, terminal: Terminal): void {
  for (const note of tableNotes(snapshot)) terminal.tell(`! ${note}`);
}

/** The step that stops a PV, the server's own trouble first. */
function pvState(step: string, server: ServerState | undefined): string {
  if (server?.status === 'gone') return 'ioc-gone';
  if (server?.status === 'failed' && server.problem) return server.problem.code;
  return step;
}

function globMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .split('')
    .map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.|+()[\]{}]/g, '\\$&')))
    .join('');
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}

export function runEnv(
  shell: Shell,
  options: CommonOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  return withLook(options, terminal, signal, { opensRelays: false }, (opened) => {
    const empty = emptyExit(opened, terminal);
    if (empty !== undefined) return empty;
    const environment = clientEnvironment(nameServersOf(opened.session.snapshot()), process.env);
    if (options.json === true) terminal.print(JSON.stringify(environment));
    else for (const line of formatEnvironment(environment, shell)) terminal.print(line);
    if (Object.keys(environment).length > 0) return EXIT.ok;
    terminal.tell(
      'Nothing is relayed to this machine now. Keep `epics-expose` running in another terminal.',
    );
    return EXIT.unreachable;
  });
}
