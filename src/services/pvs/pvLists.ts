/** Lists the PVs of a session's servers: as pages, and as levels of a tree. */
import type { Slices } from '../../base/slices';
import type { Branch, BranchQuery, PvPage, PvQuery, PvRow } from '../../model/coreApi';
import { branchOf } from '../../model/pvBranches';
import { pvMatcher } from '../../model/pvPattern';
import type { PvStep } from '../../model/pvTable';
import type { ServerState } from '../../model/snapshot';
import type { PvServer } from '../exposure/pvServer';

/** The PVs of one server that match a query, in the order of their names. */
interface Listed {
  readonly server: PvServer;
  readonly state: ServerState | undefined;
  readonly indexes: readonly number[];
  readonly reachable: number;
}

/** Steps of Slices that one name costs. */
const STEPS_PER_NAME = 25;

/**
 * Lists a page of the PVs that match the query, and counts all of them. Works in slices, because
 * there may be very many. Rejects with CancelledError.
 */
export async function listPvs(
  servers: readonly PvServer[],
  query: PvQuery,
  slices: Slices,
  signal: AbortSignal,
): Promise<PvPage> {
  const { serverKey, offset, limit } = query;
  const lists: Listed[] = [];
  for (const server of servers) {
    if (serverKey !== undefined && server.key !== serverKey) continue;
    const onlyUnreachable = query.onlyUnreachable === true;
    lists.push(await matching(server, query.pattern, onlyUnreachable, slices, signal));
  }
  return {
    total: sum(lists.map(({ indexes }) => indexes.length)),
    reachable: sum(lists.map(({ reachable }) => reachable)),
    rows: mergedRows(lists, offset, limit),
  };
}

/** Lists one level of the tree of a server's PVs, in slices. Rejects with CancelledError. */
export async function listBranch(
  servers: readonly PvServer[],
  query: BranchQuery,
  slices: Slices,
  signal: AbortSignal,
): Promise<Branch> {
  const server = servers.find(({ key }) => key === query.serverKey);
  if (!server) return { groups: [], rows: [] };
  const listed = await matching(server, query.pattern, false, slices, signal);
  const { indexes, state } = listed;
  const names = indexes.map((index) => server.names.name(index));
  const { groups, singles } = branchOf(names, query.prefix);
  return {
    groups: groups.map(({ prefix, start, end }) => {
      let reachable = 0;
      for (let at = start; at < end; at++) {
        if (pvState(server.stepOf(indexes[at] ?? 0), state) === 'reachable') reachable++;
      }
      return { prefix, total: end - start, reachable };
    }),
    rows: singles.map((at) => toRow(server, state, indexes[at] ?? 0)),
  };
}

/** The snapshot's entry for a server; undefined if it has none yet. */
export function stateOf({ ioc, key }: PvServer): ServerState | undefined {
  return ioc.state().servers.find((server) => server.key === key);
}

/** The row of the PV at `index` of a server. */
export function toRow(server: PvServer, state: ServerState | undefined, index: number): PvRow {
  const name = server.names.name(index);
  return {
    ...unlistedRow(server, state, name, server.stepOf(index)),
    source: server.names.source(index),
  };
}

/** The row of a PV that a server has although its IOC does not report it. */
export function unlistedRow(
  server: PvServer,
  state: ServerState | undefined,
  name: string,
  step: PvStep,
): PvRow {
  const { protocol, container, ioc, key } = server;
  return {
    name,
    protocol,
    step,
    state: pvState(step, state),
    source: { kind: 'user' },
    containerName: container.name,
    iocName: ioc.name,
    serverKey: key,
  };
}

/** The step that stops a PV; a problem of the server comes first. */
function pvState(step: string, server: ServerState | undefined): string {
  if (server?.status === 'gone') return 'ioc-gone';
  if (server?.status === 'failed' && server.problem) return server.problem.code;
  return step;
}

async function matching(
  server: PvServer,
  pattern: string | undefined,
  onlyUnreachable: boolean,
  slices: Slices,
  signal: AbortSignal,
): Promise<Listed> {
  const matches = pvMatcher(pattern);
  const state = stateOf(server);
  const { names, stepOf } = server;
  const indexes: number[] = [];
  let reachable = 0;
  for (const index of names.sorted) {
    slices.take(STEPS_PER_NAME);
    if (slices.isOver) await slices.rest(signal);
    const step = stepOf(index);
    if (step === 'not-served' || !matches(names.name(index))) continue;
    const isReachable = pvState(step, state) === 'reachable';
    if (isReachable && onlyUnreachable) continue;
    if (isReachable) reachable++;
    indexes.push(index);
  }
  return { server, state, indexes, reachable };
}

/** The rows from `offset` on of all lists together, by name. */
function mergedRows(lists: readonly Listed[], offset: number, limit: number): PvRow[] {
  const heads = lists.map((list) => ({ list, at: 0 }));
  const rows: PvRow[] = [];
  for (let position = 0; rows.length < limit; position++) {
    let first: (typeof heads)[number] | undefined;
    let firstName = '';
    for (const head of heads) {
      const index = head.list.indexes[head.at];
      if (index === undefined) continue;
      const name = head.list.server.names.name(index);
      if (!first || name < firstName) {
        first = head;
        firstName = name;
      }
    }
    if (!first) return rows;
    const index = first.list.indexes[first.at++] ?? 0;
    if (position >= offset) rows.push(toRow(first.list.server, first.list.state, index));
  }
  return rows;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
