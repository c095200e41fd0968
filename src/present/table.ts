import { clipped } from '../base/clipped';
import { printable } from '../base/printable';
import { formatEndpoint, isLoopback, isUnspecified } from '../model/endpoint';
import { findingProblem } from '../model/findability';
import type { ContainerState, IocState, PvCounts, ServerState, Snapshot } from '../model/snapshot';
import type { FrontEndWords } from './frontEndWords';
import { notesText } from './noteText';
import { problemSentence, stateWords } from './problemText';

/** Characters of why a list may be incomplete; tooltip and log have all of it. */
const MAX_WHY = 300;

/** How a line is: fine, still working, or with a problem. */
export type Health = 'good' | 'busy' | 'bad';

/** A row of the table: the text of each cell. */
export interface TableRow {
  readonly container: string;
  readonly ioc: string;
  readonly server: string;
  readonly local: string;
  readonly pvs: string;
  readonly health: Health;
}

/**
 * The rows of the table, safe to print, one per server; a name that repeats from the row above is
 * left empty. The front end colours and lays them out.
 */
export function tableRows(snapshot: Snapshot): TableRow[] {
  const rows: TableRow[] = [];
  for (const container of snapshot.containers) {
    let containerCell = printable(container.name);
    for (const ioc of container.iocs) {
      const iocName = printable(ioc.name);
      let iocCell = ioc.role === 'gateway' ? `${iocName} (gateway)` : iocName;
      for (const server of ioc.servers) {
        rows.push({
          container: containerCell,
          ioc: iocCell,
          ...serverCells(container, ioc, server),
        });
        containerCell = '';
        iocCell = '';
      }
      if (ioc.servers.length === 0) {
        const state = stateWords(ioc.problem?.code ?? '');
        rows.push({ container: containerCell, ioc: iocCell, ...withoutServer(state) });
        containerCell = '';
      }
    }
    if (container.problem && isEndedWithoutIoc(container)) {
      rows.push({
        ...{ container: containerCell, ioc: '-' },
        ...withoutServer(stateWords(container.problem.code)),
      });
    }
  }
  return rows;
}

/** Whether it is shown because it ended, although no IOC was seen in it. */
export function isEndedWithoutIoc({ iocs, problem, status }: ContainerState): boolean {
  return iocs.length === 0 && problem !== undefined && status === 'stopped';
}

function withoutServer(state: string): Omit<TableRow, 'container' | 'ioc'> {
  return { server: '-', local: '-', pvs: state, health: 'bad' };
}

function serverCells(
  container: ContainerState,
  ioc: IocState,
  server: ServerState,
): Omit<TableRow, 'container' | 'ioc'> {
  const { host, port } = server.listening;
  // Only an address that matters: bound to the container's loopback or to one interface.
  const where = isUnspecified(host) ? `:${port}` : formatEndpoint(server.listening);
  const inside = isLoopback(host) && !isUnspecified(host) ? `${where} (inside only)` : where;
  return {
    server: printable(
      `${server.protocol.toUpperCase().padEnd(4)} ${softwareText(ioc, server).padEnd(11)} ${inside}`,
    ),
    local: localCell(server),
    pvs: printable(pvsCell(container, ioc, server)),
    health: healthOf(container, ioc, server),
  };
}

function localCell(server: ServerState): string {
  const { local, direct, problem } = server;
  // Its place is kept, and nothing of ours listens there meanwhile.
  if (problem?.code === 'container-paused' || problem?.code === 'ioc-suspended') return '-';
  if (!local) return localWord(server);
  return `${formatEndpoint(local)}${direct ? `, direct ${direct.host}` : ''}`;
}

function localWord(server: ServerState): string {
  switch (server.status) {
    case 'identifying':
      return '...';
    case 'gone':
      return '-';
    default:
      return isUnrelayed(server) ? 'not relayed' : 'failed';
  }
}

function pvsCell(container: ContainerState, ioc: IocState, server: ServerState): string {
  if (container.status === 'stopped') return 'container stopped';
  if (container.status === 'paused') return 'container paused';
  if (server.status === 'gone') return 'IOC gone';
  const isHalted = server.status === 'failed' || server.problem?.code === 'ioc-suspended';
  if (isHalted && server.problem) return stateWords(server.problem.code);
  if (server.pvs.total === 0) return isAsking(ioc, server) ? ASKING : 'names unknown';
  const text = reachableText(server.pvs);
  return ioc.mayLackNames === true ? `${text}, ${MORE_MAY_EXIST}` : text;
}

/** Stands for what is not known yet. */
export const ASKING = 'asking';

/** Whether it is being found out what a server is, or has. */
export function isAsking({ isNaming }: IocState, { status, pvs }: ServerState): boolean {
  const isWithoutNames = isNaming === true && pvs.total === 0;
  return status === 'identifying' || pvs.pending > 0 || isWithoutNames;
}

/** What a server is. Some are recognised only by how they answer for a PV. */
export function softwareText(ioc: IocState, server: ServerState): string {
  const isUnknown = server.implementation === 'unknown';
  return isUnknown && isAsking(ioc, server) ? ASKING : server.implementation;
}

/** For an IOC whose list of PVs may be incomplete. */
export const MORE_MAY_EXIST = 'more may exist';

/** The number of reachable PVs: `7 of 10 reachable, 3 without read access`. */
export function reachableText({
  total,
  reachable,
  unreadable = 0,
}: Pick<PvCounts, 'total' | 'reachable' | 'unreadable'>): string {
  const denied = unreadable === 0 ? '' : `, ${unreadable} without read access`;
  return `${reachable} of ${total} reachable${denied}`;
}

/** How a server is. */
export function healthOf(container: ContainerState, ioc: IocState, server: ServerState): Health {
  if (container.status !== 'running' || server.status === 'failed' || server.status === 'gone') {
    return 'bad';
  }
  const { total, reachable } = server.pvs;
  if (isAsking(ioc, server)) return 'busy';
  return reachable === total ? 'good' : 'bad';
}

/** Sentences below the table, safe to print: what is wrong and what to do, each once. */
export function tableNotes(snapshot: Snapshot, words: FrontEndWords): string[] {
  const notes: string[] = [];
  for (const engine of snapshot.engines) {
    if (engine.problem) notes.push(problemSentence(engine.problem, words));
  }
  for (const port of Object.values(snapshot.search ?? {})) {
    if (port.problem) notes.push(problemSentence(port.problem, words));
  }
  for (const notice of snapshot.notices ?? []) notes.push(problemSentence(notice, words));
  for (const container of snapshot.containers) {
    if (container.problem) notes.push(problemSentence(container.problem, words));
    if (container.status !== 'running') continue;
    for (const ioc of container.iocs) notes.push(...iocNotes(container, ioc, words));
  }
  const unrelayed = allServers(snapshot).filter((server) => isUnrelayed(server)).length;
  if (unrelayed > 0) {
    const what = unrelayed === 1 ? '1 server answers' : `${unrelayed} servers answer`;
    notes.push(`${what} in the container but not on this machine. ${words.expose}.`);
  }
  for (const name of snapshot.unknownNames) {
    notes.push(`${name}: no IOC here has a PV of this name. ${words.correctName}.`);
  }
  return [...new Set(notes.map(printable))];
}

/** Those of the sentences that say what keeps clients from a server. */
export function failureNotes(snapshot: Snapshot, words: FrontEndWords): string[] {
  const notes = snapshot.containers.flatMap(({ name, status, iocs, problem }) => {
    if (problem) return [problemSentence(problem, words)];
    if (status !== 'running') return [];
    return iocs.flatMap((ioc) => [
      ...(ioc.problem ? iocNotes({ name }, ioc, words) : []),
      ...ioc.servers
        .filter((server) => !isUnrelayed(server))
        .filter((server) => server.status === 'failed' || isHardToFind(server))
        .flatMap((server) => iocNotes({ name }, { ...ioc, servers: [server] }, words)),
    ]);
  });
  return [...new Set(notes.map(printable))];
}

function isHardToFind(server: ServerState): boolean {
  return findingProblem(server) !== undefined;
}

function allServers(snapshot: Snapshot): ServerState[] {
  return snapshot.containers.flatMap((c) => c.iocs.flatMap((ioc) => ioc.servers));
}

function isUnrelayed(server: ServerState): boolean {
  return server.problem?.code === 'not-relayed';
}

function iocNotes(
  container: Pick<ContainerState, 'name'>,
  ioc: IocState,
  words: FrontEndWords,
): string[] {
  const notes: string[] = [];
  if (ioc.problem) {
    notes.push(`${ioc.name} in ${container.name}: ${problemSentence(ioc.problem, words)}`);
  }
  for (const server of ioc.servers) {
    const port = `${server.protocol.toUpperCase()} :${server.listening.port}`;
    const who = `${ioc.name} in ${container.name}, ${port}`;
    if (server.problem && !isUnrelayed(server))
      notes.push(`${who}: ${problemSentence(server.problem, words)}`);
    const more = notesText(server.notes, words);
    if (more !== '') notes.push(`${who}: ${more}`);
  }
  const isWithoutNames = ioc.servers.every((server) => server.pvs.total === 0);
  const missing = notesText(ioc.namesNotes, words);
  if (missing !== '' && (isWithoutNames || ioc.isNamesCut === true)) {
    notes.push(`${ioc.name} in ${container.name}: ${missing}; ${words.namePvs}`);
  } else if (missing !== '' && ioc.mayLackNames === true) {
    const why = clipped(missing, MAX_WHY);
    notes.push(`${ioc.name} in ${container.name} may have more PVs than are listed: ${why}`);
  }
  return notes;
}
